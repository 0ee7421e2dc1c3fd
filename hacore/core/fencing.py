"""When a host that was left out is certainly dead (MEMBERSHIP §4, G1). Must never guess.

Certain is only: it rebooted; it fell silent; its lease has run out since my own slot was read back with the
removal in it; or it has cut its lease, said so, and its watchdog has had its time since. A host without
fencing is certain only when it was seen rebooted.
"""

from __future__ import annotations

from dataclasses import dataclass

from hacore.core.cliques import hosts_in
from hacore.core.seen import Disk
from hacore.core.timing import Timing
from hacore.records import Cause, Decision, SlotBody, State


@dataclass(frozen=True, slots=True)
class DeadEvidence:
    """What is known of a host that the newest epoch leaves out."""

    now_ns: int
    armed: bool  # it is fenced if its lease ends
    rebooted: bool  # its slot shows another incarnation than the member's
    silent: bool  # it holds no lease: as of a read after my slot showed the removal
    removed_ns: int  # when a read of my own slot with the removal in it completed; 0: not yet
    leased_by_disk: bool  # its lease needs to read the newest epoch (quorum "disk")
    confirmed_ns: int  # when its slot was first read FENCING: its lease is cut; 0: it was not
    silence_ns: int
    confirmation_ns: int  # how long its watchdog may still be kept quiet by pings that were on their way


def certainly_dead(seen: DeadEvidence) -> bool:
    """Tell whether the host runs no VM any more."""
    if seen.rebooted:
        return True
    if not seen.armed or not seen.removed_ns:
        return False
    if seen.silent or (seen.leased_by_disk and seen.now_ns - seen.removed_ns > seen.silence_ns):
        return True
    return bool(seen.confirmed_ns) and seen.now_ns - seen.confirmed_ns > seen.confirmation_ns


def confirmation_ns(timing: Timing) -> int:
    """Return how long after a confirmation was read its watchdog has certainly fired.

    The last ping before the lease was cut, one held up after its check, and the one of a device closed by
    kill −9 may each be answered W + g later.
    """
    return 3 * (timing.watchdog_ns + timing.granularity_ns)


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
    """Who was left out since when. Steady state: nobody, at no cost."""

    def __init__(self) -> None:
        self._records: dict[int, Removal] = {}
        self.dead = self.condemned = self.uncertain = 0
        """Masks: certainly dead; left out and not yet dead; of those, without fencing."""

    def decided(self, before: Decision, after: Decision) -> None:
        """Note who the next known epoch leaves out, but for those who asked for it."""
        direct = after.epoch == before.epoch + 1
        left = direct and after.cause is Cause.LEFT
        for host in hosts_in(before.liveset):
            gone = before.members[host] and after.members[host] != before.members[host]
            if gone and not left:
                self._records[host] = Removal(host, before.members[host], after.epoch, direct)
        for host in hosts_in(after.liveset):
            self._records.pop(host, None)
        self._sum_up()

    def inherit(self, decided: Decision, disk: Disk, me: int) -> None:
        """Note at the start who else still shows that it was a member of an epoch before."""
        members = disk.states[State.MEMBER] | disk.states[State.LEAVING] | disk.states[State.FENCING]
        for host in hosts_in(members & ~decided.liveset & ~(1 << me)):
            self._records[host] = Removal(host, disk.incarnations[host], decided.epoch, direct=False)
        self._sum_up()

    @property
    def watched(self) -> bool:
        """Tell whether there is anything to judge."""
        return bool(self.condemned)

    def look(self, disk: Disk, mine: Decision) -> None:
        """Take in a good read; `mine` is what my own slot says is decided."""
        for record in self._records.values():
            body, bit = disk.bodies[record.host], 1 << record.host
            if not record.removed_ns and mine.epoch >= record.epoch and not mine.liveset & bit:
                record.removed_ns = disk.read_completed_ns
            if body is None or body.incarnation != record.incarnation:
                continue
            record.fenced = _fenced(record, body)
            if body.state is State.FENCING and not record.confirmed_ns:
                record.confirmed_ns = disk.read_completed_ns

    def evidence(
        self, host: int, disk: Disk, silent: int, now_ns: int, timing: Timing, *, by_disk: bool
    ) -> DeadEvidence:
        """Return what is known of a host that was left out."""
        record, body, bit = self._records[host], disk.bodies[host], 1 << host
        same = body is None or body.incarnation == record.incarnation
        return DeadEvidence(
            now_ns=now_ns,
            armed=record.fenced,
            rebooted=not same and not disk.doubted & bit,
            silent=bool(silent & bit),
            removed_ns=record.removed_ns,
            leased_by_disk=by_disk,
            confirmed_ns=record.confirmed_ns,
            silence_ns=timing.silence_ns,
            confirmation_ns=confirmation_ns(timing),
        )

    def bury(self, host: int) -> None:
        """Note that it is dead: it stays so until it is admitted again."""
        self._records[host].dead = True
        self._sum_up()

    def forget_those_who_left(self, disk: Disk) -> None:
        """Drop those who, not yet dead, say that they have disarmed and left."""
        for host in hosts_in(self.condemned & disk.states[State.EXCLUDED]):
            if disk.incarnations[host] == self._records[host].incarnation:
                del self._records[host]
        self._sum_up()

    def note_uncertain(self, disk: Disk, silent: int) -> None:
        """Note who has no fencing and cannot be seen any more."""
        self.uncertain = self.condemned & silent & disk.unarmed

    def _sum_up(self) -> None:
        self.dead = sum(1 << record.host for record in self._records.values() if record.dead)
        self.condemned = sum(1 << record.host for record in self._records.values() if not record.dead)
        self.uncertain &= self.condemned


def _fenced(record: Removal, body: SlotBody) -> bool:
    """Tell whether it is fenced when its lease ends.

    One that still shows JOINING arms before it runs anything; one that was leaving may have been let go by an
    epoch that I did not see.
    """
    if body.state is State.LEAVING:
        return body.armed and record.direct
    return body.armed or body.state in (State.JOINING, State.FENCING)
