"""What happens to a pool changes its state in these ways and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from exporter import state as transition
from exporter.state import Figures, HostLoss, PoolState, with_duplicates
from planner.inventory.snapshot import Snapshot
from planner.model import Pool
from planner.results import Bounds, Tolerance

Renamed = Callable[[str], Snapshot]


def test_first_look_brings_the_pool_up_and_asks_for_a_planning(snapshot: Snapshot) -> None:
    state = transition.seen(PoolState("source"), snapshot, 10.0)
    assert (state.up, state.pool, state.seen_at_seconds) == (True, snapshot.pool, 10.0)
    assert state.pending_since_seconds == 10.0
    assert state.counts.snapshots == 1
    assert state.figures is None
    assert not state.settled


def test_look_that_shows_nothing_new_asks_for_nothing(state: PoolState, snapshot: Snapshot) -> None:
    same = replace(snapshot, pool=replace(snapshot.pool))
    after = transition.seen(state, same, 1_050.0)
    assert after.seen_at_seconds == 1_050.0
    assert after.snapshot is snapshot, "figures stay about the newest look"
    assert after.pending_since_seconds is None
    assert after.counts.snapshots == 2


def test_loss_keeps_everything_known(state: PoolState) -> None:
    lost = transition.lost(state, "connection refused")
    assert (lost.up, lost.problem) == (False, "connection refused")
    assert (lost.snapshot, lost.figures, lost.seen_at_seconds) == (state.snapshot, state.figures, 1_000.0)
    assert lost.age_seconds(1_060.0) == 60.0


def test_next_look_ends_a_loss(state: PoolState, renamed: Renamed) -> None:
    back = transition.seen(transition.lost(state, "connection refused"), renamed("back"), 1_100.0)
    assert (back.up, back.problem) == (True, "")


def test_loss_without_a_reason_still_has_one(state: PoolState) -> None:
    assert transition.lost(state, "").problem


def test_lag_runs_from_the_oldest_change_that_no_figures_cover(state: PoolState, renamed: Renamed) -> None:
    assert state.lag_seconds(2_000.0) == 0.0
    changed = transition.seen(state, renamed("a"), 2_000.0)
    assert changed.lag_seconds(2_001.0) == 1.0
    taken = transition.planning(changed)
    assert taken.lag_seconds(2_002.0) == 2.0
    newer = transition.seen(taken, renamed("b"), 2_003.0)
    assert newer.lag_seconds(2_004.0) == 4.0
    assert newer.figures is not None
    done = transition.planned(newer, replace(newer.figures, snapshot=renamed("a")))
    assert done.lag_seconds(2_005.0) == 2.0, "from the second change on"


def test_failed_planning_keeps_figures_and_lag(state: PoolState, renamed: Renamed) -> None:
    taken = transition.planning(transition.seen(state, renamed("a"), 2_000.0))
    failed = transition.plan_failed(taken, "it broke")
    assert (failed.figures, failed.plan_problem) == (state.figures, "it broke")
    assert failed.lag_seconds(2_030.0) == 30.0
    assert transition.planning(failed).lag_seconds(2_031.0) == 31.0
    assert failed.counts.plan_failures == 1


def test_success_forgets_the_failure(state: PoolState, figures: Figures) -> None:
    recovered = transition.planned(transition.plan_failed(state, "it broke"), figures)
    assert recovered.plan_problem == ""
    assert recovered.counts.plan_failures == 1, "counters never fall"


def test_planning_is_counted_with_its_solver(state: PoolState, figures: Figures) -> None:
    after = transition.planned(state, figures)
    assert (after.counts.plans, after.counts.plan_seconds) == (2, 1.5)
    assert (after.counts.solver_calls, after.counts.solver_seconds) == (4, 1.0)


def test_refined_figures_replace_those_of_the_same_look(state: PoolState, figures: Figures) -> None:
    better = replace(figures, thorough=True)
    assert transition.refined(state, better).figures is better


def test_refined_figures_of_an_older_look_are_dropped(
    state: PoolState, figures: Figures, renamed: Renamed
) -> None:
    newer = replace(state, figures=replace(figures, snapshot=renamed("newer")))
    after = transition.refined(newer, replace(figures, thorough=True))
    assert after.figures is newer.figures
    assert after.counts.plans == 2, "the time was spent all the same"


def test_failed_refining_is_not_tried_again(state: PoolState, figures: Figures) -> None:
    after = transition.refining_failed(state, figures, "it broke")
    assert after.figures == replace(figures, given_up=True)
    assert after.plan_problem == "it broke"


def test_figures_are_final_when_exact_or_when_the_limit_was_spent(
    figures: Figures, tolerance: Tolerance
) -> None:
    exact = replace(
        figures,
        tolerance=replace(tolerance, simultaneous=Bounds(1, 1, "certificate")),
        host_losses={"host-1": HostLoss(0, True), "host-2": HostLoss(0, True)},
    )
    assert not figures.final
    assert exact.final
    assert not replace(exact, host_losses={"host-1": HostLoss(0, True)}).final
    assert not replace(exact, host_losses={**exact.host_losses, "host-2": HostLoss(3, False)}).final
    assert replace(figures, thorough=True).final
    assert not replace(figures, thorough=True, headroom=None).final
    assert replace(figures, given_up=True, headroom=None).final


def test_first_source_keeps_a_pool_that_several_serve(state: PoolState, pool: Pool) -> None:
    other = transition.seen(PoolState("other"), Snapshot(replace(pool, uuid="pool-2")), 1.0)
    again = replace(state, source="again")
    shown = with_duplicates([PoolState("silent"), state, other, again, PoolState("silent too")])
    assert [one.duplicate_of for one in shown] == ["", "", "", state.source, ""]
    assert [one.pool_uuid for one in shown] == ["", "pool-1", "pool-2", "", ""]
    assert [one.settled for one in shown] == [False, True, False, True, False]


def test_clock_that_jumps_back_shows_no_negative_age(state: PoolState, renamed: Renamed) -> None:
    assert state.age_seconds(900.0) == 0.0
    assert transition.seen(state, renamed("a"), 2_000.0).lag_seconds(1_000.0) == 0.0


def test_figures_of_one_pool_are_never_shown_for_another(
    state: PoolState, figures: Figures, pool: Pool
) -> None:
    other = Snapshot(replace(pool, uuid="another pool"))
    swapped = transition.seen(transition.planning(state), other, 2_000.0)
    assert swapped.pool_uuid == "another pool"
    assert swapped.figures is None
    assert transition.planned(swapped, figures).figures is None, "planned while the pool was swapped"
    assert transition.refined(swapped, figures).figures is None
    assert transition.planned(swapped, figures).lag_seconds(2_001.0) == 1.0
