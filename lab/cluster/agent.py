"""A host's first process: `python -m lab.cluster.agent SPEC BOOT BOOT_ID` starts xenhad and fake VMs.

Stands in for init and for the controller: it starts the VMs the administrator asks for once its host is a
member, and while its host leads, those of hosts that its daemon declares dead. Where VMs ran is read from the
history, as the controller reads its pool database. Must never start a VM of a host that was not declared
dead: whether *that* is ever too early is what the lab is there to find out.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hacore.clock import SystemClock
from hacore.status import Status
from lab.cluster.client import status
from lab.cluster.history import History, Record
from lab.cluster.story import dead_in, parse_line

BEAT_SECONDS = 0.05
DAEMON = "xenhad"
"""What an administrator may want to be started beside VMs."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One host's software."""

    host: int
    folder: str  # the host's own
    template: str  # its configuration, with BOOT_ID where the boot id goes
    daemon: tuple[str, ...]  # the command; the configuration's path comes behind
    control_socket: str
    history: str
    restarts: bool  # a daemon that ended is started again, as systemd would

    def write(self, path: Path) -> str:
        """Write it into a file and return the command's argument."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return str(path)


class Agent:
    """The processes of one boot."""

    def __init__(self, spec: Spec, boot: int, boot_id: str) -> None:
        self._spec = spec
        self._boot = boot
        self._folder = Path(spec.folder)
        self._history = History(Path(spec.history), SystemClock())
        self._config = self._folder / f"xenhad-{boot}.toml"
        self._config.write_text(spec.template.replace("BOOT_ID", boot_id), encoding="utf-8")
        self._daemon = self._start_daemon()
        self._ended = False
        self._vms: list[subprocess.Popen[bytes]] = []
        self._dead: dict[int, int] = {}  # when a host was last called dead
        self._looked_at: dict[int, int] = {}
        self._read_bytes = 0

    def run(self) -> None:
        """Look after them for ever."""
        while True:
            select.select((), (), (), BEAT_SECONDS)
            if not self._ended and self._daemon.poll() is not None:
                self._daemon_ended()
            if self._ended:
                self._start_again_if_wanted()
            self._follow(status(Path(self._spec.control_socket)))

    def _start_daemon(self) -> subprocess.Popen[bytes]:
        with (self._folder / "xenhad.out").open("ab") as out:
            process = subprocess.Popen((*self._spec.daemon, str(self._config)), stdout=out, stderr=out)
        (self._folder / "xenhad.pid").write_text(str(process.pid), encoding="ascii")
        self._note("daemon", pid=process.pid)
        return process

    def _daemon_ended(self) -> None:
        self._note("daemon-ended", code=self._daemon.returncode)
        self._ended = not self._spec.restarts
        if self._spec.restarts:
            self._daemon = self._start_daemon()

    def _start_again_if_wanted(self) -> None:
        wish = self._folder / "start" / DAEMON
        if wish.exists():
            wish.unlink()
            self._daemon, self._ended = self._start_daemon(), False

    def _follow(self, found: Status | None) -> None:
        if found is None or found.state != "member":
            return
        for wish in sorted((self._folder / "start").iterdir()):
            wish.unlink()
            self._start_vm(wish.name)
        self._read_journal()
        if found.leader == found.host.uuid and self._dead != self._looked_at:
            self._looked_at = dict(self._dead)
            self._take_over()

    def _read_journal(self) -> None:
        """Remember whom the daemon called dead, and when; a status would show only who is dead just now."""
        path = self._folder / "journal"
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read_bytes)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for each in whole.decode(errors="replace").splitlines():
            line = parse_line(self._spec.host, each)
            if line is not None:
                self._dead.update({dead.host: dead.at_ns for dead in dead_in(line)})

    def _take_over(self) -> None:
        """Start what ran last on a host, and was started there before that host was called dead."""
        for last in _newest_runs(self._history.read()):
            vm = str(last.values["vm"])
            if last.at_ns < self._dead.get(last.host, 0):
                self._note("took-over", vm=vm, dead=last.host, dead_boot=last.boot)
                self._start_vm(vm)

    def _start_vm(self, vm: str) -> None:
        stamps = f"{vm}.{self._spec.host}.{self._boot}"
        path = Path(self._spec.history).with_name("stamps") / stamps
        self._note("vm", vm=vm, stamps=stamps)
        command = (sys.executable, "-m", "lab.cluster.vm", str(path))
        self._vms.append(subprocess.Popen(command))

    def _note(self, what: str, **values: str | int) -> None:
        self._history.add(what, self._spec.host, self._boot, **values)


def _newest_runs(records: Sequence[Record]) -> list[Record]:
    """Return where each VM was started last."""
    newest = {record.values["vm"]: record for record in records if record.what == "vm"}
    return list(newest.values())


def main(arguments: Sequence[str]) -> int:
    """Run until killed: a host of the lab ends by losing its power."""
    values = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    spec = Spec(**{**values, "daemon": tuple(values["daemon"])})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(spec.folder)
    Agent(spec, int(arguments[1]), arguments[2]).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
