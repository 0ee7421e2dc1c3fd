"""How many VMs of each kind can restart at best: a choice of numbers, cut until it fits (Benders 1962).

CP-SAT makes the best choice of numbers that no cut excludes; whether there is room for it is asked of the
pattern LP and then of a leaf. What refuses it becomes a cut for all choices: integer prices under which all
hosts together are worth too little, or the very numbers, of which not so many fit. The first choice for which
there is room is the best. The program speaks of kinds, not of hosts, and stays small however large the pool.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hacore.clock import Deadline
from planner.placement import solver
from planner.placement.packing import Instance, Outcome, Packed, Refuted
from planner.placement.pattern import Cut, Cutter
from planner.placement.solver import Counts, Floor, Row
from planner.placement.spread import Room
from planner.placement.wishes import Kind, merged

ROUNDS_TOP = 200
"""Choices looked at before the question is left to others; a handful is usual."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Σ weights · number of each kind, as great as can be: numbers in `ranges`, no floor undercut."""

    weights: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]
    floors: tuple[Floor, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The kinds of the best choice, each with the members placed, and `counts` of them by host."""

    kinds: list[Kind]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether a question is settled, and the best choice: None if none keeps the floors, or none was found.

    `at_most` is proven: no choice that keeps the floors is worth more; None where nothing was proven.
    """

    settled: bool
    chosen: Chosen | None = None
    at_most: int | None = None


class Chooser:
    """Chooses among the same kinds again and again; what was cut off once stays cut off."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        room: Room,
        decide: Callable[[Instance], Outcome],
        cutter: Callable[[Instance], Cutter] = Cutter,
    ) -> None:
        self.calls = 0
        """How often CP-SAT was asked."""
        self._kinds = kinds
        self._room = room
        self._decide = decide
        question, items = merged(kinds, room)
        self._item_at = {member: i for i, item in enumerate(items) for member in item.members}
        self._item_of = [self._item_at[kind.members[0]] for kind in kinds]
        self._items = len(items)
        self._cutter = cutter(question)
        self._cuts: list[Cut] = []
        self._excluded: list[tuple[int, ...]] = []
        """Numbers of items; nothing that has at least so many of each fits."""

    def best(self, wanted: Wanted, deadline: Deadline) -> Choice:
        """Return the best choice, as far as the time goes; each round proves less to be possible."""
        at_most: int | None = None
        for _ in range(ROUNDS_TOP):
            if deadline.passed():
                break
            verdict, numbers = self._ask(wanted, deadline)
            if verdict == "infeasible":
                return Choice(True)
            if verdict != "optimal" or numbers is None:
                break
            at_most = sum(w * n for w, n in zip(wanted.weights, numbers, strict=True))
            chosen, refuted = self._place(numbers, deadline)
            if not refuted:
                return Choice(chosen is not None, chosen, at_most)
        return Choice(False, None, at_most)

    def _ask(self, wanted: Wanted, deadline: Deadline) -> tuple[solver.Verdict, tuple[int, ...] | None]:
        self.calls += 1
        tops = [highest for _, highest in wanted.ranges]
        rows = [_at_least(floor, tops) for floor in wanted.floors]
        rows += [Row(self._terms(cut.prices), 0, cut.worth) for cut in self._cuts]
        clauses = [self._fewer(numbers) for numbers in self._excluded]
        return solver.choose(wanted.ranges, wanted.weights, rows, clauses, deadline)

    def _terms(self, prices: Sequence[int]) -> tuple[tuple[int, int], ...]:
        return tuple((kind, prices[item]) for kind, item in enumerate(self._item_of) if prices[item])

    def _fewer(self, numbers: Sequence[int]) -> list[Row]:
        """Return the rows of which one holds where not all of `numbers` are reached."""
        return [
            Row(tuple((kind, 1) for kind, of in enumerate(self._item_of) if of == item), 0, number - 1)
            for item, number in enumerate(numbers)
            if number
        ]

    def _place(self, numbers: Sequence[int], deadline: Deadline) -> tuple[Chosen | None, bool]:
        """Return the choice with its places, None if none was found, and whether it is refuted."""
        demand = [0] * self._items
        for item, number in zip(self._item_of, numbers, strict=True):
            demand[item] += number
        cut = self._cutter.cut(demand, deadline)
        if cut is not None:
            self._cuts.append(cut)
            return None, True
        chosen = [Kind(k.wish, k.members[:n]) for k, n in zip(self._kinds, numbers, strict=True) if n]
        instance, joined = merged(chosen, self._room)
        outcome = self._decide(instance)
        if isinstance(outcome, Packed):
            return Chosen(joined, outcome.counts), False
        if isinstance(outcome, Refuted):
            self._learn(demand, joined, outcome)
            return None, True
        return None, False

    def _learn(self, demand: Sequence[int], joined: Sequence[Kind], refuted: Refuted) -> None:
        """Exclude `demand`: by the leaf's prices if they hold for all choices, else its priced items."""
        prices = [int(refuted.prices is None and number > 0) for number in demand]
        for kind, price in zip(joined, refuted.prices or (), strict=refuted.prices is not None):
            prices[self._item_at[kind.members[0]]] = price
        cut = self._cutter.at(prices) if refuted.prices is not None else None
        if cut is not None and cut.excludes(demand):
            self._cuts.append(cut)
        else:
            self._excluded.append(tuple(n if price else 0 for n, price in zip(demand, prices, strict=True)))


def _at_least(floor: Floor, tops: Sequence[int]) -> Row:
    most = sum(weight * top for weight, top in zip(floor.weights, tops, strict=True))
    return Row(tuple((i, weight) for i, weight in enumerate(floor.weights) if weight), floor.at_least, most)
