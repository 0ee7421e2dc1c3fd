"""Answers questions about a pool beside the watching: few at a time, each question once per look.

Equal questions about the same snapshot share one answer. Questions that may take their whole limit wait in a
line of their own, so that they never hold up those that are answered in a moment. Must never make a scrape
wait, never queue without bound (when too many are waiting the next is refused), and never keep an outdated
look at a pool alive.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field

from exporter.planning import Planner
from exporter.questions import Answer, Question
from planner.inventory.snapshot import Snapshot

WORKERS = 2
WAITING = 16
LONG_WORKERS = 1
"""A search for moves keeps a core busy; the watching needs the others."""
LONG_WAITING = 4
KEPT = 64
"""Answers kept for one look at a pool; a plan of a 64-host pool is about 100 KB."""


class Busy(Exception):
    """Too many questions are being answered already, or the service is about to end."""

    def __init__(self) -> None:
        super().__init__("too many questions are being answered already; ask again in a few seconds")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question on its way to its answer. `planner` knows the terms of its pool."""

    snapshot: Snapshot
    question: Question
    limit_seconds: float
    planner: Planner
    answer: Future[Answer]


@dataclass(frozen=True, slots=True)
class _Known:
    """The answers about one look at a pool, the least recently asked first."""

    snapshot: Snapshot
    answers: OrderedDict[Question, Future[Answer]] = field(default_factory=OrderedDict)


class _Line:
    """Questions that wait, and how many are answered at a time."""

    def __init__(self, workers: int, waiting: int) -> None:
        self.workers = workers
        self.waiting: queue.Queue[_Asked | None] = queue.Queue(waiting)

    def end(self) -> None:
        """Cancel who waits and send the workers home."""
        while True:
            try:
                asked = self.waiting.get_nowait()
            except queue.Empty:
                break
            if asked is not None:
                asked.answer.cancel()
        for _ in range(self.workers):
            self.waiting.put(None)


class Answers:
    """Two lines of questions, their workers, and the answers they found."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._known: dict[str, _Known] = {}
        self._lines = {False: _Line(WORKERS, WAITING), True: _Line(LONG_WORKERS, LONG_WAITING)}
        self._threads = [
            threading.Thread(target=self._work, args=(line,), name=f"xenha-answer-{i}", daemon=True)
            for line in self._lines.values()
            for i in range(line.workers)
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[threading.Thread]:
        """Cancel the questions that wait and let the workers end; return the threads to join."""
        with self._lock:
            self._stopped = True
        for line in self._lines.values():
            line.end()
        return self._threads

    def ask(
        self, snapshot: Snapshot, question: Question, planner: Planner, *, limit_seconds: float
    ) -> Future[Answer]:
        """Return the answer to come, which may hold the planner's error. Raise Busy."""
        with self._lock:
            known = self._about(snapshot)
            if question in known.answers:
                known.answers.move_to_end(question)
                return known.answers[question]
            asked = _Asked(snapshot, question, limit_seconds, planner, Future())
            self._enqueue(asked)
            known.answers[question] = asked.answer
            if len(known.answers) > KEPT:
                known.answers.popitem(last=False)
            return asked.answer

    def _about(self, snapshot: Snapshot) -> _Known:
        known = self._known.get(snapshot.pool.uuid)
        if known is None or known.snapshot is not snapshot:
            known = self._known[snapshot.pool.uuid] = _Known(snapshot)
        return known

    def _enqueue(self, asked: _Asked) -> None:
        try:
            if self._stopped:
                raise Busy
            self._lines[asked.question.long].waiting.put_nowait(asked)
        except queue.Full:
            raise Busy from None

    def _work(self, line: _Line) -> None:
        while self._answer(line.waiting.get()):
            pass

    def _answer(self, asked: _Asked | None) -> bool:
        if asked is None:
            return False
        if not asked.answer.set_running_or_notify_cancel():
            return True
        try:
            answer = asked.planner.ask(asked.question, asked.snapshot.pool, limit_seconds=asked.limit_seconds)
        except Exception as error:
            self._forget(asked)
            asked.answer.set_exception(error)
        else:
            asked.answer.set_result(answer)
        return True

    def _forget(self, asked: _Asked) -> None:
        with self._lock:
            known = self._known.get(asked.snapshot.pool.uuid)
            if known is not None and known.answers.get(asked.question) is asked.answer:
                del known.answers[asked.question]
