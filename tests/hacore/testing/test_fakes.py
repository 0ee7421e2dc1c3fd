"""The fakes behave as what they stand for: the world would prove nothing otherwise."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from hacore.core.rules import RULES
from hacore.core.timing import NS
from hacore.records import Decision
from hacore.testing.clock import FakeClock
from hacore.testing.disk import Copy, FakeDisk, formatted
from hacore.testing.plan import Fault, Plan
from hacore.testing.port import Port, Trouble
from hacore.testing.seeds import Run
from hacore.testing.watchdog import FakeWatchdog

T = 60 * NS


def copy(sequence: int, index: int, incarnation: int = 7, burnt: int = 0) -> Copy:
    return Copy(sequence, index, burnt, replace(formatted(3), incarnation=incarnation))


def test_the_highest_sequence_counts():
    disk = FakeDisk(3, T)
    disk.land(1, 1, 3, copy(5, 3))
    disk.land(2, 1, 4, copy(4, 4, incarnation=8))
    assert (disk.sequences[1], disk.bodies[1].incarnation) == (5, 7)


def test_a_torn_write_leaves_the_last_good_copy():
    disk = FakeDisk(3, T)
    disk.land(1, 0, 0, copy(1, 0))
    disk.land(2, 0, 1, None)
    assert (disk.sequences[0], disk.doubted) == (1, 0), "the copy next in turn may be incomplete"
    disk.land(3, 0, 5, None)
    assert disk.doubted == 1, "this one is explained by nothing"


def test_burnt_copies_are_excused():
    disk = FakeDisk(3, T)
    disk.land(1, 0, 0, copy(9, 0, burnt=1 << 5))
    disk.land(2, 0, 5, None)
    assert disk.doubted == 0


def test_a_slot_without_any_valid_copy_is_doubted():
    disk = FakeDisk(2, T)
    for index in range(8):
        disk.land(1, 1, index, None)
    assert (disk.bodies[1], disk.doubted) == (None, 2)


def told(disk: FakeDisk, host: int, sequence: int) -> Decision:
    """Let a slot say, on two copies, what no other slot says."""
    decided = replace(formatted(2).decided, epoch=sequence)
    for index in range(2):
        body = replace(formatted(2), decided=decided)
        disk.land(sequence, host, index, Copy(sequence + index, index, 0, body))
    return decided


def test_a_decision_is_forgotten_only_with_the_whole_slot_that_knew_it():
    disk = FakeDisk(2, T)
    decided, other = told(disk, 0, 5), told(disk, 1, 50)
    for index in range(7):
        disk.land(100 + index, 0, index, None)
    assert not disk.forgot(decided), "one copy is left, of before: its owner's next daemon takes that over"
    disk.land(110, 0, 7, None)
    assert not disk.forgot(decided), "as long as the slot is rubbish nothing is decided"
    for index in range(8):
        disk.land(120 + index, 0, index, Copy(200 + index, index, 0, formatted(2)))
    assert disk.forgot(decided)
    assert not disk.forgot(other), "it stands where it stood"
    told(disk, 1, 5)
    assert not disk.forgot(decided), "it is known again"


def test_a_read_is_not_atomic():
    disk = FakeDisk(2, T)
    disk.land(10, 0, 0, copy(1, 0))
    disk.land(20, 1, 0, copy(2, 0))
    seen = disk.read(30, [5, 25])
    assert list(seen.sequences) == [0, 2]
    assert list(disk.read(30).sequences) == [1, 2]


def test_clocks_differ_by_less_than_one_percent():
    fast, slow = FakeClock(0, 0, 4_900), FakeClock(0, 0, -4_900)
    assert fast.at(T) * 100 < slow.at(T) * 101
    assert slow.lasts(slow.at(T)) == pytest.approx(T, abs=2)
    assert fast.all_at([0, T]) == [0, fast.at(T)], "0 stays never"


def test_a_path_that_is_cut_lands_nothing():
    port = Port(Random(1), T)
    port.begin(Trouble.CUT)
    assert {port.write().landing for _ in range(50)} == {None}
    assert not port.read().worked


def test_failed_writes_land_now_later_torn_or_never():
    port = Port(Random(1), T)
    port.begin(Trouble.WRITE_ERROR)
    fates = [port.write() for _ in range(200)]
    assert not any(fate.worked for fate in fates)
    assert any(fate.landing is None for fate in fates)
    assert any(fate.landing and fate.landing.torn for fate in fates)
    assert any(fate.landing and fate.landing.after_ns > T // 2 for fate in fates)


def test_a_hang_is_answered_when_it_ends():
    port, answers = Port(Random(1), T), []
    port.begin(Trouble.HANG)
    port.begin(Trouble.HANG)
    port.wait(lambda: answers.append(1))
    assert port.end(Trouble.HANG) == []
    for answer in port.end(Trouble.HANG):
        answer()
    assert answers == [1]


def test_a_watchdog_fires_after_its_last_ping():
    now = [5]
    watchdog = FakeWatchdog(lambda: now[0], 10, lambda: None)
    assert not watchdog.armed
    watchdog.open()
    now[0] = 12
    watchdog.ping()
    assert (watchdog.armed, watchdog.fires_ns) == (True, 22)


def test_a_machine_that_raises_is_a_violation():
    def broken(*_: object) -> bool:
        raise ZeroDivisionError

    run = Run("0", Plan(2, 20 * NS, 0.5), replace(RULES, readable=broken))
    (violation,) = run.to_the_end(settle=False).violations
    assert violation.guarantee == "bug"
    assert "ZeroDivisionError" in violation.text


def test_a_fault_must_end_after_it_begins():
    with pytest.raises(AssertionError):
        Fault(2, 1, "hang")
