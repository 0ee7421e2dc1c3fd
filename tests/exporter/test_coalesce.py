"""A burst of changes costs one planning, and a flood one a second."""

from __future__ import annotations

from exporter.coalesce import LONGEST_NS, QUIET_NS, Burst, grown


def test_single_change_waits_for_quiet() -> None:
    assert grown(None, 1_000).due_ns() == 1_000 + QUIET_NS


def test_each_further_change_moves_the_planning() -> None:
    burst = grown(grown(None, 0), QUIET_NS // 2)
    assert burst.due_ns() == QUIET_NS // 2 + QUIET_NS


def test_flood_is_cut_after_the_longest_wait() -> None:
    burst: Burst | None = None
    for now_ns in range(0, LONGEST_NS, QUIET_NS // 10):
        burst = grown(burst, now_ns)
    assert burst is not None
    assert burst.due_ns() == LONGEST_NS


def test_first_look_is_not_kept_waiting() -> None:
    assert grown(grown(None, 5, hurried=True), 10).due_ns() == 5


def test_the_quiet_may_be_shortened() -> None:
    assert grown(grown(None, 0, quiet_ns=0), 10, quiet_ns=0).due_ns() == 10
