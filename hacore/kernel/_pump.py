"""What the pump decides, in Python: may it ping, was a cycle good, which copy is next, is a packet believed.

The native pump (pump*.pyx) decides the same in C and is tested against this; the simulator's pump decides
with this. Pure: time comes in, nothing is read, written or waited for. A time of 0 is "never".
Sources: MEMBERSHIP §2 (deadline, ping), §3 (copies, ghosts), §5.2 (echoed stamps), §8 (no replay).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from hacore.records import SlotBody

COPIES = 8
ROUND = 1 << 32
"""Should the wall clock have been set back, a start begins a new round of sequences."""
NO_COPY = -1
NEVER_FAILED = (0,) * COPIES


# --- the dog ---------------------------------------------------------------------------------------------


def lease_since_ns(disk: bool, disk_since_ns: int, granted_ns: int) -> int:
    """Return S: the start of the last good cycle if the disk counts, or the oldest grant if that is later."""
    return max(disk_since_ns, granted_ns) if disk else granted_ns


def may_ping(
    now_ns: int,
    since_ns: int,
    checked_in_ns: int,
    *,
    watching: bool,
    ping_until_ns: int,
    check_in_ns: int,
) -> bool:
    """Tell whether the watchdog may be pinged: now + 3W ≤ S + T, and the brain is not stuck.

    `ping_until_ns` is T − 3W, `check_in_ns` how old the brain's check-in may be.
    """
    if not watching or since_ns <= 0 or checked_in_ns <= 0:
        return False
    return now_ns - checked_in_ns <= check_in_ns and now_ns <= since_ns + ping_until_ns


def has_outlived(now_ns: int, since_ns: int, *, watching: bool, over_ns: int) -> bool:
    """Tell whether the watchdog should have fired by now: then it was suspended, and this host with it.

    The others may take such a host for dead. It must not write any more, or they would see it alive while it
    fences; nor believe what it reads, for hosts that were suspended with it look silent.
    """
    return watching and since_ns > 0 and now_ns > since_ns + over_ns


# --- beats -----------------------------------------------------------------------------------------------


def next_beat(due_ns: int, now_ns: int, beat_ns: int) -> tuple[int, int]:
    """Return the first beat after now on the grid of `due_ns`, and how many were missed in between.

    Beats are absolute, so that lateness never adds up; those missed are counted, not caught up with.
    """
    if now_ns < due_ns:
        return due_ns, 0
    missed = (now_ns - due_ns) // beat_ns
    return due_ns + (missed + 1) * beat_ns, missed


# --- a disk cycle ----------------------------------------------------------------------------------------


def admitted(bodies: Sequence[SlotBody | None], me: int, incarnation: int) -> bool:
    """Tell whether the newest epoch in any believed slot has me, as this incarnation, among its members.

    If two slots disagree about it (which must not happen) both have to.
    """
    decisions = [body.decided for body in bodies if body is not None]
    newest = max((decision.epoch for decision in decisions), default=0)
    newest_ones = [decision for decision in decisions if decision.epoch == newest]
    return newest > 0 and all(decision.has(me, incarnation) for decision in newest_ones)


def read_good(published: bool, written: bool, read: bool, sequence: int, shown: int) -> bool:
    """Tell whether a read shows the disk as it is: all of it, and in mine the sequence just written.

    A pump that has nothing to publish yet can only look. A read beside a failed write proves nothing: what
    it shows may be an old image.
    """
    if not published:
        return read
    return written and read and shown == sequence


def disk_since_ns(before_ns: int, started_ns: int, written: bool, good: bool, member: bool) -> int:
    """Return the disk's S after a cycle: its start, if written, read well and showing me as a member."""
    return started_ns if written and good and member else before_ns


# --- copies in turn --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnCopy:
    """What a valid copy of the own slot says of itself."""

    sequence: int
    incarnation: int
    burnt: int


