"""Takes everything away again, however the cluster ends: `python -m lab.cluster.undo` reads what to undo.

A process of its own, in a session of its own, that lives as long as the pipe to it is open. The kernel
closes the pipe even when the lab is killed; so there is one way to clean up, and it is always taken. Each
line is written *before* the thing is made, and undoing what was never made is no error. Undone in reverse
order. Must never undo what it was not told of.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from select import select
from types import TracebackType

from hacore.clock import Deadline, SystemClock
from lab.cluster import fuse

GLANCE_SECONDS = 0.02
PATIENCE_SECONDS = 20.0


class Undo:
    """What the lab holds: a list of things to undo, and the process that will."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            (sys.executable, "-m", "lab.cluster.undo"),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._complaints: str | None = None

    def later(self, what: str, value: object) -> None:
        """Remember to undo; call it before the thing is made."""
        assert what in WAYS, what
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, value]) + "\n")
        self._process.stdin.flush()

    def now(self) -> str:
        """Undo everything and return what could not be undone, a line each; a second time does nothing."""
        if self._complaints is None:
            _, self._complaints = self._process.communicate()
        return self._complaints

    def __enter__(self) -> Undo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        complaints = self.now()
        if complaints and error is None:
            raise RuntimeError(f"not all of the lab could be taken away: {complaints}")


def start_time(pid: int) -> int | None:
    """Return when a process started, in ticks since boot: with it a pid names one process for ever."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def _kill(value: object) -> None:
    """Kill a process, given as [pid, start time]; another one with the same pid is left alone."""
    assert isinstance(value, list)
    pid, started = value
    if started is not None and start_time(pid) == started:
        os.kill(pid, signal.SIGKILL)
        _wait(lambda: start_time(pid) != started, f"process {pid} does not end")


def _namespace(value: object) -> None:
    """Kill all that runs in a network namespace, then delete it."""
    name = str(value)

    def empty() -> bool:
        pids = subprocess.run(("ip", "netns", "pids", name), capture_output=True, text=True, check=False)
        for pid in pids.stdout.split():
            _kill_quietly(int(pid))
        return not pids.stdout.split()

    if not Path("/run/netns", name).exists():
        return
    _wait(empty, f"processes in namespace {name} do not end")
    subprocess.run(("ip", "netns", "delete", name), check=True)


def _kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _unmount(value: object) -> None:
    while fuse.unmount(Path(str(value))):
        continue


def _loops(value: object) -> None:
    """Detach every loop device over a file."""
    listed = subprocess.run(
        ("losetup", "--associated", str(value)), capture_output=True, text=True, check=False
    )
    for line in listed.stdout.splitlines():
        subprocess.run(("losetup", "--detach", line.partition(":")[0]), check=True)


def _folder(value: object) -> None:
    if Path(str(value)).exists():
        shutil.rmtree(str(value))


WAYS: Mapping[str, Callable[[object], None]] = {
    "process": _kill,
    "namespace": _namespace,
    "mount": _unmount,
    "loops": _loops,
    "folder": _folder,
}


def _wait(done: Callable[[], bool], complaint: str) -> None:
    deadline = Deadline.after(SystemClock(), PATIENCE_SECONDS)
    while not done():
        if deadline.passed():
            raise TimeoutError(complaint)
        select((), (), (), GLANCE_SECONDS)


def main() -> int:
    """Read until the pipe closes, then undo."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    complaints = 0
    for line in reversed(sys.stdin.read().splitlines()):
        what, value = json.loads(line)
        try:
            WAYS[what](value)
        except (OSError, subprocess.SubprocessError) as error:
            complaints += 1
            sys.stderr.write(f"{what} {value}: {error}\n")
    return int(complaints > 0)


if __name__ == "__main__":
    raise SystemExit(main())
