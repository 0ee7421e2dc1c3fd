"""Who was left out since when, and what was seen of it since. Remembers; the rule is in fencing.py.

Steady state: nobody, at no cost. A fresh daemon knows nothing of epochs before: it takes up those who still
show that they were members. So does one that missed epochs: what it knows may be of a membership before last.
"""

from __future__ import annotations

from dataclasses import dataclass

from hacore.core.cliques import hosts_in
from hacore.core.fencing import DeadEvidence
from hacore.core.seen import Disk
from hacore.core.setup import Setup
from hacore.records import Cause, Decision, SlotBody, State

_RAN = (State.MEMBER, State.LEAVING, State.FENCING)
"""Who shows one of these may have run VMs as the boot that it shows."""


@dataclass(slots=True)
class Removal:
    """A host that an epoch left out, and what has been seen of it since."""

    host: int
    incarnation: int
    epoch: int  # the first known one without it
    direct: bool  # that epoch follows on one with it: its cause is known not to be LEFT
    fenced: bool = False  # as far as its slot was last believed
    removed_ns: int = 0
    confirmed_ns: int = 0
    dead: bool = False


class Removals:
    """All of them."""

    def __init__(self, setup: Setup) -> None:
        self._me, self._timing = setup.me, setup.timing
        self._records: dict[int, Removal] = {}
        self.dead = self.condemned = self.uncertain = 0
        """Masks: certainly dead; left out and not yet dead; of those, without fencing."""

    def decided(self, before: Decision, after: Decision, disk: Disk) -> None:
        """Note who the next known epoch leaves out, but for those who asked for it."""
        direct = after.epoch == before.epoch + 1
        left = direct and after.cause is Cause.LEFT
        for host in hosts_in(before.liveset & ~(1 << self._me)):
            gone = before.members[host] and after.members[host] != before.members[host]
            if gone and not left:
                self._records[host] = Removal(host, before.members[host], after.epoch, direct)
        for host in hosts_in(after.liveset):
            self._records.pop(host, None)
        if not direct:
            self._date_anew(after.epoch)
            self.inherit(after, disk)
        self._sum_up()

    def inherit(self, decided: Decision, disk: Disk) -> None:
        """Note who else still shows that it was a member, of an epoch that was not read."""
        members = sum(disk.states[state] for state in _RAN)
        for host in hosts_in(members & ~decided.liveset & ~(1 << self._me)):
            record, incarnation = self._records.get(host), disk.incarnations[host]
            if record is None or record.incarnation != incarnation:
                self._records[host] = Removal(host, incarnation, decided.epoch, direct=False)
        self._sum_up()

    def look(self, disk: Disk) -> None:
        """Take in a good read: what my own slot shows as decided, and what those who are left out say."""
        own = disk.bodies[self._me]
        if not self._records or own is None:
            return
        for record in self._replaced(disk):
            body, bit = disk.bodies[record.host], 1 << record.host
            if not record.removed_ns and own.decided.epoch >= record.epoch and not own.decided.liveset & bit:
                record.removed_ns = disk.read_completed_ns
            if body is None or body.incarnation != record.incarnation:
                continue
            record.fenced = _fenced(record, body)
            if body.state is State.FENCING and not record.confirmed_ns:
                record.confirmed_ns = disk.read_completed_ns

    def evidence(self, host: int, disk: Disk, silent: int, now_ns: int, *, by_disk: bool) -> DeadEvidence:
        """Return what is known of a host that was left out."""
        record, body, bit = self._records[host], disk.bodies[host], 1 << host
        another = body is not None and body.incarnation != record.incarnation and not disk.doubted & bit
        return DeadEvidence(
            now_ns=now_ns,
            read_ns=disk.read_started_ns,
            armed=record.fenced,
            rebooted=another and (bool(silent & bit) or _knows_it_is_out(record, body)),
            silent=bool(silent & bit),
            removed_ns=record.removed_ns,
            leased_by_disk=by_disk,
            confirmed_ns=record.confirmed_ns,
            silence_ns=self._timing.silence_ns,
            confirmation_ns=self._timing.confirmation_ns,
        )

    def bury(self, host: int) -> None:
        """Note that it is dead: it stays so until it is admitted as somebody else."""
        self._records[host].dead = True
        self._sum_up()

    def buried_alive(self, disk: Disk) -> int:
        """Return the dead (mask) that still show the boot that was declared dead: these must reboot first."""
        return sum(
            1 << host
            for host in hosts_in(self.dead)
            if disk.incarnations[host] == self._records[host].incarnation
        )

    def forget_those_who_left(self, disk: Disk) -> None:
        """Drop those who, not yet dead, say that they have disarmed and left."""
        for host in hosts_in(self.condemned & disk.states[State.EXCLUDED]):
            if disk.incarnations[host] == self._records[host].incarnation:
                del self._records[host]
        self._sum_up()

    def newly_uncertain(self, disk: Disk, silent: int) -> int:
        """Note who has no fencing and cannot be seen any more; return who was not known as such."""
        before = self.uncertain
        self.uncertain = self.condemned & silent & disk.unarmed
        return self.uncertain & ~before

    def _date_anew(self, epoch: int) -> None:
        """Epochs were missed: who is out may have been in again, armed, and be out since this one only."""
        for host, record in self._records.items():
            if not record.dead:
                self._records[host] = Removal(host, record.incarnation, epoch, direct=False)

    def _replaced(self, disk: Disk) -> list[Removal]:
        """Return all records; who shows that it was a member as another boot is out as that one."""
        for host, record in self._records.items():
            body = disk.bodies[host]
            if body is not None and body.incarnation != record.incarnation and body.state in _RAN:
                self._records[host] = Removal(host, body.incarnation, disk.newest.epoch, direct=False)
        self._sum_up()
        return list(self._records.values())

    def _sum_up(self) -> None:
        self.dead = sum(1 << record.host for record in self._records.values() if record.dead)
        self.condemned = sum(1 << record.host for record in self._records.values() if not record.dead)
        self.uncertain &= self.condemned


def _knows_it_is_out(record: Removal, body: SlotBody | None) -> bool:
    """Tell whether who shows another boot cannot become a member any more by an epoch that I did not read."""
    return record.direct or (body is not None and body.decided.epoch >= record.epoch)


def _fenced(record: Removal, body: SlotBody) -> bool:
    """Tell whether it is fenced when its lease ends.

    One that still shows JOINING has run nothing, and may come back; one that was leaving may have been let go
    by an epoch that I did not see.
    """
    if body.state is State.LEAVING:
        return body.armed and record.direct
    return body.armed or body.state is State.FENCING
