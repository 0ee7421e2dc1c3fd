"""A host's hardware: its power switch and its watchdog. `python -m lab.cluster.machine SPEC`.

Starts the host's processes as one process group in its network namespace and kills them all at once: when
told to by `crash` or `off` on its standard input, when the watchdog fires, and when its input ends. After the
watchdog fired it boots the host again if the spec says so, with a new boot id: as another incarnation.
Everything is written down in the history. Must never kill anything but its own host, and never for a reason
other than these.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hacore.clock import NS_PER_SECOND, Clock, SystemClock
from lab.cluster.dog import Dog
from lab.cluster.history import History

BEAT_SECONDS = 0.02
"""The machine looks up at least so often, and so knows how late the computer lets it be."""
GLANCE_SECONDS = 0.002
"""Pause between two looks whether all that was killed is gone."""
LATE_NS = NS_PER_SECOND // 20
"""Looking up later than this is worth a line: the computer was busy elsewhere."""
PRIORITY = 50
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Spec:
    """One machine."""

    host: int
    command: tuple[str, ...]  # the host's first process; it gets the boot's number and id behind
    watchdog: str  # path of the socket
    watchdog_seconds: float
    reboots: bool  # after the watchdog fired
    history: str
    mode: str  # of the fault injector; empty: none

    def write(self, path: Path) -> str:
        """Write it into a file and return the command's argument."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return str(path)


class Machine:
    """Power and watchdog of one host."""

    def __init__(self, spec: Spec, clock: Clock) -> None:
        self._spec = spec
        self._clock = clock
        self._history = History(Path(spec.history), clock)
        self._dog = Dog(int(spec.watchdog_seconds * NS_PER_SECOND))
        self._boot = 0
        self._host: subprocess.Popen[bytes] | None = None
        self._holder: socket.socket | None = None
        self._selector = selectors.DefaultSelector()
        self._listener = _listen(spec.watchdog)
        self._selector.register(self._listener, selectors.EVENT_READ, self._open)
        self._commands = b""
        self._running = True
        os.set_blocking(sys.stdin.fileno(), False)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._command)

    def run(self) -> None:
        """Serve until the input ends; then the power is off."""
        while self._running:
            patience = self._patience_seconds()
            expected_ns = self._clock.monotonic_ns() + int(patience * NS_PER_SECOND)
            for key, _ in self._selector.select(patience):
                key.data()
            now_ns = self._clock.monotonic_ns()
            if now_ns - expected_ns > LATE_NS:
                self._note("late", by_ns=now_ns - expected_ns)
            self._look(now_ns)
            _reap()
        self._power_off("off")

    def _look(self, now_ns: int) -> None:
        due_ns = self._dog.due_ns()
        why = self._dog.fires(now_ns)
        if not why:
            return
        late_ns = max(0, now_ns - due_ns) if due_ns is not None and why == "unpinged" else 0
        self._note("fence", why=why, late_ns=late_ns)
        self._power_off("watchdog")
        if self._spec.reboots:
            self._power_on()

    def _patience_seconds(self) -> float:
        due_ns = self._dog.due_ns()
        if due_ns is None:
            return BEAT_SECONDS
        left_ns = due_ns - self._clock.monotonic_ns()
        return max(0.0, min(BEAT_SECONDS, left_ns / NS_PER_SECOND))

    # Power

    def _command(self) -> None:
        said = os.read(sys.stdin.fileno(), 4096)
        self._running = bool(said)
        *lines, self._commands = (self._commands + said).split(b"\n")
        for line in lines:
            match line.decode():
                case "on":
                    self._power_on()
                case "crash" | "off" as why:
                    self._power_off(why)
                case other:
                    self._note("not-understood", command=other)

    def _power_on(self) -> None:
        if self._host is not None:
            return
        self._boot += 1
        boot_id = str(uuid.uuid4())
        command = (*self._spec.command, str(self._boot), boot_id)
        self._host = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        self._note("boot", boot_id=boot_id, group=self._host.pid)

    def _power_off(self, why: str) -> None:
        """Kill everything at once and wait until nothing is left of it."""
        if self._host is None:
            return
        group, asked_ns = self._host.pid, self._clock.monotonic_ns()
        while _kill_group(group):
            self._forget_hung()
            _reap()
            select.select((), (), (), GLANCE_SECONDS)
        self._host = None
        self._drop_holder()
        self._dog.reset()
        self._note("down", why=why, asked_ns=asked_ns)

    def _forget_hung(self) -> None:
        """I/O that hangs in a host without power never happens."""
        if not self._spec.mode:
            return
        try:
            Path(self._spec.mode).write_text("forget\n", encoding="ascii")
        except OSError as error:
            self._note("injector", error=str(error))

    # Watchdog

    def _open(self) -> None:
        """One at a time may hold it, as with the device."""
        door, _ = self._listener.accept()
        if self._holder is not None:
            self._hear()  # perhaps that it has gone
        if self._holder is not None:
            door.close()
            return
        door.setblocking(False)
        self._holder = door
        self._selector.register(door, selectors.EVENT_READ, self._hear)
        self._dog.opened(self._clock.monotonic_ns())
        self._note("armed")

    def _hear(self) -> None:
        if self._holder is None:
            return
        try:
            said = self._holder.recv(4096)
        except BlockingIOError:
            return
        except ConnectionError:
            said = b""
        now_ns = self._clock.monotonic_ns()
        if said:
            self._dog.heard(said, now_ns)
            return
        self._drop_holder()
        self._dog.closed(now_ns)
        self._note("unattended" if self._dog.armed else "disarmed")

    def _drop_holder(self) -> None:
        if self._holder is not None:
            self._selector.unregister(self._holder)
            self._holder.close()
            self._holder = None

    def _note(self, what: str, **values: str | int) -> None:
        self._history.add(what, self._spec.host, self._boot, **values)


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    listener.setblocking(False)
    return listener


def _kill_group(group: int) -> bool:
    """Kill all processes of a group; tell whether there were any."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _reap() -> None:
    """Bury the host's processes, also those whose parents died first."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def main(arguments: Sequence[str]) -> int:
    """Be a machine; first of all a prompt one: a late watchdog would prove nothing."""
    values = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    spec = Spec(**{**values, "command": tuple(values["command"])})
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Machine(spec, SystemClock()).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
