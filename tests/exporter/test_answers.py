"""Answers on demand: shared, bounded, never about an outdated look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING

import pytest

from exporter.answers import KEPT, LONG_WAITING, LONG_WORKERS, WAITING, WORKERS, Answers, Busy
from exporter.questions import Answer, PlanQuestion, Question, RepairQuestion, WhatIfQuestion, hosts_of
from planner.errors import UnknownHostError
from planner.inventory.snapshot import Snapshot

if TYPE_CHECKING:
    from conftest import FakePlanner, Gate

ENOUGH = 60.0


class Asked:
    """Answers that one planner gives."""

    def __init__(self, answers: Answers, planner: FakePlanner) -> None:
        self.answers = answers
        self.planner = planner

    def about(self, snapshot: Snapshot, question: Question) -> Future[Answer]:
        return self.answers.ask(snapshot, question, self.planner, limit_seconds=1)


@pytest.fixture
def plans(planner: FakePlanner, gate: Gate) -> Iterator[Asked]:
    answers = Answers()
    answers.start()
    yield Asked(answers, planner)
    gate.open()
    for thread in answers.stop():
        thread.join(ENOUGH)
        assert not thread.is_alive()


def ask(plans: Asked, snapshot: Snapshot, *failed: str) -> Future[Answer]:
    return plans.about(snapshot, PlanQuestion(hosts_of(failed)))


def test_equal_questions_share_one_answer(plans: Asked, planner: FakePlanner, snapshot: Snapshot) -> None:
    first = ask(plans, snapshot, "host-2", "host-1", "host-2").result(ENOUGH)
    again = ask(plans, snapshot, "host-1", "host-2").result(ENOUGH)
    assert first is again
    assert planner.asked == ["plan host-1 host-2"]


def test_question_that_is_being_worked_out_is_not_asked_twice(
    plans: Asked, gate: Gate, snapshot: Snapshot
) -> None:
    gate.shut()
    first = ask(plans, snapshot, "host-1")
    gate.await_waiting()
    assert ask(plans, snapshot, "host-1") is first
    gate.open()
    assert first.result(ENOUGH).to_json()["failed_hosts"] == ["host-1"]


def test_new_look_asks_anew_and_forgets_the_old(
    plans: Asked, planner: FakePlanner, snapshot: Snapshot, renamed: Callable[[str], Snapshot]
) -> None:
    ask(plans, snapshot, "host-1").result(ENOUGH)
    ask(plans, renamed("changed"), "host-1").result(ENOUGH)
    assert len(planner.asked) == 2
    assert [known.snapshot.pool.name for known in plans.answers._known.values()] == ["changed"]


def test_error_reaches_who_asked_and_is_not_kept(
    plans: Asked, planner: FakePlanner, snapshot: Snapshot
) -> None:
    def refuse(question: str) -> None:
        raise UnknownHostError(question, "office")

    planner.before = refuse
    for _ in range(2):
        with pytest.raises(UnknownHostError):
            ask(plans, snapshot, "host-9").result(ENOUGH)
    assert len(planner.asked) == 2


def test_too_many_questions_are_refused_and_a_place_becomes_free_again(
    plans: Asked, gate: Gate, snapshot: Snapshot
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


def test_answers_kept_are_bounded(plans: Asked, snapshot: Snapshot) -> None:
    for i in range(KEPT + 5):
        ask(plans, snapshot, f"host-{i}").result(ENOUGH)
    (known,) = plans.answers._known.values()
    assert len(known.answers) == KEPT
    assert PlanQuestion(("host-0",)) not in known.answers


def test_end_cancels_who_waits(plans: Asked, gate: Gate, snapshot: Snapshot) -> None:
    gate.shut()
    for i in range(WORKERS):
        ask(plans, snapshot, f"running-{i}")
    gate.await_waiting(WORKERS)
    waiting = ask(plans, snapshot, "waiting")
    plans.answers.stop()
    with pytest.raises(CancelledError):
        waiting.result(ENOUGH)
    with pytest.raises(Busy):
        ask(plans, snapshot, "too late")


def test_searches_wait_in_a_line_of_their_own(plans: Asked, gate: Gate, snapshot: Snapshot) -> None:
    gate.shut("repair")
    searches = [plans.about(snapshot, RepairQuestion(target)) for target in range(LONG_WORKERS)]
    gate.await_waiting(LONG_WORKERS)
    searches += [plans.about(snapshot, RepairQuestion(100 + target)) for target in range(LONG_WAITING)]
    with pytest.raises(Busy):
        plans.about(snapshot, RepairQuestion(1_000))
    assert ask(plans, snapshot, "host-1").result(ENOUGH)
    assert plans.about(snapshot, WhatIfQuestion(("stop=vm-mail",))).result(ENOUGH)
    gate.open()
    for search in searches:
        search.result(ENOUGH)


def test_questions_of_different_kinds_are_different(plans: Asked, snapshot: Snapshot) -> None:
    one, other = RepairQuestion(1), RepairQuestion(2)
    asked = [plans.about(snapshot, question) for question in (one, other, one)]
    assert asked[0] is asked[2]
    assert asked[0] is not asked[1]
