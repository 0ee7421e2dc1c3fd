"""The worst host failure: told only when it is known."""

from __future__ import annotations

from math import inf

from exporter.recovery import Worst, seconds_of, worst
from planner.model import Pool
from planner.schedule.prediction import RecoveryTime

NEVER, OPEN = RecoveryTime(None, True), RecoveryTime(None, False)


def test_never_is_infinite_and_open_is_nothing() -> None:
    assert seconds_of(RecoveryTime(125.0, True)) == 125.0
    assert seconds_of(NEVER) == inf
    assert seconds_of(OPEN) is None


def test_the_longest_is_the_worst(pool: Pool) -> None:
    recoveries = {"host-1": RecoveryTime(125.0, True), "host-2": RecoveryTime(65.0, True)}
    assert worst(pool, recoveries) == Worst("host-1", 125.0)
    assert worst(pool, {**recoveries, "host-2": NEVER}) == Worst("host-2", inf)


def test_an_open_host_leaves_the_worst_open_unless_another_never_recovers(pool: Pool) -> None:
    long = RecoveryTime(1_000.0, True)
    assert worst(pool, {}) is None
    assert worst(pool, {"host-1": long}) is None
    assert worst(pool, {"host-1": long, "host-2": OPEN}) is None
    assert worst(pool, {"host-1": NEVER, "host-2": OPEN}) == Worst("host-1", inf)


def test_hosts_out_of_service_do_not_count(pool: Pool) -> None:
    known = {uuid: RecoveryTime(60.0, True) for uuid in ("host-1", "host-2")}
    assert worst(pool, {**known, "host-3": NEVER}) == Worst("host-1", 60.0)
