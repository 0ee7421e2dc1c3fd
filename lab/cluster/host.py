"""One host of the lab as a person in the server room has it: power switch, disk, console. Judges nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hacore.status import Status
from lab.cluster import client
from lab.cluster.agent import DAEMON
from lab.cluster.daemonfile import name_of
from lab.cluster.faults import parse_fault
from lab.cluster.history import History


@dataclass(frozen=True, slots=True)
class Host:
    """One host, its power switch and its way to the disk."""

    index: int
    folder: Path
    history: History
    machine: subprocess.Popen[str]

    @property
    def name(self) -> str:
        """What people call it."""
        return name_of(self.index)

    @property
    def socket(self) -> Path:
        """The daemon's control socket."""
        return self.folder / "xenhad.sock"

    @property
    def journal(self) -> Path:
        """The daemon's journal, of all boots."""
        return self.folder / "journal"

    def power_on(self) -> None:
        """Boot, unless it runs."""
        self._press("on")

    def crash(self) -> None:
        """Cut the power."""
        self.history.add("fault", self.index, text="power cut")
        self._press("crash")

    def pause(self) -> None:
        """Stop all its processes: the host hangs."""
        self.history.add("fault", self.index, text="host hangs (SIGSTOP)")
        os.killpg(self._group(), signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on, if there are any left."""
        self.history.add("fault", self.index, text="host goes on (SIGCONT)")
        try:
            os.killpg(self._group(), signal.SIGCONT)
        except ProcessLookupError:
            return  # the watchdog was faster

    def signal_daemon(self, number: signal.Signals) -> None:
        """Send a signal to the daemon alone."""
        self.history.add("fault", self.index, text=f"daemon gets {number.name}")
        os.kill(int((self.folder / "xenhad.pid").read_text()), number)

    def disk(self, fault: str) -> None:
        """Set what the disk does to this host alone (faults.py)."""
        self.history.add("fault", self.index, text=f"disk: {parse_fault(fault)}")
        (self.folder / "disk" / "mode").write_text(f"{fault}\n", encoding="ascii")

    def start_vm(self, vm: str) -> None:
        """Have a VM started once this host is a member."""
        (self.folder / "start" / vm).touch()

    def start_daemon(self) -> None:
        """Start the daemon again after it ended."""
        (self.folder / "start" / DAEMON).touch()

    def status(self) -> Status | None:
        """Return what its daemon says, if it says anything."""
        return client.status(self.socket)

    def command(self, request: str, **values: str | int | bool) -> str:
        """Make a request to its daemon."""
        return client.command(self.socket, request, **values)

    def _press(self, button: str) -> None:
        assert self.machine.stdin is not None
        self.machine.stdin.write(f"{button}\n")
        self.machine.stdin.flush()

    def _group(self) -> int:
        boots = [
            record for record in self.history.read() if record.what == "boot" and record.host == self.index
        ]
        return int(boots[-1].values["group"])
