"""Hosts on one shared disk as one thing that can be broken, looked at and waited for. Judges nothing."""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hacore.clock import Deadline, SystemClock
from lab.cluster.daemonfile import Settings, uuid_of
from lab.cluster.history import History, Record, Run, runs
from lab.cluster.host import Host
from lab.cluster.nets import Nets

GLANCE_SECONDS = 0.05


class NotSeenError(RuntimeError):
    """Something that was waited for did not happen; says what every host is at."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """All hosts, what joins them, and what happened to them."""

    settings: Settings
    folder: Path
    nets: Nets
    hosts: tuple[Host, ...]
    history: History
    slack_seconds: float  # on top of what the protocol promises: for a machine that does other things, too

    def start(self, vms: bool = True) -> None:
        """Boot all hosts; each gets a VM to run."""
        for host in self.hosts:
            if vms:
                host.start_vm(f"vm-{host.index + 1}")
            host.power_on()

    def wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until something is so.

        Raises:
            NotSeenError: It was not so in time.
        """
        deadline = Deadline.after(SystemClock(), seconds)
        while not done():
            if deadline.passed():
                raise NotSeenError(f"not seen within {seconds:g} s: {what}\n{self.describe()}")
            select.select((), (), (), GLANCE_SECONDS)

    def pass_time(self, seconds: float) -> None:
        """Let time pass: for faults that last, and for things that must not happen."""
        deadline = Deadline.after(SystemClock(), seconds)
        while not deadline.passed():
            select.select((), (), (), deadline.left_seconds())

    def livesets(self) -> dict[int, frozenset[int]]:
        """Return, by host, the newest liveset it knows; hosts that do not answer are left out."""
        found = {}
        for host in self.hosts:
            status = host.status()
            if status is not None:
                indexes = {uuid_of(each.index): each.index for each in self.hosts}
                found[host.index] = frozenset(indexes[uuid] for uuid in status.liveset)
        return found

    def lives(self, *members: int) -> bool:
        """Tell whether exactly these hosts are members, as each of them sees it."""
        states = {host.index: host.status() for host in self.hosts}
        uuids = {uuid_of(each) for each in members}
        return all(
            (status is not None and status.state == "member" and set(status.liveset) == uuids)
            if index in members
            else (status is None or status.state != "member")
            for index, status in states.items()
        )

    def events(self, what: str, host: int | None = None) -> tuple[Record, ...]:
        """Return what the history has of a kind, of one host or all."""
        return tuple(
            record
            for record in self.history.read()
            if record.what == what and (host is None or record.host == host)
        )

    def runs(self) -> tuple[Run, ...]:
        """Return when which VM ran where."""
        return runs(self.history.read(), self.folder / "stamps")

    def homes(self) -> dict[str, tuple[int, bool]]:
        """Return, by VM, on which host it ran last, and whether it still does."""
        records = self.history.read()
        down = {(record.host, record.boot) for record in records if record.what == "down"}
        last = {run.vm: run for run in runs(records, self.folder / "stamps")}
        return {vm: (run.host, (run.host, run.boot) not in down) for vm, run in sorted(last.items())}

    def running(self, vm: str) -> int | None:
        """Return on which host a VM was started last."""
        found = [run for run in self.runs() if run.vm == vm]
        return found[-1].host if found else None

    def table(self) -> str:
        """Return one line a host: what its daemon says, and which VMs it runs."""
        homes = self.homes()
        return "\n".join(
            _row(host, [vm for vm, home in homes.items() if home == (host.index, True)])
            for host in self.hosts
        )

    def describe(self) -> str:
        """Return what every host is at, for people."""
        return "\n".join(_describe(host) for host in self.hosts)


def _row(host: Host, vms: list[str]) -> str:
    status = host.status()
    if status is None:
        return f"{host.name}  does not answer"
    members = ",".join(str(int(uuid[:8], 16)) for uuid in status.liveset)
    left = status.watchdog.deadline_in_seconds
    deadline = f"fences itself in {left:.1f} s" if status.armed and left is not None else "not armed"
    role = "leads" if status.leader == status.host.uuid else ""
    disk = "disk works" if status.storage.works else "NO DISK"
    runs = " ".join(vms) if status.state == "member" else ""
    membership = f"{status.state:8}  epoch {status.epoch:<3} liveset {members:6}"
    return f"{host.name}  {membership}  {deadline:22}  {disk:10}  {role:5}  {runs}".rstrip()


def _describe(host: Host) -> str:
    status = host.status()
    if status is not None:
        members = ",".join(str(int(uuid[:8], 16)) for uuid in status.liveset)
        said = f"{status.state} epoch {status.epoch} liveset {members} {status.waiting}".rstrip()
    else:
        said = "does not answer"
    tail = host.journal.read_text(encoding="utf-8").splitlines()[-6:] if host.journal.exists() else []
    out = host.folder / "xenhad.out"
    tail += out.read_text(encoding="utf-8", errors="replace").splitlines()[-3:] if out.exists() else []
    return "\n  ".join((f"{host.name}: {said}", *tail))
