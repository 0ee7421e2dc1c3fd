"""The shared disk as a fake: slots in copies, writes land when the world says so, reads are not atomic.

Holds what the disk holds, no more: which write lands, late, torn, elsewhere or never, is for `port.py`; what
a daemon may believe is decided here as `xenhad` decides it (MEMBERSHIP §3), never better.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from hacore.kernel._pump import COPIES, NO_COPY, next_clean
from hacore.records import EMPTY_BLOCK, NOBODY, Cause, Decision, FenceCause, SlotBody, State


@dataclass(frozen=True, slots=True)
class Copy:
    """One valid copy of a slot."""

    sequence: int
    copy: int
    burnt: int  # mask of the copies that a failed write may still reach
    body: SlotBody


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one read of all slots showed."""

    sequences: Sequence[int]
    bodies: Sequence[SlotBody | None]
    doubted: int
    newest: Decision  # the newest decided epoch in any believed slot


@dataclass(frozen=True, slots=True)
class _Before:
    """What a slot showed before a write landed: reads that had passed it already see this."""

    at_ns: int
    host: int
    sequence: int
    body: SlotBody | None
    doubted: bool


def formatted(hosts: int) -> SlotBody:
    """Return what formatting puts into every slot: epoch 1, nobody is a member yet."""
    decision = Decision(1, (1 << hosts) - 1, (0,) * hosts, NOBODY, Cause.NONE)
    return SlotBody(
        0,
        State.ABSENT,
        False,
        decision,
        EMPTY_BLOCK,
        0,
        False,
        False,
        0,
        1,
        NOBODY,
        0,
        0,
        0,
        FenceCause.NONE,
    )


class FakeDisk:
    """All copies of all slots, and of each slot what a reader would believe now."""

    def __init__(self, hosts: int, remember_ns: int) -> None:
        body = formatted(hosts)
        self.copies: list[list[Copy | None]] = [
            [Copy(0, copy, 0, body) for copy in range(COPIES)] for _ in range(hosts)
        ]
        self.hosts = hosts
        self.sequences = [0] * hosts
        self.bodies: list[SlotBody | None] = [body] * hosts
        self.doubted = 0
        self.believed_ns = 0
        """Since when every slot can be believed, if it can now."""
        self.moved_ns: dict[tuple[int, int], int] = {}
        """By host and the incarnation that its slot shows: when it last showed another sequence."""
        self.newest = body.decided
        self._rubbed: list[set[Decision]] = [set() for _ in range(hosts)]  # what rubbish was written over
        self._lost: list[set[Decision]] = [set() for _ in range(hosts)]  # by slots lost as a whole: of those
        self._before: deque[_Before] = deque()
        self._remember_ns = remember_ns

    def forgot(self, decided: Decision) -> bool:
        """Tell whether a decision stood on a slot that was lost as a whole and written anew, but not now."""
        lost = [host for host, decisions in enumerate(self._lost) if decided in decisions]
        renewed = any(not self.doubted >> host & 1 for host in lost)
        return renewed and not any(decided in _known(copy) for copies in self.copies for copy in copies)

    def newest_copy(self, host: int) -> Copy | None:
        """Return the valid copy of the highest sequence."""
        valid = [copy for copy in self.copies[host] if copy is not None]
        return max(valid, key=lambda copy: copy.sequence, default=None)

    def land(self, now_ns: int, host: int, copy: int, content: Copy | None) -> None:
        """Put `content` (None: rubbish) onto a copy of a slot."""
        self._remember(now_ns, host)
        if self.doubted:
            self.believed_ns = now_ns
        if content is None:
            self._rubbed[host] |= _known(self.copies[host][copy])
        before = self.sequences[host]
        self.copies[host][copy] = content
        if content is not None and content.sequence > self.sequences[host] and not self.doubted >> host & 1:
            self._show(host, content, content.copy != copy)
        else:
            self._look_again(host)
        shown = self.bodies[host]
        if shown is not None and self.sequences[host] != before:
            self.moved_ns[host, shown.incarnation] = now_ns

    def read(self, now_ns: int, instants: Sequence[int] | None = None) -> Snapshot:
        """Return what a read that ends now saw; `instants`: when it passed each slot, None: just now."""
        sequences, bodies, doubted, newest = self.sequences[:], self.bodies[:], self.doubted, self.newest
        if instants is None:
            return Snapshot(sequences, bodies, doubted, newest)
        earliest = min(instants)
        for before in reversed(self._before):
            if before.at_ns <= earliest:
                break
            if before.at_ns > instants[before.host]:
                sequences[before.host] = before.sequence
                bodies[before.host] = before.body
                doubted = doubted & ~(1 << before.host) | before.doubted << before.host
        return Snapshot(sequences, bodies, doubted, _newest(bodies))

    def changed_since(self, started_ns: int) -> bool:
        """Tell whether any write has landed after an instant."""
        return bool(self._before) and self._before[-1].at_ns > started_ns

    def _remember(self, now_ns: int, host: int) -> None:
        log = self._before
        log.append(
            _Before(now_ns, host, self.sequences[host], self.bodies[host], bool(self.doubted >> host & 1))
        )
        while log[0].at_ns < now_ns - self._remember_ns:
            log.popleft()

    def _show(self, host: int, newest: Copy | None, strange: bool) -> None:
        body = newest.body if newest is not None else None
        if newest is not None:
            self.sequences[host] = newest.sequence
        self.doubted = self.doubted & ~(1 << host) | strange << host
        if body is not self.bodies[host]:
            self.bodies[host] = body
            self.newest = _newest(self.bodies)

    def _look_again(self, host: int) -> None:
        newest = self.newest_copy(host)
        if newest is None:
            self._lost[host] |= self._rubbed[host]
        self._show(host, newest, newest is None or self._doubtful(host, newest))

    def _doubtful(self, host: int, newest: Copy) -> bool:
        """Tell whether a copy is invalid that no incomplete or burnt write explains (MEMBERSHIP §3)."""
        following = next_clean(newest.copy, newest.burnt)
        excused = newest.burnt | (1 << following if following != NO_COPY else 0)
        return any(copy is None and not excused >> i & 1 for i, copy in enumerate(self.copies[host]))


def _known(copy: Copy | None) -> set[Decision]:
    """Return what a copy says was decided, or may have been."""
    known = () if copy is None else (copy.body.decided, copy.body.block.value)
    return {decision for decision in known if decision is not None}


def _newest(bodies: Sequence[SlotBody | None]) -> Decision:
    """Return the newest decision that any slot shows; epoch 0 where nothing is left to read."""
    nothing = Decision(0, 0, (0,) * len(bodies), NOBODY, Cause.NONE)
    known = (body.decided for body in bodies if body is not None)
    return max(known, key=lambda decided: decided.epoch, default=nothing)
