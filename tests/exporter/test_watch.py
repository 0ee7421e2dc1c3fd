"""One watched pool: threads, but no test depends on how fast they are."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.coalesce import QUIET_NS
from exporter.state import HostLoss, PoolState
from exporter.watch import PoolWatcher, Watched
from hacore.clock import NS_PER_SECOND, SystemClock
from planner.inventory.follow import Lost, Seen, Update
from planner.inventory.snapshot import Snapshot
from planner.results import Bounds

if TYPE_CHECKING:
    from conftest import FakePlanner, Gate, HandClock

ENOUGH = 60.0
Renamed = Callable[[str], Snapshot]


class Feed:
    """A source whose updates the test hands in."""

    def __init__(self) -> None:
        self.report: Callable[[Update], None] = lambda _update: None
        self.error: Exception | None = None
        self.followed = threading.Event()

    def watch(self, stop: threading.Event, report: Callable[[Update], None]) -> None:
        self.report = report
        self.followed.set()
        if self.error is not None:
            raise self.error
        stop.wait()


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def watcher(feed: Feed, planner: FakePlanner, gate: Gate) -> Iterator[PoolWatcher]:
    watched = Watched("https://master.example", feed.watch, limit_seconds=7)
    watcher = PoolWatcher(watched, planner=planner, clock=SystemClock(), refining=threading.Semaphore(1))
    watcher.start()
    assert feed.followed.wait(ENOUGH)
    yield watcher
    gate.open()
    for thread in watcher.stop():
        thread.join(ENOUGH)
        assert not thread.is_alive(), thread.name


def becomes(watcher: PoolWatcher, holds: Callable[[PoolState], bool]) -> PoolState:
    assert watcher.wait_for(holds, ENOUGH), watcher.state
    return watcher.state


def covers(name: str) -> Callable[[PoolState], bool]:
    return lambda state: state.figures is not None and state.figures.snapshot.pool.name == name


def breaking(prefix: str, error: Exception) -> Callable[[str], None]:
    def before(question: str) -> None:
        if question.startswith(prefix):
            raise error

    return before


def test_look_becomes_figures(watcher: PoolWatcher, feed: Feed, snapshot: Snapshot) -> None:
    feed.report(Seen(snapshot))
    state = becomes(watcher, lambda state: state.figures is not None)
    assert state.figures is not None
    assert state.figures.snapshot is snapshot
    assert state.figures.tolerance.simultaneous.lower == 1
    assert state.lag_seconds(1e12) == 0.0


def test_change_is_seen_at_once_and_covered_soon(
    watcher: PoolWatcher, feed: Feed, gate: Gate, renamed: Renamed
) -> None:
    feed.report(Seen(renamed("before")))
    becomes(watcher, covers("before"))
    gate.shut()
    feed.report(Seen(renamed("after")))
    assert watcher.state.pool is not None
    assert watcher.state.pool.name == "after"
    assert covers("before")(watcher.state)
    assert watcher.state.lag_seconds(1e12) > 0
    gate.open()
    becomes(watcher, covers("after"))


def test_flood_of_changes_while_a_planning_runs_costs_one_more(
    watcher: PoolWatcher, feed: Feed, gate: Gate, renamed: Renamed
) -> None:
    gate.shut()
    feed.report(Seen(renamed("first")))
    gate.await_waiting()
    for i in range(1_000):
        feed.report(Seen(renamed(f"change {i}")))
    gate.open()
    state = becomes(watcher, covers("change 999"))
    assert state.counts.snapshots == 1_001
    assert state.counts.plans == 2


def test_changes_that_never_pause_are_covered_all_the_same(
    feed: Feed, planner: FakePlanner, clock: HandClock, renamed: Renamed
) -> None:
    watched = Watched("source", feed.watch)
    watcher = PoolWatcher(watched, planner=planner, clock=clock, refining=threading.Semaphore(1))
    watcher.start()
    assert feed.followed.wait(ENOUGH)
    feed.report(Seen(renamed("first")))
    becomes(watcher, covers("first"))
    for step in range(8):
        clock.now_seconds += QUIET_NS / NS_PER_SECOND * 0.75
        feed.report(Seen(renamed(f"change {step}")))
    assert becomes(watcher, covers("change 7")).counts.plans == 2
    for thread in watcher.stop():
        thread.join(ENOUGH)


def test_looks_that_show_nothing_new_cost_nothing(watcher: PoolWatcher, feed: Feed, renamed: Renamed) -> None:
    feed.report(Seen(renamed("same")))
    becomes(watcher, covers("same"))
    for _ in range(100):
        feed.report(Seen(renamed("same")))
    feed.report(Seen(renamed("other")))
    state = becomes(watcher, covers("other"))
    assert state.counts.plans == 2


def test_loss_is_said_once_in_the_log_and_keeps_the_figures(
    watcher: PoolWatcher, feed: Feed, snapshot: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    feed.report(Seen(snapshot))
    becomes(watcher, lambda state: state.figures is not None)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            feed.report(Lost("connection refused"))
    state = watcher.state
    assert (state.up, state.problem) == (False, "connection refused")
    assert state.figures is not None
    assert [record.getMessage() for record in caplog.records] == [
        "https://master.example: connection refused"
    ]
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            feed.report(Seen(snapshot))
    assert watcher.state.up
    assert caplog.messages[1:] == ["https://master.example: answers again"]


def test_loss_that_names_its_source_is_not_named_twice(
    watcher: PoolWatcher, feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    feed.report(Lost("https://master.example: connection refused"))
    assert caplog.messages == ["https://master.example: connection refused"]


def test_planning_that_breaks_keeps_the_last_figures(
    watcher: PoolWatcher, feed: Feed, planner: FakePlanner, renamed: Renamed, caplog: pytest.LogCaptureFixture
) -> None:
    feed.report(Seen(renamed("good")))
    becomes(watcher, covers("good"))
    planner.before = breaking("tolerance", ZeroDivisionError("division\nby zero"))
    feed.report(Seen(renamed("bad")))
    state = becomes(watcher, lambda state: state.counts.plan_failures == 1)
    assert covers("good")(state)
    assert state.plan_problem == "planning broke off: ZeroDivisionError: division by zero"
    assert state.lag_seconds(1e12) > 0
    assert caplog.messages == [f"https://master.example: {state.plan_problem}"]
    planner.before = lambda _question: None
    feed.report(Seen(renamed("good again")))
    assert becomes(watcher, covers("good again")).plan_problem == ""


def test_open_figures_are_refined_with_the_operators_limit(
    watcher: PoolWatcher, feed: Feed, planner: FakePlanner, renamed: Renamed
) -> None:
    planner.answer = replace(planner.answer, simultaneous=Bounds(0, 2, "certificate"))
    planner.loss = (3, False)
    feed.report(Seen(renamed("open")))
    state = becomes(watcher, lambda state: state.figures is not None and state.figures.thorough)
    assert planner.asked.count("tolerance open 7") == 1
    assert state.counts.plans == 2
    assert state.figures is not None
    assert state.figures.host_losses["host-2"] == HostLoss(3, False)


def test_refining_does_not_keep_a_change_waiting(
    watcher: PoolWatcher, feed: Feed, planner: FakePlanner, gate: Gate, renamed: Renamed
) -> None:
    planner.answer = replace(planner.answer, simultaneous=Bounds(0, 2, "certificate"))
    gate.shut("tolerance open 7")
    feed.report(Seen(renamed("open")))
    gate.await_waiting()
    feed.report(Seen(renamed("changed")))
    assert covers("changed")(becomes(watcher, covers("changed")))
    gate.open()
    state = becomes(watcher, lambda state: state.figures is not None and state.figures.thorough)
    assert covers("changed")(state), "what was found out about the old look is dropped"


def test_refining_that_breaks_is_not_tried_again(
    watcher: PoolWatcher, feed: Feed, planner: FakePlanner, renamed: Renamed
) -> None:
    planner.answer = replace(planner.answer, simultaneous=Bounds(0, 2, "certificate"))
    planner.before = breaking("tolerance open 7", MemoryError())
    feed.report(Seen(renamed("open")))
    state = becomes(watcher, lambda state: state.counts.plan_failures == 1)
    assert state.figures is not None
    assert state.figures.final
    assert "MemoryError" in state.plan_problem


def test_source_that_breaks_off_is_a_problem_and_no_end(feed: Feed, planner: FakePlanner) -> None:
    feed.error = RuntimeError("no idea")
    watcher = PoolWatcher(
        Watched("source", feed.watch), planner=planner, clock=SystemClock(), refining=threading.Semaphore(1)
    )
    watcher.start()
    state = becomes(watcher, lambda state: bool(state.problem))
    assert state.problem == "following broke off: RuntimeError: no idea"
    assert not state.up
    for thread in watcher.stop():
        thread.join(ENOUGH)
        assert not thread.is_alive(), thread.name
