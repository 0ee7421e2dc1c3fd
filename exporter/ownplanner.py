"""The project's one planner, behind the service's door (`exporter.planning.Planner`)."""

from __future__ import annotations

from exporter.questions import Answer, HeadroomQuestion, Question, Terms
from hacore.clock import Clock
from planner.constraints.memory import applied
from planner.constraints.rules import NO_RULES, Rules
from planner.explain.answer import fragmentation
from planner.losses import SingleLosses
from planner.model import Pool
from planner.placement.problem import problem_of
from planner.restart import Plans
from planner.results import Headroom, Span, Tolerance
from planner.schedule.pace import USUAL_PACE, Pace
from planner.schedule.predict import recovery_of
from planner.schedule.prediction import RecoveryTime
from planner.tolerance import answer


class OwnPlanner:
    """Asks the planner itself, on the service's clock, with an operator's rules and times counted."""

    def __init__(self, clock: Clock, rules: Rules = NO_RULES, pace: Pace = USUAL_PACE) -> None:
        self._clock = clock
        self._rules = rules
        self._pace = pace
        self._losses: tuple[Pool, SingleLosses] | None = None
        """Of the pool asked about last: its hosts are asked about one by one."""
        self._plans: Plans | None = None

    def tolerance(self, pool: Pool, *, limit_seconds: float) -> Tolerance:
        return answer.tolerance(pool, limit_seconds=limit_seconds, clock=self._clock, rules=self._rules)

    def unplaced_if_failed(self, pool: Pool, host_uuid: str, *, limit_seconds: float) -> tuple[int, bool]:
        if self._losses is None or self._losses[0] is not pool:
            self._losses = (pool, SingleLosses(pool, self._rules))
        return self._losses[1].unplaced(host_uuid, limit_seconds=limit_seconds, clock=self._clock)

    def headroom(self, pool: Pool, *, limit_seconds: float) -> Headroom:
        return HeadroomQuestion().answer(pool, self._terms(limit_seconds))

    def packable(self, pool: Pool) -> Span:
        return fragmentation(problem_of(*applied(pool, self._rules))).packable_bytes

    def recovery_if_failed(self, pool: Pool, host_uuid: str, *, limit_seconds: float) -> RecoveryTime:
        if self._plans is None or self._plans.pool is not pool:
            self._plans = Plans(pool, self._pace, self._rules)
        return recovery_of(self._plans.after([host_uuid], limit_seconds=limit_seconds, clock=self._clock))

    def ask(self, question: Question, pool: Pool, *, limit_seconds: float) -> Answer:
        return question.answer(pool, self._terms(limit_seconds))

    def under(self, rules: Rules, pace: Pace = USUAL_PACE) -> OwnPlanner:
        return OwnPlanner(self._clock, rules, pace)

    def _terms(self, limit_seconds: float) -> Terms:
        return Terms(limit_seconds, self._clock, self._pace, self._rules)
