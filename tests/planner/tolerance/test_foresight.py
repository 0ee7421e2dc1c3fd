"""What decides between places and is open is counted as cut short: another run may know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.clocks import StillClock
from bench.worlds import tiny
from hacore.clock import Deadline
from planner.constraints.preferences import Ties
from planner.constraints.rules import NO_RULES
from planner.drain import Leaving
from planner.model import Pool, VMGroup
from planner.results import Bounds, Tolerance
from planner.tolerance.answer import tolerance
from planner.tolerance.foresight import Judge, keep_more, keep_preferred


def roomy() -> Pool:
    """Return three hosts; the one VM of h0 finds room on both others, unlike that of h1 on h2 alone."""
    group = VMGroup("g", "anti_affinity")
    pool = tiny((0, 9, 8), [(2, 0, None), (2, 1, None)])
    return replace(pool, groups=(group,), vms=tuple(replace(vm, groups=("g",)) for vm in pool.vms))


def figure(lower: int, upper: int, sequential: int = 0) -> Tolerance:
    exact = tolerance(roomy(), clock=StillClock())
    bounds = Bounds(sequential, sequential, "certificate")
    return replace(exact, simultaneous=Bounds(lower, upper, "certificate"), sequential=bounds)


def saying(told: Tolerance) -> Judge:
    def judge(places: Sequence[int], within_seconds: float) -> Tolerance:
        return told

    return judge


@pytest.mark.parametrize(
    ("known", "told", "cut"),
    [
        (figure(0, 0), figure(0, 0), False),
        (figure(0, 1), figure(0, 0), True),
        (figure(0, 0), figure(0, 1), True),
        (figure(2, 9), figure(2, 9), False),
    ],
)
def test_a_figure_that_is_open_where_it_decides(known: Tolerance, told: Tolerance, cut: bool) -> None:
    leaving = Leaving(roomy(), ["h0"], NO_RULES)
    deadline = Deadline.after(StillClock(), 1e6)
    places = leaving.recover(deadline).to
    found = keep_more(leaving.problem(), 0, leaving.wishes_ahead, (places, known), saying(told), deadline)
    assert found == (places, known)
    assert deadline.cuts.any is cut


@pytest.mark.parametrize(
    ("known", "told", "kept", "cut"),
    [
        (figure(1, 1), figure(1, 1), True, False),
        (figure(1, 1), figure(0, 0), False, False),
        (figure(1, 1, 1), figure(1, 1, 0), False, False),
        (figure(1, 2), figure(1, 1), True, True),
        (figure(1, 1), figure(0, 1), False, True),
    ],
)
def test_preferences_give_way_to_what_is_survived(
    known: Tolerance, told: Tolerance, kept: bool, cut: bool
) -> None:
    leaving = Leaving(roomy(), ["h0"], NO_RULES)
    deadline = Deadline.after(StillClock(), 1e6)
    ties = Ties.of(leaving.left, leaving.vms, ["h1", "h2"])
    places, after = keep_preferred(leaving.wishes, leaving.room, ties, ((0,), known), saying(told), deadline)
    assert (places, after) == (((1,), told) if kept else ((0,), known))
    assert deadline.cuts.any is cut
