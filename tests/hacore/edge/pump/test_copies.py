"""The turn of copies against a disk that lands failed writes late, and a daemon that dies at any point.

What must hold, whatever happens in whatever order, while no failed write lands later than `GHOST_NS`:
a write that counts is never one that an earlier attempt may still land over, and no attempt looks newer than
one that was made after it. The oracle knows every attempt; the rules under test know what is on the disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hacore.kernel import _pump as twin

GHOST_NS = 1000
BOOT = 7
WORKS, NEVER, LATE, LANDS = range(4)
"""What becomes of an attempt: it works; or it fails, and lands never, late, or at once."""
STEPS = st.sampled_from(
    [("write", WORKS)] * 4
    + [("fail", how) for how in (NEVER, LATE, LATE, LATE, LANDS)]
    + [("land", 0), ("land", 0), ("land", 1), ("land", 3)]
    + [("die", how) for how in (WORKS, NEVER, LATE, LANDS)]
    + [("restart", 0), ("hand over", 0), ("hand over", 0), ("stillborn", LATE)]
    + [("wait", 1), ("wait", GHOST_NS - 1), ("wait", GHOST_NS + 1)]
)


@dataclass
class Attempt:
    """A write that was submitted and reported as failed, and has not landed."""

    copy: int
    content: twin.OwnCopy
    until_ns: int  # it lands by then, or never


@dataclass
class Slot:
    """One host's slot, its daemon, and all that is under way."""

    copies: list[twin.OwnCopy | None] = field(default_factory=lambda: [twin.OwnCopy(1, 1, 0)] * 8)
    now_ns: int = 10**6
    flying: list[Attempt] = field(default_factory=list)
    highest: int = 0
    recorded: bool = True

    def __post_init__(self) -> None:
        self.sequence, self.turn = self._taken(finished=False)

    def _taken(self, *, finished: bool) -> tuple[int, twin.CopyTurn]:
        said = {}
        if finished:
            turn = self.turn
            said = {"finished": self.highest, "failed_ns": turn.failed_ns, "returned_ns": turn.returned_ns}
        return twin.take_over(
            self.copies,
            BOOT,
            now_ns=self.now_ns,
            wall_ns=(1 << 60) + self.now_ns,
            ghost_ns=GHOST_NS,
            **said,
        )

    def do(self, what: str, how: int) -> None:
        self.now_ns += 1
        self.flying = [attempt for attempt in self.flying if attempt.until_ns >= self.now_ns]
        match what:
            case "write" | "fail":
                self.write(how if what == "fail" else WORKS)
            case "die":
                self.submit(how)
                self.start(finished=False)
            case "restart":
                self.start(finished=False)
            case "stillborn":  # it takes over from one that finished, and dies of its first write
                self.start(finished=self.recorded)
                self.submit(how)
                self.start(finished=False)
            case "hand over":
                self.start(finished=self.recorded)
            case "wait":
                self.now_ns += how
            case "land" if how < len(self.flying):
                attempt = self.flying.pop(how)
                self.copies[attempt.copy] = attempt.content

    def start(self, *, finished: bool) -> None:
        self.sequence, self.turn = self._taken(finished=finished)
        self.recorded = False

    def write(self, how: int) -> None:
        copy, started_ns = self.submit(how)
        if copy == twin.NO_COPY:
            return
        counts = how == WORKS and self.turn.clean(copy)
        self.turn.ended(copy, how == WORKS, started_ns, self.now_ns)
        self.recorded = counts
        if counts:
            assert not [attempt for attempt in self.flying if attempt.copy == copy]

    def submit(self, how: int) -> tuple[int, int]:
        """Send a write to the disk; return where to and when."""
        copy = self.turn.next(self.now_ns)
        if copy == twin.NO_COPY:
            return copy, self.now_ns
        self.sequence += 1
        assert self.sequence > self.highest, "an earlier attempt looks as new"
        self.highest = self.sequence
        content = twin.OwnCopy(self.sequence, BOOT, self.turn.burnt)
        started_ns = self.now_ns
        self.now_ns += 20
        if how in (WORKS, LANDS):
            self.copies[copy] = content
        elif how == LATE:
            self.flying.append(Attempt(copy, content, self.now_ns + GHOST_NS))
        return copy, started_ns


@settings(max_examples=500)
@given(st.lists(STEPS, min_size=15, max_size=40))
def test_what_counts_no_ghost_can_reach(steps):
    slot = Slot()
    for step in steps:
        slot.do(*step)


def test_every_copy_comes_back_one_at_a_time():
    slot = Slot()
    slot.do("write", 0)
    assert slot.turn.left == 7, "one is set aside at the start"
    for copy in range(7):
        for _ in range(3):
            slot.do("fail", LATE)
        slot.do("write", 0)  # a probe that works
        assert slot.turn.left == 6 - copy
    assert slot.turn.next(slot.now_ns) == twin.NO_COPY
    for left in range(8):
        assert slot.turn.left == left
        slot.do("wait", GHOST_NS + 1)
        for _ in range(20):
            slot.do("write", 0)
    assert slot.turn.burnt == 0


def test_a_copy_that_fails_again_waits_again():
    turn = twin.CopyTurn(GHOST_NS)
    turn.ended(0, False, 1, 2)
    turn.ended(0, True, 3, 4)
    turn.ended(turn.next(5), True, 5, 6)
    late_ns = 2 + GHOST_NS + 1
    assert turn.next(late_ns - 1) == 2
    assert turn.next(late_ns) == 0
    assert not turn.clean(0), "its first write is one more probe"
    turn.ended(0, False, late_ns, late_ns + 5)
    turn.ended(0, True, late_ns + GHOST_NS, late_ns + GHOST_NS + 1)
    assert not turn.clean(0)
    assert turn.next(late_ns + 6 + GHOST_NS) == 0


def test_the_oracle_finds_a_turn_that_forgets():
    slot = Slot()
    slot.turn.ghost_ns = -1
    slot.do("write", 0)
    slot.do("fail", LATE)
    with pytest.raises(AssertionError):
        write_a_whole_round(slot)


def test_what_was_said_before_the_last_write_ended_is_not_believed():
    slot = left_in_peace()
    slot.do("fail", LATE)
    slot.start(finished=True)
    assert slot.turn.left < 7
    write_a_whole_round(slot)


def test_the_oracle_finds_a_note_that_is_not_erased():
    slot = left_in_peace()
    said, turn = slot.highest, slot.turn
    slot.start(finished=True)
    assert slot.turn.left == 7
    slot.submit(LATE)
    slot.highest, slot.turn = said, turn  # believed once more, by a third daemon
    slot.start(finished=True)
    slot.sequence += 1000  # the lock file's floor rises
    with pytest.raises(AssertionError):
        write_a_whole_round(slot)


def test_restarts_after_a_clean_end_cost_nothing_and_keep_the_age_of_what_is_set_aside():
    slot = left_in_peace()
    assert slot.turn.left == 7
    for _ in range(20):
        slot.do("wait", GHOST_NS // 10)
        slot.do("hand over", 0)
        slot.do("write", 0)
        slot.do("write", 0)
    assert slot.turn.left == 8


def left_in_peace() -> Slot:
    slot = Slot()
    slot.do("write", 0)  # a probe that works
    slot.do("write", 0)
    assert slot.recorded
    return slot


def write_a_whole_round(slot: Slot) -> None:
    for _ in range(10):
        slot.do("write", 0)
