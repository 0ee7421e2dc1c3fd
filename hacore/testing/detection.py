"""G5: how long a dead host stays in the liveset, beside the bound, while somebody healthy could remove it.

The bound is T·(1+ρ) + read interval + granularity after the last write that landed. What a whole beat and the
two rounds of Paxos may add is ALLOWED_NS; beyond it the guarantee is broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hacore.core.effects import Note
from hacore.core.setup import Quorum
from hacore.core.timing import NS
from hacore.records import FenceCause
from hacore.testing.checks import Ledger
from hacore.testing.disk import Copy
from hacore.testing.host import Ill

if TYPE_CHECKING:
    from hacore.testing.host import Host
    from hacore.testing.world import World

RATE_PART = 100  # ρ
CYCLES_NS = NS
"""The rounds of Paxos: some cycles of I/O."""


SPOILING = {"torn", "misdirected", "rot", "write", "flaky"}
"""These may leave rubbish in a slot."""


@dataclass(frozen=True, slots=True)
class _Gone:
    """A member that is down."""

    host: int
    incarnation: int


class Detection:
    """Measures how late dead members are left out."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world, self.ledger = world, ledger
        self.most_over_ns: int | None = None
        timing = world.timing
        self._bound_ns = timing.silence_ns + timing.silence_ns // RATE_PART + timing.beat_ns
        self._allowed_ns = 2 * timing.beat_ns + CYCLES_NS
        self._wrote_ns: dict[_Gone, int] = {}  # when the last write landed, maybe after it went down
        self._gone: list[_Gone] = []

    def landed(self, host: int, content: Copy) -> None:
        """Only what raises the sequence that others see is a sign of life."""
        if self.world.disk.sequences[host] == content.sequence:
            self._wrote_ns[_Gone(host, content.body.incarnation)] = self.world.now_ns

    def went_down(self, host: Host) -> None:
        if self.world.plan.quorum == Quorum.MAJORITY or not host.vms:
            return
        gone = _Gone(host.index, host.incarnation)
        self._gone.append(gone)
        self._look_again(gone, 0)

    def _look_again(self, gone: _Gone, more_ns: int) -> None:
        late_ns = self._wrote_ns[gone] + self._bound_ns + self._allowed_ns + more_ns
        self.world.at(max(late_ns, self.world.now_ns), self._overdue, gone, self._wrote_ns[gone], more_ns)

    def looked(self, host: Host) -> None:
        newest = self.ledger.newest
        for gone in [gone for gone in self._gone if not newest.has(gone.host, gone.incarnation)]:
            self._gone.remove(gone)
            if self._could(gone) and not self._in_the_way(gone):
                over_ns = self.world.now_ns - self._wrote_ns[gone] - self._bound_ns
                self.most_over_ns = over_ns if self.most_over_ns is None else max(over_ns, self.most_over_ns)

    def _overdue(self, gone: _Gone, wrote_ns: int, more_ns: int) -> None:
        if gone not in self._gone or not self._could(gone):
            return
        needed_ns = self._in_the_way(gone) * 2 * self.world.timing.beat_ns
        if needed_ns > more_ns or self._wrote_ns[gone] > wrote_ns:
            self._look_again(gone, needed_ns)
            return
        late = (self.world.now_ns - wrote_ns) / NS
        self.ledger.accuse("G5", gone.host, f"is still a member {late:.1f} s after its last write")

    def _could(self, gone: _Gone) -> bool:
        """Tell whether some other member could use the disk all the time, and every block be believed.

        A slot in which rubbish landed stops every round until its owner has written it anew (MEMBERSHIP §4).
        """
        since_ns = self._wrote_ns[gone] - 2 * self.world.timing.timeout_ns
        newest = self.ledger.newest
        able = [
            host
            for host in self._others(gone)
            if host.up and newest.has(host.index, host.incarnation) and self._well(host, since_ns)
        ]
        spoilt = any(
            spell.kind in SPOILING and (spell.until_ns is None or spell.until_ns > since_ns)
            for host in self.world.hosts
            for spell in host.ills[Ill.STORAGE]
        )
        return bool(able) and not spoilt and not self.world.disk.doubted

    def _in_the_way(self, gone: _Gone) -> int:
        """Count the other members that are not well: each may have had its turn first, for two beats."""
        since_ns = self._wrote_ns[gone] - self.world.timing.timeout_ns
        newest = self.ledger.newest
        members = [host for host in self._others(gone) if newest.liveset >> host.index & 1]
        return sum(not host.up or not self._well(host, since_ns) for host in members)

    def _others(self, gone: _Gone) -> list[Host]:
        return [host for host in self.world.hosts if host.index != gone.host]

    def _well(self, host: Host, since_ns: int) -> bool:
        well_ns = host.well_since_ns(Ill.STORAGE, Ill.DAEMON)
        return well_ns is not None and well_ns < since_ns

    def arming(self, host: Host) -> None: ...
    def vms_started(self, host: Host) -> None: ...
    def fenced(self, host: Host, cause: FenceCause | None) -> None: ...
    def noted(self, host: Host, note: Note) -> None: ...
    def tell(self, host: int, text: str) -> None: ...
