"""In which order are moves made? Each must fit when its turn comes, and the tolerance should not fall.

Every subset of a few moves is looked at once; of many moves, only what one pass finds. "Safe" is a proof for
every state on the way; "no order" is one too, for a few moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.repair.judge import Judge
from planner.repair.yard import Displaced, Yard

FEW = 8
"""Moves of which all 2^n subsets may be looked at."""


@dataclass(frozen=True, slots=True)
class Order:
    """The moves (group, host) one after the other."""

    moves: Displaced
    safe: bool


@dataclass(slots=True)
class Orders:
    """Finds orders in one pool; `start` is the level that shall be kept meanwhile."""

    yard: Yard
    judge: Judge
    start: int
    _dead: set[Displaced] = field(default_factory=set)
    _safe: dict[Displaced, bool] = field(default_factory=dict)

    def find(self, moves: Displaced) -> Order | None:
        """Return an order, a safe one if there is one; None: none was found."""
        for safe in (True, False):
            self._dead.clear()
            found = self._go_on((), moves, safe)
            if found is not None:
                return Order(found, safe)
        return None

    def _go_on(self, made: Displaced, left: Displaced, safe: bool) -> Displaced | None:
        """Return `made` and the rest in an order that works."""
        if not left:
            return made
        state = tuple(sorted(made))
        if state in self._dead or self.judge.deadline.passed():
            return None
        stock = self.yard.stock(made)
        for i, (number, to) in enumerate(left):
            if not stock.fits(self.yard.groups[number], to):
                continue
            rest = left[:i] + left[i + 1 :]
            after = (*made, left[i])
            if safe and rest and not self._keeps(tuple(sorted(after))):
                continue
            found = self._go_on(after, rest, safe)
            if found is not None or len(left) > FEW:
                return found
        self._dead.add(state)
        return None

    def _keeps(self, state: Displaced) -> bool:
        if state not in self._safe:
            self._safe[state] = bool(self.judge.holds(self.yard.problem_after(state), self.start))
        return self._safe[state]
