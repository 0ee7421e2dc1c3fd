"""G5: how long a dead host stays in the liveset, beside the bound, while somebody healthy could remove it.

The bound is T·(1+ρ) + read interval + granularity after the last write that landed. What phases of beats and
the rounds of Paxos may add is `_allowed_ns`; beyond it the guarantee is broken. Two things put it off and
nothing excuses it: a slot that nobody can believe stops every round until it is written anew (MEMBERSHIP §4),
and a member that is not well may have its turn first and waste it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hacore.core.deciding import COPIES_NEEDED
from hacore.core.effects import Note
from hacore.core.setup import Quorum
from hacore.core.timing import NS
from hacore.kernel._pump import COPIES
from hacore.records import Decision, FenceCause
from hacore.testing.checks import Ledger
from hacore.testing.disk import Copy
from hacore.testing.host import Ill

if TYPE_CHECKING:
    from hacore.testing.host import Host
    from hacore.testing.world import World

RATE_PART = 100  # ρ
CYCLES_NS = NS
"""The rounds of Paxos: some cycles of I/O."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A host as one boot of it."""

    host: int
    incarnation: int


class Detection:
    """Measures how late dead members are left out."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world, self.ledger = world, ledger
        self.most_over_ns: int | None = None
        timing = world.timing
        self._bound_ns = timing.silence_ns + timing.silence_ns // RATE_PART + timing.beat_ns
        self._allowed_ns = timing.beat_ns + CYCLES_NS
        self._turn_ns = 2 * timing.beat_ns
        self._awake_ns = timing.storage_lost_ns + 2 * timing.beat_ns
        self._gone: dict[_Member, int] = {}  # from when on its bound counts

    def went_down(self, host: Host) -> None:
        member = self.ledger.newest.has(host.index, host.incarnation)
        if self.world.plan.quorum == Quorum.DISK and host.vms and member:
            gone = _Member(host.index, host.incarnation)
            self._begin(gone, self._moved_ns(gone))

    def looked(self, host: Host) -> None:
        newest = self.ledger.newest
        for gone in [gone for gone in self._gone if not newest.has(gone.host, gone.incarnation)]:
            members = self.ledger.before(newest.epoch)
            since_ns = self._since_ns(gone)
            if self._able(gone, members, since_ns) and not self._in_the_way(gone, members, since_ns):
                over_ns = self.world.now_ns - since_ns - self._bound_ns
                self.most_over_ns = over_ns if self.most_over_ns is None else max(over_ns, self.most_over_ns)
            del self._gone[gone]

    def _begin(self, gone: _Member, since_ns: int) -> None:
        """Let the bound count from an instant, and look when it is over."""
        self._gone[gone] = since_ns
        self._look_at(since_ns + self._bound_ns + self._allowed_ns, gone)

    def _look_at(self, when_ns: int, gone: _Member) -> None:
        self.world.at(max(when_ns, self.world.now_ns), self._overdue, gone)

    def _overdue(self, gone: _Member) -> None:
        """Accuse, unless it is not due yet; or let the bound begin anew: nobody could have done it."""
        if gone not in self._gone:
            return
        members, since_ns = self.ledger.newest, self._since_ns(gone)
        if self.world.disk.doubted or not self._able(gone, members, since_ns):
            self._begin(gone, self.world.now_ns)
            return
        turns_ns = self._turn_ns * self._in_the_way(gone, members, since_ns)
        due_ns = since_ns + self._bound_ns + self._allowed_ns + turns_ns
        if due_ns > self.world.now_ns:
            self._look_at(due_ns, gone)
        else:
            late = (self.world.now_ns - self._moved_ns(gone)) / NS
            self.ledger.accuse("G5", gone.host, f"is still a member {late:.1f} s after its last write")

    def _since_ns(self, gone: _Member) -> int:
        """Return from when on its bound counts: its slot may change later, another be doubted."""
        disk = self.world.disk
        believed_ns = disk.believed_ns + self._turn_ns - self._bound_ns  # rounds that waited beat each other
        return max(self._gone[gone], self._moved_ns(gone), believed_ns)

    def _moved_ns(self, member: _Member) -> int:
        """Return when its slot last moved, by a write, by a late one or by rubbish; 0: never."""
        return self.world.disk.moved_ns.get((member.host, member.incarnation), 0)

    def _able(self, gone: _Member, members: Decision, since_ns: int) -> bool:
        """Tell whether some other member could decide all the time."""
        return any(
            members.has(host.index, host.incarnation) and self._well(host, since_ns)
            for host in self._others(gone, members)
        )

    def _in_the_way(self, gone: _Member, members: Decision, since_ns: int) -> int:
        """Count the other members that may be counted on and cannot decide: each has its turn, in vain.

        Who has not moved for T/4 has no storage by its own account, and is not waited for.
        """
        awake_ns = since_ns + self._bound_ns - self._awake_ns
        return sum(
            self._moved_ns(_Member(host.index, members.members[host.index])) > awake_ns
            and not self._well(host, since_ns)
            for host in self._others(gone, members)
        )

    def _others(self, gone: _Member, members: Decision) -> list[Host]:
        return [
            host for host in self.world.hosts if members.liveset >> host.index & 1 and host.index != gone.host
        ]

    def _well(self, host: Host, since_ns: int) -> bool:
        """Tell whether it could decide since before the last write was to be seen."""
        newest = self.world.disk.newest_copy(host.index)
        if newest is None or COPIES - newest.burnt.bit_count() < COPIES_NEEDED:
            return False
        well_ns = host.well_since_ns(Ill.STORAGE, Ill.DAEMON)
        return host.up and well_ns is not None and well_ns < since_ns - self._allowed_ns

    def arming(self, host: Host) -> None: ...
    def vms_started(self, host: Host) -> None: ...
    def fenced(self, host: Host, cause: FenceCause | None) -> None: ...
    def landed(self, host: int, content: Copy) -> None: ...
    def noted(self, host: Host, note: Note) -> None: ...
    def tell(self, host: int, text: str) -> None: ...
