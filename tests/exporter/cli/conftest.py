"""The command line, run in this process and as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from exporter.cli import main
from planner.inventory.poolfile import dump_pool
from planner.model import SR, VM, Host, Pool

GIB = 1 << 30
COMMAND = [sys.executable, "-c", "import sys; from exporter.cli import main; sys.exit(main())"]


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict]:
        """Each line of stdout as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def xenha(capsys) -> Callable[..., Done]:
    """Run a command here; whatever it printed before is forgotten."""

    def _run(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return _run


@pytest.fixture
def process() -> Callable[..., subprocess.Popen]:
    """Start a command as a process; whatever still runs at the end is killed."""
    started: list[subprocess.Popen] = []

    def _start(*arguments: str, **options) -> subprocess.Popen:
        # Unbuffered, Python drops what a pipe did not take: not how people run it.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment}
        started.append(subprocess.Popen([*COMMAND, *arguments], **(pipes | options)))
        return started[-1]

    yield _start
    for each in started:
        each.kill()
        each.communicate()


@pytest.fixture
def pool() -> Pool:
    """Three hosts of 32 GiB; one protected VM of 8 GiB on each: any two hosts may fail."""
    hosts = tuple(Host(f"h{i}", 32 * GIB, name=f"host-{i}") for i in (1, 2, 3))
    vms = tuple(
        VM(
            uuid=f"v{i}",
            name=f"vm-{i}",
            memory_static_max_bytes=8 * GIB,
            power_state="Running",
            resident_on=f"h{i}",
            ha_restart_priority="restart",
            ha_always_run=True,
        )
        for i in (1, 2, 3)
    )
    return Pool("p", name="small", ha_host_failures_to_tolerate=2, hosts=hosts, vms=vms)


@pytest.fixture
def stuck(pool) -> Pool:
    """The same pool, but vm-1 has a disk that only host-1 reaches."""
    local = SR("s1", name="local", shared=False, hosts=("h1",))
    first = replace(pool.vms[0], srs=("s1",), unagile_because=("SR local is not shared",))
    return replace(pool, srs=(local,), vms=(first, *pool.vms[1:]))


@pytest.fixture
def file_of(tmp_path) -> Callable[..., str]:
    """Write a pool into a file and return its path."""

    def _write(pool: Pool, name: str = "pool.json") -> str:
        path: Path = tmp_path / name
        path.write_text(dump_pool(pool), encoding="utf-8")
        return str(path)

    return _write
