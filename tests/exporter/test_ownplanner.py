"""The service's door to the planner: what it keeps of a pool never answers for another one."""

from __future__ import annotations

from dataclasses import replace

from bench.clocks import StillClock
from bench.worlds import tiny
from exporter.ownplanner import OwnPlanner
from exporter.questions import PlanQuestion
from planner.constraints.rules import NO_RULES
from planner.schedule.pace import Pace


def test_losses_are_those_of_the_pool_asked_about() -> None:
    roomy = tiny((9, 9), [(3, 0, None), (4, 1, None)])
    tight = replace(tiny((9, 3), [(3, 0, None), (4, 0, None), (1, 1, None)]), uuid=roomy.uuid)
    planner = OwnPlanner(StillClock())
    asked = [planner.unplaced_if_failed(pool, "h0", limit_seconds=1.0) for pool in (roomy, tight, roomy)]
    assert asked == [(0, True), (1, True), (0, True)]
    assert planner.unplaced_if_failed(tight, "h1", limit_seconds=1.0) == (0, True)


def test_recoveries_follow_the_pool_asked_about_and_the_times_told() -> None:
    one = tiny((9, 9), [(3, 0, None)])
    two = replace(tiny((9, 9), [(3, 0, None), (4, 0, None)]), uuid=one.uuid)
    planner = OwnPlanner(StillClock()).under(
        NO_RULES, Pace(boot_seconds=10, boot_slots=1, detection_seconds=5)
    )
    asked = [planner.recovery_if_failed(pool, "h0", limit_seconds=1.0) for pool in (one, two, one)]
    assert [told.seconds for told in asked] == [15, 25, 15]
    question = PlanQuestion(("h0",))
    (placement,) = planner.ask(question, one, limit_seconds=1.0).to_json()["placements"]
    assert placement["predicted_seconds"] == 15
