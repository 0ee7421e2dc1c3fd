"""Plans on demand: shared, bounded, never about an outdated look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING

import pytest

from exporter.plans import KEPT, WAITING, WORKERS, Busy, Plans
from planner.errors import UnknownHostError
from planner.inventory.snapshot import Snapshot
from planner.results import Plan

if TYPE_CHECKING:
    from conftest import FakePlanner, Gate

ENOUGH = 30.0


@pytest.fixture
def plans(planner: FakePlanner, gate: Gate) -> Iterator[Plans]:
    plans = Plans(planner)
    plans.start()
    yield plans
    gate.open()
    for thread in plans.stop():
        thread.join(ENOUGH)
        assert not thread.is_alive()


def ask(plans: Plans, snapshot: Snapshot, *failed: str) -> Future[Plan]:
    return plans.ask(snapshot, failed, limit_seconds=1)


def test_equal_questions_share_one_answer(plans: Plans, planner: FakePlanner, snapshot: Snapshot) -> None:
    first = ask(plans, snapshot, "host-2", "host-1", "host-2").result(ENOUGH)
    again = ask(plans, snapshot, "host-1", "host-2").result(ENOUGH)
    assert first is again
    assert planner.asked == ["plan host-1 host-2"]


def test_question_that_is_being_worked_out_is_not_asked_twice(
    plans: Plans, gate: Gate, snapshot: Snapshot
) -> None:
    gate.shut()
    first = ask(plans, snapshot, "host-1")
    gate.await_waiting()
    assert ask(plans, snapshot, "host-1") is first
    gate.open()
    assert first.result(ENOUGH).failed_hosts == ("host-1",)


def test_new_look_asks_anew_and_forgets_the_old(
    plans: Plans, planner: FakePlanner, snapshot: Snapshot, renamed: Callable[[str], Snapshot]
) -> None:
    ask(plans, snapshot, "host-1").result(ENOUGH)
    ask(plans, renamed("changed"), "host-1").result(ENOUGH)
    assert len(planner.asked) == 2
    assert [known.snapshot.pool.name for known in plans._known.values()] == ["changed"]


def test_error_reaches_who_asked_and_is_not_kept(
    plans: Plans, planner: FakePlanner, snapshot: Snapshot
) -> None:
    def refuse(question: str) -> None:
        raise UnknownHostError(question, "office")

    planner.before = refuse
    for _ in range(2):
        with pytest.raises(UnknownHostError):
            ask(plans, snapshot, "host-9").result(ENOUGH)
    assert len(planner.asked) == 2


def test_too_many_questions_are_refused_and_a_place_becomes_free_again(
    plans: Plans, gate: Gate, snapshot: Snapshot
) -> None:
    gate.shut()
    running = [ask(plans, snapshot, f"running-{i}") for i in range(WORKERS)]
    gate.await_waiting(WORKERS)
    waiting = [ask(plans, snapshot, f"waiting-{i}") for i in range(WAITING)]
    with pytest.raises(Busy):
        ask(plans, snapshot, "one too many")
    gate.open()
    for future in running + waiting:
        future.result(ENOUGH)
    assert ask(plans, snapshot, "one too many").result(ENOUGH)


def test_answers_kept_are_bounded(plans: Plans, snapshot: Snapshot) -> None:
    for i in range(KEPT + 5):
        ask(plans, snapshot, f"host-{i}").result(ENOUGH)
    (known,) = plans._known.values()
    assert len(known.answers) == KEPT
    assert ("host-0",) not in known.answers


def test_end_cancels_who_waits(plans: Plans, gate: Gate, snapshot: Snapshot) -> None:
    gate.shut()
    for i in range(WORKERS):
        ask(plans, snapshot, f"running-{i}")
    gate.await_waiting(WORKERS)
    waiting = ask(plans, snapshot, "waiting")
    plans.stop()
    with pytest.raises(CancelledError):
        waiting.result(ENOUGH)
    with pytest.raises(Busy):
        ask(plans, snapshot, "too late")
