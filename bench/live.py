"""Real processes that talk over HTTP: `xenha lab xapi` as the pool, `xenha serve` as its watcher.

Each lives as long as its context. Nothing is reached into: pools are changed by XAPI calls, services are
known by what they answer.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from hacore.clock import Clock, Deadline
from planner.inventory.poolfile import dump_pool
from planner.model import VM, Pool

XENHA = Path(sys.executable).with_name("xenha")
PASSWORD = "xenha"
"""Of the simulated XAPI, unless it is told otherwise."""
LONGEST_SECONDS = 60.0
"""A process that has not answered by then is broken, and so is the measurement."""
PLANS = "xenha_plans_total"
GLANCE_SECONDS = 0.01
"""Pause between two looks at a service: looking must not keep it from its work."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that prints its URL first."""

    pid: int
    client: httpx.Client


@contextmanager
def running(command: Sequence[str | Path]) -> Iterator[Process]:
    """Run a command until the context ends, then end it with SIGTERM."""
    environment = {**os.environ, "XENHA_PASSWORD": PASSWORD}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=url, timeout=LONGEST_SECONDS) as client:
                yield Process(process.pid, client)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=LONGEST_SECONDS)


class Service:
    """A service that watches one pool."""

    def __init__(self, process: Process, clock: Clock) -> None:
        self.client = process.client
        self._pid = process.pid
        self._clock = clock

    def scrape(self) -> str:
        """Return the metrics."""
        return self.client.get("/metrics").text

    def planned_after(self, plans: int) -> int:
        """Wait until the pool was planned for more often than `plans` times; return how often."""
        return int(sample(self.wait_for(lambda text: sample(text, PLANS) > plans), PLANS))

    def plan(self, failed: Sequence[str]) -> httpx.Response:
        """Return the restart plan for failed hosts."""
        answer = self.client.get("/api/v1/plan", params=[("fail", host) for host in failed])
        assert answer.status_code == 200, answer.text
        return answer

    def wait_for(self, holds: Callable[[str], bool]) -> str:
        """Return the first metrics that satisfy `holds`."""
        deadline, pause = Deadline.after(self._clock, LONGEST_SECONDS), threading.Event()
        while not holds(text := self.scrape()):
            assert not deadline.passed(), "the service did not follow"
            pause.wait(GLANCE_SECONDS)
        return text

    def resident_bytes(self) -> int:
        """Return the memory it holds."""
        return resident_bytes(self._pid)


@contextmanager
def service(command: Sequence[str | Path], clock: Clock) -> Iterator[Service]:
    """Run a service until its first answer is there, and then as long as the context lasts."""
    with running(command) as process:
        watching = Service(process, clock)
        watching.wait_for(lambda _: process.client.get("/-/ready").status_code == 200)
        yield watching


def serve_command(source: str | Path) -> list[str | Path]:
    """Return the command line of `xenha serve` for a source, on a free port."""
    return [XENHA, "serve", str(source), "--listen", "127.0.0.1:0"]


def sample(metrics: str, name: str) -> float:
    """Return the value of the first sample of a metric."""
    found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)", metrics, re.MULTILINE)
    assert found, f"{name} is not exported"
    return float(found[1])


@dataclass(frozen=True, slots=True)
class Change:
    """One protected VM more or less."""

    vm: VM
    protected: bool


def changes_of(vms: Iterable[VM]) -> Iterator[Change]:
    """Return changes without end: each VM loses its protection and gets it back."""
    return (Change(vm, protected) for vm in cycle(vms) for protected in (False, True))


class Xapi:
    """A simulated XAPI; `running` are the protected VMs that run in its pool."""

    def __init__(self, client: httpx.Client, pool: Pool) -> None:
        self._client = client
        self._session = self._call("session.login_with_password", "root", PASSWORD)
        self.source = str(client.base_url).rstrip("/").replace("://", "://root@")
        self.running = [vm for vm in pool.vms if vm.protected and vm.resident_on]

    def make(self, change: Change) -> None:
        """Carry a change out."""
        reference = self._call("VM.get_by_uuid", self._session, change.vm.uuid)
        priority = "restart" if change.protected else ""
        self._call("VM.set_ha_restart_priority", self._session, reference, priority)

    def _call(self, method: str, *params: Any) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self._client.post("/jsonrpc", json=question).json()
        assert "result" in answer, answer
        return answer["result"]


@contextmanager
def simulated_xapi(folder: Path, pool: Pool) -> Iterator[Xapi]:
    """Run `xenha lab xapi` on a pool as long as the context lasts.

    The pool may be overcommitted, lest changes wait for xapi's own planning: it is not what is measured.
    """
    path = folder / "pool-simulated.json"
    path.write_text(dump_pool(replace(pool, ha_allow_overcommit=True)), encoding="utf-8")
    with running([XENHA, "lab", "xapi", "--pool", path, "--listen", "127.0.0.1:0"]) as process:
        yield Xapi(process.client, pool)


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process (proc(5), status: VmRSS, in KiB)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, "a process without memory has ended"
    return int(found[1]) * 1024
