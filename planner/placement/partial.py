"""The best part of too much: stage by stage, each stage's result a floor of the next.

Stages: the number of VMs placed of each protected turn, in order; the memory of the protected ones; beside
these, the number of each best-effort turn. If the VMs of a turn share their candidate hosts, a number of them
is reached exactly if the smallest so many fit (a smaller VM can stand in for a larger one): a question for a
leaf. Everything else is one CP-SAT run a stage that starts from the best placement so far. A stage that was
not proved best keeps what it reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd

from hacore.clock import Deadline
from planner.placement import solver
from planner.placement.packing import Instance, Outcome, Packed, Refuted
from planner.placement.settle import fill
from planner.placement.solver import Floor
from planner.placement.spread import NOWHERE, Room
from planner.placement.units import in_units
from planner.placement.wishes import Kind, Wish, assigned, counted, instance_of, kinds_of, merged

CLIMB_TOP = 8
"""Steps of one VM more by leaves before CP-SAT is asked for the number at once."""


@dataclass(frozen=True, slots=True)
class Part:
    """A placement; whether it is proved best for the protected VMs, for all; how often CP-SAT was asked."""

    to: list[int]
    proven: bool
    all_proven: bool
    calls: int


@dataclass(frozen=True, slots=True)
class _Stage:
    """What is to be made greatest: Σ weights · placed of each kind. `turn` None: the memory."""

    weights: tuple[int, ...]
    whole: int
    protected: bool
    turn: int | None


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
        self.decide = decide
        self.kinds = kinds_of(wishes)
        self.floors: list[Floor] = []
        self.calls = 0

    def run(self, stages: Sequence[_Stage]) -> Part:
        """Go through the stages."""
        proven = all_proven = True
        for i, stage in enumerate(stages):
            done = self._value(stage) == stage.whole or self._by_leaves(stage)
            done = done or self._by_cp_sat(stage, len(stages) - i)
            proven = proven and (done or not stage.protected)
            all_proven = all_proven and done
            self.floors.append(Floor(stage.weights, self._value(stage)))
        return Part(self.to, proven, all_proven, self.calls)

    def _value(self, stage: _Stage) -> int:
        return _value(stage, self.kinds, self.to)

    def _by_leaves(self, stage: _Stage) -> bool:
        """Climb in steps of one VM while so many fit; tell whether the end is proved."""
        for _ in range(CLIMB_TOP):
            chosen = self._one_more(stage)
            if chosen is None:
                return False
            instance, joined = merged(chosen, self.room)
            outcome = self.decide(instance)
            if not isinstance(outcome, Packed):
                return isinstance(outcome, Refuted)
            self.to = assigned(joined, outcome.counts, len(self.wishes))
            fill(self.wishes, self.to, self.room)
            if self._value(stage) == stage.whole:
                return True
        return False

    def _one_more(self, stage: _Stage) -> list[Kind] | None:
        """Return as many VMs of each turn up to this stage's as are placed, of its own one more.

        The smallest of a turn, or all of it: whether they fit decides for any so many. None if there are
        smaller and larger ones with different candidates to choose from. Best-effort VMs come after the
        choice among the protected ones, which therefore stays as it is.
        """
        if stage.turn is None:
            return None
        chosen: list[Kind] = []
        for turn in range(stage.turn + 1):
            kinds = [kind for kind in self.kinds if kind.wish.turn == turn]
            placed = [_placed(kind, self.to) for kind in kinds]
            if kinds and kinds[0].wish.protected != stage.protected:
                chosen += placed
                continue
            wanted = sum(len(kind.members) for kind in placed) + (turn == stage.turn)
            smallest = _smallest(kinds, wanted)
            if smallest is None:
                return None
            chosen += smallest
        return chosen

    def _by_cp_sat(self, stage: _Stage, stages_left: int) -> bool:
        """Ask CP-SAT for the best of this stage; tell whether it proved it."""
        if self.deadline.passed():
            return False
        self.calls += 1
        answer = solver.assign(
            in_units(instance_of(self.kinds, self.room)),
            _share(self.deadline, stages_left),
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
    yield _stage(kinds, [need // unit for need in needs], protected=True, turn=None)
    for turn in sorted({k.wish.turn for k in kinds if not k.wish.protected}):
        yield _stage(kinds, [int(k.wish.turn == turn) for k in kinds], protected=False, turn=turn)


def _stage(kinds: Sequence[Kind], weights: Sequence[int], *, protected: bool, turn: int | None) -> _Stage:
    whole = sum(weight * len(kind.members) for weight, kind in zip(weights, kinds, strict=True))
    return _Stage(tuple(weights), whole, protected, turn)


def _value(stage: _Stage, kinds: Sequence[Kind], to: Sequence[int]) -> int:
    pairs = zip(stage.weights, kinds, strict=True)
    return sum(
        weight * sum(to[member] != NOWHERE for member in kind.members) for weight, kind in pairs if weight
    )


def _placed(kind: Kind, to: Sequence[int]) -> Kind:
    return Kind(kind.wish, tuple(member for member in kind.members if to[member] != NOWHERE))


def _smallest(kinds: Sequence[Kind], wanted: int) -> list[Kind] | None:
    """Return the smallest `wanted` VMs of a turn (kinds by size); None if candidates make it a choice."""
    masks = {kind.wish.piece.hosts for kind in kinds}
    if len(masks) > 1 and wanted < sum(len(kind.members) for kind in kinds):
        return None
    chosen = []
    for kind in kinds:
        chosen.append(Kind(kind.wish, kind.members[:wanted]))
        wanted -= len(chosen[-1].members)
    return chosen


def _share(deadline: Deadline, stages_left: int) -> Deadline:
    """Return a deadline that leaves half of what is left to the stages that follow this one."""
    if stages_left == 1:
        return deadline
    return Deadline.after(deadline.clock, deadline.left_seconds() / 2)
