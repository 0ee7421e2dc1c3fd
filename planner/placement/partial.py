"""The best part of too much: stage by stage, each stage's result a floor of the next.

Stages: the number of VMs placed of each protected turn, in order; the memory of the protected ones; beside
these, the number of each best-effort turn. Each is a choice of numbers (`choice`) that mostly takes a few
milliseconds; what stays open there is one CP-SAT run that starts from the best placement so far. A stage that
was not proved best keeps what it reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd

from hacore.clock import Deadline
from planner.placement import solver
from planner.placement.choice import Chooser, Wanted
from planner.placement.packing import Instance, Outcome
from planner.placement.settle import fill
from planner.placement.solver import Floor
from planner.placement.spread import NOWHERE, Room
from planner.placement.units import in_units
from planner.placement.wishes import Kind, Wish, assigned, counted, instance_of, kinds_of

CHOICE_SHARE = 3 / 4
"""Of a stage's time: what a choice does not settle, CP-SAT hardly ever proves, but may better."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What no placement exceeds that is best in all stages before: VMs of a turn, or bytes (`turn` None)."""

    turn: int | None
    at_most: int


@dataclass(frozen=True, slots=True)
class Part:
    """A placement; whether it is proved best for the protected VMs, for all; how often CP-SAT was asked.

    `ceilings`: one for each protected stage, in order.
    """

    to: list[int]
    proven: bool
    all_proven: bool
    calls: int
    ceilings: tuple[Ceiling, ...]


@dataclass(frozen=True, slots=True)
class _Stage:
    """What is to be made greatest: Σ weights · placed of each kind, `unit` bytes or 1.

    `turn` None: the memory.
    """

    weights: tuple[int, ...]
    unit: int
    whole: int
    protected: bool
    turn: int | None

    def concerns(self, wish: Wish) -> bool:
        """Tell whether a VM may be placed in this stage: it is of this or an earlier one."""
        if self.turn is None:
            return wish.protected
        return wish.turn <= self.turn


def best_part(
    wishes: Sequence[Wish],
    start: list[int],
    room: Room,
    deadline: Deadline,
    decide: Callable[[Instance], Outcome],
    *,
    numbers_only: bool = False,
) -> Part:
    """Better `start` (any placement that fits) stage by stage; `decide` answers leaves.

    With `numbers_only` only the numbers of protected VMs count.
    """
    climb = _Climb(wishes, start, room, deadline, decide)
    stages = [s for s in _stages(climb.kinds) if not numbers_only or (s.protected and s.turn is not None)]
    return climb.run(stages)


class _Climb:
    """The best placement so far and what it must not fall below."""

    def __init__(
        self,
        wishes: Sequence[Wish],
        start: list[int],
        room: Room,
        deadline: Deadline,
        decide: Callable[[Instance], Outcome],
    ) -> None:
        self.wishes = wishes
        self.to = start
        self.room = room
        self.deadline = deadline
        self.kinds = kinds_of(wishes)
        self.chooser = Chooser(self.kinds, room, decide)
        self.floors: list[Floor] = []
        self.ceilings: list[Ceiling] = []
        self.calls = 0

    def run(self, stages: Sequence[_Stage]) -> Part:
        """Go through the stages."""
        proven = all_proven = True
        for i, stage in enumerate(stages):
            deadline = _share(self.deadline, len(stages) - i)
            brief = deadline.part(CHOICE_SHARE)
            done, at_most = self._by_choice(stage, brief)
            done = done or self._by_cp_sat(stage, deadline)
            if stage.protected:
                most = self._value(stage) if done else at_most
                self.ceilings.append(Ceiling(stage.turn, most * stage.unit))
            proven = proven and (done or not stage.protected)
            all_proven = all_proven and done
            self.floors.append(Floor(stage.weights, self._value(stage)))
        return Part(self.to, proven, all_proven, self.calls + self.chooser.calls, tuple(self.ceilings))

    def _value(self, stage: _Stage) -> int:
        return _value(stage, self.kinds, self.to)

    def _by_choice(self, stage: _Stage, deadline: Deadline) -> tuple[bool, int]:
        """Choose better numbers than those placed if there are any.

        Return whether that is settled, and what the stage is proven not to exceed.
        """
        if self._value(stage) == stage.whole:
            return True, stage.whole
        better = Floor(stage.weights, self._value(stage) + 1)
        ranges = tuple(self._range(stage, kind) for kind in self.kinds)
        choice = self.chooser.best(Wanted(stage.weights, ranges, (*self.floors, better)), deadline)
        if choice.chosen is not None:
            self.to = assigned(choice.chosen.kinds, choice.chosen.counts, len(self.wishes))
            fill(self.wishes, self.to, self.room)
        return choice.settled, stage.whole if choice.at_most is None else choice.at_most

    def _range(self, stage: _Stage, kind: Kind) -> tuple[int, int]:
        """Return how many of a kind may be chosen, at least and at most.

        Best-effort VMs come after the choice among the protected ones, which therefore stays as it is.
        """
        if kind.wish.protected and not stage.protected:
            placed = sum(self.to[member] != NOWHERE for member in kind.members)
            return placed, placed
        return 0, len(kind.members) if stage.concerns(kind.wish) else 0

    def _by_cp_sat(self, stage: _Stage, deadline: Deadline) -> bool:
        """Ask CP-SAT for the best of this stage; tell whether it proved it."""
        if deadline.passed():
            return False
        self.calls += 1
        answer = solver.assign(
            in_units(instance_of(self.kinds, self.room)),
            deadline,
            weights=stage.weights,
            floors=self.floors,
            hint=counted(self.kinds, self.to, len(self.room.free_bytes)),
        )
        if answer.counts is not None:
            found = assigned(self.kinds, answer.counts, len(self.wishes))
            if _value(stage, self.kinds, found) > self._value(stage):
                self.to = found
        return answer.verdict == "optimal"


def _stages(kinds: Sequence[Kind]) -> Iterator[_Stage]:
    for turn in sorted({k.wish.turn for k in kinds if k.wish.protected}):
        yield _stage(kinds, [int(k.wish.turn == turn) for k in kinds], protected=True, turn=turn)
    needs = [k.wish.piece.need_bytes if k.wish.protected else 0 for k in kinds]
    unit = gcd(*needs) or 1
    yield _stage(kinds, [need // unit for need in needs], protected=True, turn=None, unit=unit)
    for turn in sorted({k.wish.turn for k in kinds if not k.wish.protected}):
        yield _stage(kinds, [int(k.wish.turn == turn) for k in kinds], protected=False, turn=turn)


def _stage(
    kinds: Sequence[Kind], weights: Sequence[int], *, protected: bool, turn: int | None, unit: int = 1
) -> _Stage:
    whole = sum(weight * len(kind.members) for weight, kind in zip(weights, kinds, strict=True))
    return _Stage(tuple(weights), unit, whole, protected, turn)


def _value(stage: _Stage, kinds: Sequence[Kind], to: Sequence[int]) -> int:
    pairs = zip(stage.weights, kinds, strict=True)
    return sum(
        weight * sum(to[member] != NOWHERE for member in kind.members) for weight, kind in pairs if weight
    )


def _share(deadline: Deadline, stages_left: int) -> Deadline:
    """Return a deadline that leaves half of what is left to the stages that follow this one."""
    return deadline if stages_left == 1 else deadline.part(1 / 2)
