"""Figures before and after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.clocks import StillClock
from lab.demo import demo_pool
from lab.pools import small_pool
from planner.changes.errors import ChangeError
from planner.inventory.poolfile import dump_pool, read_pool
from planner.tolerance.answer import tolerance
from planner.whatif import whatif

CLOCK = StillClock()


def test_whatif_of_nothing_is_nothing():
    answer = whatif(demo_pool(), [], clock=CLOCK)
    assert answer.before == answer.after
    assert not answer.breaks_target
    assert answer.errors == ()


def test_the_figures_are_those_of_the_changed_pool():
    pool = small_pool()
    answer = whatif(pool, ["disable=a", "stop=app-1"], clock=CLOCK)
    from planner.changes.apply import apply
    from planner.changes.change import parse_change

    by_hand = apply(apply(pool, parse_change("disable=a")), parse_change("stop=app-1"))
    again = read_pool(dump_pool(by_hand).encode(), "again")
    assert answer.after == tolerance(again, target=1, clock=CLOCK)
    assert answer.before == tolerance(pool, clock=CLOCK)


def test_changes_are_made_in_order():
    answer = whatif(small_pool(), ["new=x:1GiB@a", "stop=x"], clock=CLOCK)
    assert answer.errors == ()
    other = whatif(small_pool(), ["stop=x", "new=x:1GiB@a"], clock=CLOCK)
    assert other.errors == ("stop=x: no such VM: x; expected a uuid or unique name",)


def test_a_target_that_is_lost_is_said():
    answer = whatif(demo_pool(), ["disable=host-1"], clock=CLOCK)
    assert (answer.before.simultaneous.lower, answer.after.simultaneous.lower) == (2, 1)
    assert answer.breaks_target
    assert not whatif(demo_pool(), ["disable=host-1"], target=1, clock=CLOCK).breaks_target


def test_a_target_that_was_missed_before_is_not_broken():
    assert not whatif(demo_pool(), ["disable=host-1"], target=3, clock=CLOCK).breaks_target


def test_without_a_target_nothing_breaks():
    pool = replace(demo_pool(), ha_enabled=False)
    assert not whatif(pool, ["disable=host-1"], clock=CLOCK).breaks_target


def test_the_target_is_that_of_before():
    """Figures of both sides are compared with one target."""
    answer = whatif(demo_pool(), ["disable=host-1"], target=1, clock=CLOCK)
    assert (answer.before.target, answer.after.target) == (1, 1)


def test_what_cannot_be_read_answers_nothing():
    with pytest.raises(ChangeError, match=r"^explode=host-1: expected one of"):
        whatif(demo_pool(), ["disable=host-1", "explode=host-1"], clock=CLOCK)
