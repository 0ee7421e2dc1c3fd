"""The fewest, then lightest moves, by counter-example: what every repair of a lost set must contain.

Looks at sets of displaced VMs, by number. While some set S of hosts is lost, one of the VMs still to be moved
must come from a survivor of S: moves out of S only place what restarts there, or take room (see `lost`). And
while a host holds more than it has, something must leave it. So each step branches over few moves, and when
nothing is left to branch over no larger set helps either. Must never call a number refuted that was not
looked at: what stays open is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from planner.placement.problem import Problem
from planner.repair.judge import Judge, Ruling
from planner.repair.lost import Lost
from planner.repair.order import Order, Orders
from planner.repair.refute import Volume, least_moves
from planner.repair.yard import Displaced, Yard

MOST_LOST = 12
"""Lost sets kept as filters of one state."""


@dataclass(slots=True)
class Search:
    """A search for moves that reach a level. `best` is the lightest set of the number looked at last."""

    yard: Yard
    judge: Judge
    orders: Orders
    failures: int
    best: Order | None = None
    stuck: int | None = None
    """The smallest number of a set that reaches the level but has no order by itself."""
    open: bool = False
    """Something was not settled."""
    _cut: bool = False
    _seen: set[Displaced] = field(default_factory=set)
    _ruled: dict[Displaced, Ruling] = field(default_factory=dict)

    def look(self, number: int) -> bool:
        """Look at all sets of `number` VMs; return whether larger ones could help."""
        self._seen.clear()
        self._cut = False
        self._descend((), number)
        return self._cut or self.open

    def _descend(self, state: Displaced, left: int) -> None:
        if self.judge.deadline.passed():
            self.open = True
            return
        if state in self._seen:
            return
        self._seen.add(state)
        overfull = self.yard.overfull(state)
        if overfull is not None:
            self._branch(state, left, None, overfull)
            return
        ruling = self._rule(state)
        if ruling.holds:
            self._found(state)
        elif ruling.lost is None:
            self.open = self.open or ruling.holds is None
        else:
            self._branch(state, left, ruling.lost, None)

    def _rule(self, state: Displaced) -> Ruling:
        if state not in self._ruled:
            self._ruled[state] = self.judge.ask(self.yard.problem_after(state), self.failures)
        return self._ruled[state]

    def _found(self, state: Displaced) -> None:
        order = self.orders.find(state)
        if order is None:
            self.stuck = len(state) if self.stuck is None else min(self.stuck, len(state))
        elif not self._as_heavy_as_best(self._weight(state)):
            self.best = order

    def _as_heavy_as_best(self, weight_bytes: int) -> bool:
        return self.best is not None and weight_bytes >= self._weight(self.best.moves)

    def _weight(self, state: Displaced) -> int:
        return self.yard.weight_bytes(state)

    def _branch(self, state: Displaced, left: int, lost: int | None, overfull: int | None) -> None:
        if left == 0:
            self._cut = True
            return
        if overfull is None and least_moves(self.yard, state, self.failures) > left:
            self._cut = True
            return
        problem = self.yard.problem_after(state)
        filters = [] if lost is None else [Lost.of(problem, lost)]
        volume = Volume.of(problem, self.failures)
        for number, to in self._choices(state, left, lost, overfull):
            if left == 1 and overfull is None and self._in_vain(volume, filters, number, to):
                self._cut = True
                continue
            after = tuple(sorted((*state, (number, to))))
            self._descend(after, left - 1)
            self._learn(problem, after, filters)
            if self.judge.deadline.passed():
                return

    def _choices(
        self, state: Displaced, left: int, lost: int | None, overfull: int | None
    ) -> Iterator[tuple[int, int]]:
        """Yield the moves of which one must be made and that weigh less than the best, the lightest first."""
        still = self.yard.left(state)
        stock = self.yard.stock(state)
        if left > 1:  # others may leave afterwards: at its best a host is empty
            room = zip(stock.free_bytes, self.yard.loads, strict=True)
            stock = replace(stock, free_bytes=tuple([free + load for free, load in room]))
        for number, group in enumerate(self.yard.groups):
            if self.best is not None and self._weight(state) + group.need_bytes >= self._weight(
                self.best.moves
            ):
                return
            if group.home < 0 or not still[number]:
                continue
            if group.home != overfull if lost is None else lost >> group.home & 1:
                continue
            for to in range(len(stock.free_bytes)):
                if to != group.home and group.candidates >> to & 1:
                    if stock.fits(group, to) or (left > 1 and stock.free_bytes[to] >= group.need_bytes):
                        yield number, to
                    else:
                        self._cut = True

    def _in_vain(self, volume: Volume, filters: list[Lost], number: int, to: int) -> bool:
        """Tell whether it is certain that one last move does not reach the level."""
        group = self.yard.groups[number]
        if any(lost.stays(group, to) for lost in filters):
            return True
        if volume.lacking_bytes <= 0:
            return False
        moved = () if group.protected else ((group.home, group.need_bytes), (to, -group.need_bytes))
        return volume.lacking_with(moved) > 0

    def _learn(self, problem: Problem, after: Displaced, filters: list[Lost]) -> None:
        """Keep what was lost after a move if it is provably lost before it, too: it refuses other moves."""
        ruling = self._ruled.get(after)
        if ruling is None or ruling.lost is None or len(filters) >= MOST_LOST:
            return
        if any(lost.hosts == ruling.lost for lost in filters):
            return
        lost = Lost.of(problem, ruling.lost)
        if lost.proofs:
            filters.append(lost)