@dataclass(slots=True)
class CopyTurn:
    """Which copy of the own slot is written next; one on which a write failed is burnt, for a long time.

    After a failure the same burnt copy is tried again (a *probe*) until that works, then the turn goes on: an
    outage costs one copy however long it lasts. A probe never counts as a write: the ghost of an earlier
    attempt may still land over it.

    `ghost_ns` after the last failure on a copy every ghost has landed or never will. Then the copy is tried
    once more; if that works, whatever was left on it is written over, and it is clean. One comes back at a
    time, `ghost_ns` apart: should a ghost be twice as late as anything was ever seen to be, it meets one copy
    at most, and what counts stands on two.
    """

    ghost_ns: int  # how late after its failure a write may land
    burnt: int = 0  # mask of copies that a failed write may still reach
    last: int = COPIES - 1  # written last
    probing: int = NO_COPY
    failed_ns: list[int] = field(default_factory=lambda: [0] * COPIES)  # by copy: the end of its last failure
    returned_ns: int = 0  # when a copy last came back; 0: never

    def next(self, now_ns: int) -> int:
        """Return the copy to write now, or NO_COPY if every copy is burnt."""
        if self.probing != NO_COPY:
            return self.probing
        due = (copy for copy in range(COPIES) if self._is_due(copy, now_ns))
        return next(due, next_clean(self.last, self.burnt))

    def clean(self, copy: int) -> bool:
        """Tell whether a write to this copy counts."""
        return not self.burnt >> copy & 1

    def ended(self, copy: int, worked: bool, started_ns: int, ended_ns: int) -> None:
        """Take in how the write to `copy`, as returned by `next`, ended."""
        self.last = copy
        if not worked:
            self.burnt |= 1 << copy
            self.failed_ns[copy] = ended_ns
            self.probing = copy
            return
        self.probing = NO_COPY
        if self._is_due(copy, started_ns):
            self.burnt &= ~(1 << copy)
            self.returned_ns = ended_ns

    def _is_due(self, copy: int, now_ns: int) -> bool:
        """Tell whether this burnt copy may come back by a write that starts now."""
        waited = now_ns - self.failed_ns[copy] > self.ghost_ns
        spaced = not self.returned_ns or now_ns - self.returned_ns > self.ghost_ns
        return bool(self.burnt >> copy & 1) and waited and spaced

    @property
    def left(self) -> int:
        """How many copies no failed write may still reach."""
        return COPIES - self.burnt.bit_count()


def next_clean(last: int, burnt: int) -> int:
    """Return the copy after `last` in turn that is not burnt, possibly `last` itself; NO_COPY if none."""
    for step in range(1, COPIES + 1):
        copy = (last + step) % COPIES
        if not burnt >> copy & 1:
            return copy
    return NO_COPY


