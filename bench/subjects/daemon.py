"""`xenhad run` as a process: how soon its first disk cycle has ended, and how much memory it takes.

As a package that pip installed: its bytecode is there. Without, a start is half as long again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.scale import Scale
from bench.table import Row, at_most
from hacore.clock import NS_PER_SECOND
from hacore.edge.journal import parse_line

SUBJECT = "xenhad run"
XENHAD = (sys.executable, "-m", "hacore")
LIMIT_SECONDS = 0.15
LIMIT_MIB = 25


def measure(scale: Scale) -> list[Row]:
    """Return start-up times and sizes for pools of 3 and of 64 hosts."""
    rows = []
    for hosts in (3, 64):
        with TemporaryDirectory() as folder:
            config = written(Path(folder), hosts)
            one_run(scale, config)  # writes what bytecode is missing
            runs = [one_run(scale, config) for _ in range(scale.count(15))]
        seconds, kib = zip(*runs, strict=True)
        what = f"{hosts} hosts, median of {len(runs)}"
        rows.append(
            at_most(SUBJECT, f"start to end of first cycle, {what}", median(seconds), LIMIT_SECONDS, "s")
        )
        rows.append(at_most(SUBJECT, f"resident memory, {what}", median(kib) / 1024, LIMIT_MIB, "MiB"))
    return rows


def one_run(scale: Scale, config: Path) -> tuple[float, int]:
    """Return the seconds until the first cycle has ended, and the resident KiB at that time."""
    started_ns = scale.clock.monotonic_ns()
    with running(config) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said = parse_line(line)
            if said.get("event") == "state":
                seconds = float(said["mono"]) - started_ns / NS_PER_SECOND
                return seconds, resident_kib(process.pid)
    raise RuntimeError("the daemon has ended")


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a daemon; it is killed in the end, as nothing depends on it."""
    command = [*XENHAD, "run", "--config", str(config)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=keeping_bytecode(config.parent),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def keeping_bytecode(folder: Path) -> dict[str, str]:
    """Return an environment in which bytecode is kept, apart from that of others, whatever ours says."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def resident_kib(pid: int) -> int:
    """Return VmRSS of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def written(folder: Path, hosts: int) -> Path:
    """Write a configuration with its key and statefile."""
    with (folder / "statefile").open("wb") as file:
        file.truncate(4 << 20)
    key = os.open(folder / "key", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(key, b"5a" * 32)
    os.close(key)
    tables = "".join(
        f'[[hosts]]\nuuid = "00000000-0000-0000-0000-{i:012}"\naddresses = ["127.0.0.{i}"]\n'
        for i in range(1, hosts + 1)
    )
    config = folder / "xenhad.toml"
    config.write_text(
        'host = "00000000-0000-0000-0000-000000000001"\ngeneration = "00000000-0000-0000-0000-000000000099"\n'
        'statefile = "statefile"\nkey_file = "key"\ncontrol_socket = "sock"\nlab = true\nno_fencing = true\n'
        'arbiters = []\ntimeout_seconds = 10\n[[networks]]\nname = "net"\nport = 42694\n' + tables,
        encoding="utf-8",
    )
    subprocess.run([*XENHAD, "init", "--config", str(config)], check=True, capture_output=True)
    return config
