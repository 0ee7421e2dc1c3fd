"""Answers "what if these hosts fail" beside the watching: few at a time, each question once per look.

Equal questions about the same snapshot share one answer. Must never make a scrape wait, never queue without
bound (when too many are waiting the next is refused), and never keep an outdated look at a pool alive.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from exporter.planning import Planner
from planner.inventory.snapshot import Snapshot
from planner.results import Plan

WORKERS = 2
WAITING = 16
KEPT = 64
"""Answers kept for one look at a pool; a plan of a 64-host pool is about 100 KB."""

Failed = tuple[str, ...]
"""UUIDs or unique names, sorted, none twice."""


class Busy(Exception):
    """Too many plans are being worked out already, or the service is about to end."""

    def __init__(self) -> None:
        super().__init__("too many plans are being worked out already; ask again in a few seconds")


@dataclass(frozen=True, slots=True)
class _Question:
    snapshot: Snapshot
    failed: Failed
    limit_seconds: float
    answer: Future[Plan]


@dataclass(frozen=True, slots=True)
class _Known:
    """The answers about one look at a pool, the least recently asked first."""

    snapshot: Snapshot
    answers: OrderedDict[Failed, Future[Plan]] = field(default_factory=OrderedDict)


class Plans:
    """Workers and the answers they found."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._lock = threading.Lock()
        self._stopped = False
        self._known: dict[str, _Known] = {}
        self._waiting: queue.Queue[_Question | None] = queue.Queue(WAITING)
        self._threads = [
            threading.Thread(target=self._work, name=f"xenha-whatif-{i}", daemon=True) for i in range(WORKERS)
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[threading.Thread]:
        """Cancel the questions that wait and let the workers end; return the threads to join."""
        with self._lock:
            self._stopped = True
        self._cancel_waiting()
        for _ in self._threads:
            self._waiting.put(None)
        return self._threads

    def _cancel_waiting(self) -> None:
        while True:
            try:
                question = self._waiting.get_nowait()
            except queue.Empty:
                return
            if question is not None:
                question.answer.cancel()

    def ask(self, snapshot: Snapshot, failed: Iterable[str], *, limit_seconds: float) -> Future[Plan]:
        """Return the plan to come, which may hold the planner's error. Raise Busy."""
        hosts = tuple(sorted(set(failed)))
        with self._lock:
            known = self._about(snapshot)
            if hosts in known.answers:
                known.answers.move_to_end(hosts)
                return known.answers[hosts]
            question = _Question(snapshot, hosts, limit_seconds, Future())
            self._enqueue(question)
            known.answers[hosts] = question.answer
            if len(known.answers) > KEPT:
                known.answers.popitem(last=False)
            return question.answer

    def _about(self, snapshot: Snapshot) -> _Known:
        known = self._known.get(snapshot.pool.uuid)
        if known is None or known.snapshot is not snapshot:
            known = self._known[snapshot.pool.uuid] = _Known(snapshot)
        return known

    def _enqueue(self, question: _Question) -> None:
        try:
            if self._stopped:
                raise Busy
            self._waiting.put_nowait(question)
        except queue.Full:
            raise Busy from None

    def _work(self) -> None:
        while self._answer(self._waiting.get()):
            pass

    def _answer(self, question: _Question | None) -> bool:
        if question is None:
            return False
        if not question.answer.set_running_or_notify_cancel():
            return True
        try:
            plan = self._planner.plan(
                question.snapshot.pool, question.failed, limit_seconds=question.limit_seconds
            )
        except Exception as error:
            self._forget(question)
            question.answer.set_exception(error)
        else:
            question.answer.set_result(plan)
        return True

    def _forget(self, question: _Question) -> None:
        with self._lock:
            known = self._known.get(question.snapshot.pool.uuid)
            if known is not None and known.answers.get(question.failed) is question.answer:
                del known.answers[question.failed]
