"""The project's one planner, behind the service's door (`exporter.planning.Planner`)."""

from __future__ import annotations

from exporter.questions import Answer, HeadroomQuestion, Question, Terms
from hacore.clock import Clock
from planner import restart
from planner.constraints.rules import NO_RULES, Rules
from planner.model import Pool
from planner.results import Headroom, Tolerance
from planner.tolerance import answer


class OwnPlanner:
    """Asks the planner itself, on the service's clock, with an operator's rules counted."""

    def __init__(self, clock: Clock, rules: Rules = NO_RULES) -> None:
        self._clock = clock
        self._rules = rules
        self._losses: restart.SingleLosses | None = None
        """Of the pool asked about last: its hosts are asked about one by one."""

    def tolerance(self, pool: Pool, *, limit_seconds: float) -> Tolerance:
        return answer.tolerance(pool, limit_seconds=limit_seconds, clock=self._clock)

    def unplaced_if_failed(self, pool: Pool, host_uuid: str, *, limit_seconds: float) -> tuple[int, bool]:
        losses = self._losses
        if losses is None or losses.pool is not pool:
            losses = self._losses = restart.SingleLosses(pool)
        return losses.unplaced(host_uuid, limit_seconds=limit_seconds, clock=self._clock)

    def headroom(self, pool: Pool, *, limit_seconds: float) -> Headroom:
        return HeadroomQuestion().answer(pool, self._terms(limit_seconds))

    def ask(self, question: Question, pool: Pool, *, limit_seconds: float) -> Answer:
        return question.answer(pool, self._terms(limit_seconds))

    def under(self, rules: Rules) -> OwnPlanner:
        return OwnPlanner(self._clock, rules)

    def _terms(self, limit_seconds: float) -> Terms:
        return Terms(limit_seconds, self._clock)
