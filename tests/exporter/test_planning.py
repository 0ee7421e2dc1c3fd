"""What is asked of the planner, and what is done with bounds that stay open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.planning import (
    QUICK_SECONDS,
    RECOVERY_LIMITS,
    RECOVERY_STEP_SECONDS,
    better_figures,
    quick_figures,
    with_headroom,
    with_recoveries,
)
from exporter.state import Figures, HostLoss
from planner.inventory.snapshot import Snapshot
from planner.results import Bounds, Tolerance

if TYPE_CHECKING:
    from conftest import FakePlanner, HandClock


class SlowPlanner:
    """Lets a hand clock run on while it answers."""

    def __init__(self, planner: FakePlanner, clock: HandClock, seconds: float) -> None:
        self.tolerance = planner.tolerance
        self._clock = clock
        self._seconds = seconds

    def unplaced_if_failed(self, *_: object, **__: object) -> tuple[int, bool]:
        self._clock.now_seconds += self._seconds
        return 1, True


def test_proven_tolerance_of_one_settles_every_host_without_a_question(
    snapshot: Snapshot, planner: FakePlanner, clock: HandClock
) -> None:
    figures = quick_figures(snapshot, planner, clock)
    assert figures.host_losses == {"host-1": HostLoss(0, True), "host-2": HostLoss(0, True)}
    assert planner.asked == [f'tolerance office "north" {QUICK_SECONDS / 2:g}']
    assert figures.settled


def test_otherwise_every_host_in_service_is_asked_about(
    snapshot: Snapshot, planner: FakePlanner, clock: HandClock
) -> None:
    planner.answer = replace(planner.answer, simultaneous=Bounds(0, 0, "certificate"))
    planner.loss = (2, True)
    figures = quick_figures(snapshot, planner, clock)
    assert planner.asked[1:] == ["unplaced host-1", "unplaced host-2"]
    assert figures.host_losses == {"host-1": HostLoss(2, True), "host-2": HostLoss(2, True)}
    assert figures.planned_at_seconds == clock.now_seconds


def test_hosts_for_which_no_time_is_left_are_missing_at_first_and_bounded_next(
    snapshot: Snapshot, planner: FakePlanner, clock: HandClock
) -> None:
    planner.answer = replace(planner.answer, simultaneous=Bounds(0, 0, "certificate"))
    slow = SlowPlanner(planner, clock, QUICK_SECONDS)
    figures = quick_figures(snapshot, slow, clock)
    assert figures.host_losses == {"host-1": HostLoss(1, True)}
    assert not figures.settled
    bounded = better_figures(figures, slow, clock, limit_seconds=10)
    assert bounded.host_losses == {"host-1": HostLoss(1, True), "host-2": HostLoss(1, True)}
    assert bounded.tolerance.simultaneous == figures.tolerance.simultaneous
    assert bounded.settled


def test_bounds_that_take_longer_than_the_limit_are_given_up(
    snapshot: Snapshot, planner: FakePlanner, clock: HandClock
) -> None:
    planner.answer = replace(planner.answer, simultaneous=Bounds(0, 0, "certificate"))
    known = replace(quick_figures(snapshot, planner, clock), host_losses={})
    given_up = better_figures(known, SlowPlanner(planner, clock, 5.0), clock, limit_seconds=5.0)
    assert given_up.host_losses == {"host-1": HostLoss(1, True)}
    assert given_up.settled


def test_time_in_the_solver_is_counted_once(
    snapshot: Snapshot, tolerance: Tolerance, planner: FakePlanner, clock: HandClock
) -> None:
    planner.answer, planner.loss = tolerance, (1, False)
    first = quick_figures(snapshot, planner, clock)
    bounded = better_figures(replace(first, host_losses={}), planner, clock, limit_seconds=10)
    proven = replace(bounded, tolerance=replace(tolerance, simultaneous=Bounds(0, 0, "solver")))
    thorough = better_figures(proven, planner, clock, limit_seconds=10)
    assert [one.solver.calls for one in (first, bounded, thorough)] == [2, 0, 0]
    assert {one.tolerance.solver.calls for one in (first, bounded, thorough)} == {2}


def test_thorough_planning_keeps_what_is_proven(
    figures: Figures, planner: FakePlanner, clock: HandClock
) -> None:
    planner.answer = replace(planner.answer, simultaneous=Bounds(0, 0, "solver"))
    planner.loss = (1, True)
    better = better_figures(figures, planner, clock, limit_seconds=10)
    assert planner.asked == ['tolerance office "north" 10', "unplaced host-2"]
    assert better.host_losses == {"host-1": HostLoss(2, True), "host-2": HostLoss(1, True)}
    assert better.snapshot is figures.snapshot
    assert better.thorough


def test_tolerance_that_turns_out_to_be_one_settles_every_host(
    figures: Figures, planner: FakePlanner, clock: HandClock
) -> None:
    better = better_figures(figures, planner, clock, limit_seconds=10)
    assert planner.asked == ['tolerance office "north" 10']
    assert set(better.host_losses.values()) == {HostLoss(0, True)}


def test_thorough_planning_does_not_ask_for_a_proven_tolerance_again(
    figures: Figures, planner: FakePlanner, clock: HandClock
) -> None:
    proven = replace(figures.tolerance, simultaneous=Bounds(0, 0, "certificate"))
    better = better_figures(replace(figures, tolerance=proven), planner, clock, limit_seconds=10)
    assert planner.asked == ["unplaced host-2"]
    assert better.tolerance is proven


def test_headroom_is_looked_for_when_all_else_is_settled(
    snapshot: Snapshot, planner: FakePlanner, clock: HandClock
) -> None:
    settled = quick_figures(snapshot, planner, clock)
    assert not settled.final
    roomy = with_headroom(settled, planner, limit_seconds=10)
    assert planner.asked[-1] == "headroom"
    assert not roomy.final
    assert replace(roomy, headroom=None, packable=None) == settled


def test_every_host_in_service_gets_the_time_its_failure_lasts(
    snapshot: Snapshot, planner: FakePlanner, clock: HandClock
) -> None:
    settled = quick_figures(snapshot, planner, clock)
    timed = with_recoveries(settled, planner, clock, limit_seconds=10)
    assert planner.asked[-2:] == ["recovery host-1", "recovery host-2"]
    assert timed.recoveries == {"host-1": planner.recovery, "host-2": planner.recovery}
    assert with_headroom(timed, planner, limit_seconds=10).final


def passing(clock: HandClock, seconds: float) -> Callable[[str], None]:
    """Return what lets so much time pass with every question."""

    def before(_question: str) -> None:
        clock.now_seconds += seconds

    return before


def test_a_step_of_recoveries_ends_after_a_while_and_the_next_goes_on(
    snapshot: Snapshot, planner: FakePlanner, clock: HandClock
) -> None:
    settled = with_headroom(quick_figures(snapshot, planner, clock), planner, limit_seconds=10)
    planner.before = passing(clock, RECOVERY_STEP_SECONDS)
    first = with_recoveries(settled, planner, clock, limit_seconds=10)
    assert list(first.recoveries) == ["host-1"]
    assert not first.final
    second = with_recoveries(first, planner, clock, limit_seconds=10)
    assert planner.asked[-2:] == ["recovery host-1", "recovery host-2"]
    assert second.final
    assert second.recovering_seconds == 2 * RECOVERY_STEP_SECONDS


def test_hosts_for_whose_plans_no_time_is_left_stay_open(
    snapshot: Snapshot, planner: FakePlanner, clock: HandClock
) -> None:
    settled = with_headroom(quick_figures(snapshot, planner, clock), planner, limit_seconds=10)
    planner.before = passing(clock, RECOVERY_LIMITS * 10)
    spent = with_recoveries(settled, planner, clock, limit_seconds=10)
    assert list(spent.recoveries) == ["host-1"]
    assert spent.final


def test_sequential_search_that_ran_out_of_time_is_taken_up_again(
    snapshot: Snapshot, planner: FakePlanner, clock: HandClock
) -> None:
    planner.answer = replace(planner.answer, sequential_search="limit_reached")
    figures = quick_figures(snapshot, planner, clock)
    assert not figures.settled
    planner.answer = replace(planner.answer, sequential_search="as_asked")
    assert better_figures(figures, planner, clock, limit_seconds=10).tolerance == planner.answer
