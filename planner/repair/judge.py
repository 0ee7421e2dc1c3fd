"""Is a level of failures survived, and if not: which hosts not? Repair asks this of many pools.

A door to the simultaneous tolerance that asks for one level only. Must never take "open" for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from hacore.clock import Deadline
from planner.placement.problem import DOWN, Problem
from planner.tolerance.counts import count
from planner.tolerance.simultaneous import level

ASK_SHARE = 0.2
"""Share of the time left that one question of many may take."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """`holds` None: open. `lost`: mask of hosts whose loss is not survived, where that is why it fails.
    `lower`: a level that is survived, proven.
    """

    holds: bool | None
    lost: int | None = None
    lower: int = -1


@dataclass(slots=True)
class Judge:
    """Answers within the deadline, each question in its `share`; `open_answers` counts what stayed open."""

    deadline: Deadline
    open_answers: int = 0
    share: float = ASK_SHARE

    def ask(self, problem: Problem, failures: int) -> Ruling:
        """Tell whether every loss of `failures` hosts at once is survived; below 0 nothing is asked."""
        if failures < 0 or (failures == 0 and DOWN not in problem.home):
            return Ruling(True)
        if problem.cap is not None and problem.cap < failures:
            return Ruling(False)
        if not problem.vms:
            return Ruling(failures <= len(problem.hosts))
        if not problem.hosts:
            return Ruling(False, 0)
        counted = count(problem.pruned)
        found = level(counted, failures, self.deadline.part(self.share))
        if found.lower >= failures:
            return Ruling(True)
        if found.upper < failures:
            return Ruling(False, counted.mask_of(found.lost.units), found.lower)
        self.open_answers += 1
        return Ruling(None, None, found.lower)

    def holds(self, problem: Problem, failures: int) -> bool | None:
        """Tell the same without a reason."""
        return self.ask(problem, failures).holds
