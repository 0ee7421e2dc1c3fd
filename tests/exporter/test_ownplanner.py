"""The service's door to the planner: what it keeps of a pool never answers for another one."""

from __future__ import annotations

from dataclasses import replace

from bench.clocks import StillClock
from bench.worlds import tiny
from exporter.ownplanner import OwnPlanner
from exporter.questions import PlanQuestion
from lab.demo import demo_pool
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


def test_recoveries_are_those_of_the_plans_people_see() -> None:
    """The plan looks ahead: on the demo pool host-1's VMs go elsewhere than where they fit best at once."""
    pool, planner = demo_pool(), OwnPlanner(StillClock(), pace=Pace(boot_seconds=40, boot_slots=2))
    for host in pool.hosts_in_service:
        told = planner.recovery_if_failed(pool, host.uuid, limit_seconds=1e6)
        shown = planner.ask(PlanQuestion((host.uuid,)), pool, limit_seconds=1e6).to_json()
        assert told.seconds == shown["predicted_recovery_seconds"]