def take_over(
    copies: Sequence[OwnCopy | None],
    incarnation: int,
    *,
    now_ns: int,
    wall_ns: int,
    ghost_ns: int,
    finished: int = 0,
    failed_ns: Sequence[int] = NEVER_FAILED,
    returned_ns: int = 0,
) -> tuple[int, CopyTurn]:
    """Return where sequence and turn go on for a start on a slot with these copies (None: not valid).

    Sequences go on above `wall_ns`, the wall clock in ns, and above all that can be read: attempts of a
    predecessor that have not landed yet must never look newer, and it numbered less than one a nanosecond.

    A predecessor of this boot hands on what it burnt. If it *finished* (its last write, the one of sequence
    `finished`, is known to have worked, and the slot shows it still) that very copy says what is burnt; since
    when, the predecessor says: `failed_ns` by copy and `returned_ns`, as in a CopyTurn.

    Else nobody knows since when, so it counts from now, and the predecessor may have died in the middle of a
    write: the copy next in its turn and every copy that is not valid are burnt, too. So is the newest: what
    it says of burnt copies may be an old write that landed late, and then that very copy is one of them. The
    first write is a probe of the copy it may have died on: until something of this start stands on the disk,
    a second start must find no copy touched but those. Another boot's ghosts are gone; but a predecessor of
    this boot may have died before anything of it landed, trying the copy next in turn.
    """
    valid = [(copy.sequence, index) for index, copy in enumerate(copies) if copy is not None]
    sequence, newest = max(valid, default=(0, COPIES - 1))
    turn = CopyTurn(ghost_ns, last=newest, failed_ns=[now_ns] * COPIES)
    mine = any(
        copy is not None and copy.sequence == sequence and copy.incarnation == incarnation for copy in copies
    )
    own = copies[newest] if mine else None
    following = next_clean(newest, own.burnt if own else 0)
    if own and sequence == finished:
        turn.burnt, turn.returned_ns = own.burnt, min(returned_ns, now_ns)
        turn.failed_ns = [at_ns if 0 < at_ns <= now_ns else now_ns for at_ns in failed_ns]
    else:
        if own:
            invalid = sum(1 << index for index, copy in enumerate(copies) if copy is None)
            turn.burnt = _burnt_before(copies, incarnation) | 1 << newest | invalid
        if following != NO_COPY:
            turn.burnt |= 1 << following
            turn.probing = following
    return wall_ns if wall_ns > sequence else (sequence // ROUND + 1) * ROUND, turn


def _burnt_before(copies: Sequence[OwnCopy | None], incarnation: int) -> int:
    """Return what any valid copy of this boot calls burnt."""
    burnt = 0
    for copy in copies:
        if copy is not None and copy.incarnation == incarnation:
            burnt |= copy.burnt
    return burnt


# --- packets ---------------------------------------------------------------------------------------------


class Word(IntEnum):
    """What becomes of a packet whose MAC and generation are right."""

    NEWS = 0  # the newest word of its sender
    AGAIN = 1  # came another way before: only this network is heard
    REPLAYED = 2  # as old as, or older than what came this way
    INCARNATION = 3  # another incarnation, while the known one still talks and nothing proves the new one
    IDENTITY = 4  # of nobody, or of myself


class PeerBook:
    """Who was heard, when, on which network, and what must be echoed: believes no word twice."""

    __slots__ = (
        "_me",
        "_unheard_ns",
        "channels_ns",
        "echoes_ns",
        "heard_ns",
        "incarnations",
        "sequences",
        "stamps_ns",
        "ways",
    )

    def __init__(self, hosts: int, me: int, networks: int, unheard_ns: int) -> None:
        self._me, self._unheard_ns = me, unheard_ns
        self.heard_ns = [0] * hosts
        """By host: when its newest word came."""
        self.incarnations = [0] * hosts
        self.sequences = [0] * hosts
        self.stamps_ns = [0] * hosts
        """By host: the stamp of its newest word. An echo returns it together with its incarnation."""
        self.echoes_ns = [0] * hosts
        """By host: the own time that its newest word echoed."""
        self.channels_ns = [[0] * hosts for _ in range(networks)]
        """By network and host: when anything new came this way."""
        self.ways = [[0] * hosts for _ in range(networks)]
        """By network and host: the highest sequence that came this way."""

    def accept(
        self,
        network: int,
        sender: int,
        incarnation: int,
        sequence: int,
        stamp_ns: int,
        echo_ns: int,
        now_ns: int,
    ) -> Word:
        """Take in a packet with a valid MAC.

        `stamp_ns` is the sender's clock; `echo_ns` the stamp of mine that it echoes, 0 if it echoes none or
        one of an earlier incarnation of mine: after a reboot old stamps would look like new ones.
        """
        if not 0 <= sender < len(self.heard_ns) or sender == self._me or not incarnation:
            return Word.IDENTITY
        echo_ns = echo_ns if echo_ns <= now_ns else 0
        if incarnation != self.incarnations[sender]:
            if not self._may_change(sender, echo_ns, now_ns):
                return Word.INCARNATION
            self._forget(sender, incarnation)
        if sequence <= self.ways[network][sender]:
            return Word.REPLAYED
        self.ways[network][sender] = sequence
        self.channels_ns[network][sender] = now_ns
        if sequence <= self.sequences[sender]:
            return Word.AGAIN
        self.sequences[sender] = sequence
        self.heard_ns[sender] = now_ns
        self.stamps_ns[sender] = stamp_ns
        self.echoes_ns[sender] = echo_ns
        return Word.NEWS

    def _may_change(self, sender: int, echo_ns: int, now_ns: int) -> bool:
        """Tell whether another incarnation may speak: the known one is unheard, or spoke before this one.

        An echo of a stamp made after the known one's last word proves the latter; no recording can.
        """
        heard_ns = self.heard_ns[sender]
        return not heard_ns or now_ns - heard_ns > self._unheard_ns or echo_ns > heard_ns

    def _forget(self, sender: int, incarnation: int) -> None:
        self.incarnations[sender] = incarnation
        self.sequences[sender] = self.stamps_ns[sender] = self.echoes_ns[sender] = 0
        for ways in self.ways:
            ways[sender] = 0
