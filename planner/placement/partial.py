"""The best part of too much: stage by stage, each stage's result a floor of the next.

Stages: the number of VMs placed of each protected turn, in order; the memory of the protected ones; the
number of each best-effort turn. Each is one CP-SAT run that starts from the best placement so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd

from hacore.clock import Deadline
from planner.placement import solver
from planner.placement.solver import Counts, Floor
from planner.placement.spread import Room
from planner.placement.units import in_units
from planner.placement.wishes import Kind, instance_of


@dataclass(frozen=True, slots=True)
class Part:
    """The best counts found (one row a kind); whether they are proven best for protected VMs, and for all."""

    counts: Counts
    proven: bool
    all_proven: bool
    calls: int


@dataclass(frozen=True, slots=True)
class _Stage:
    weights: tuple[int, ...]
    protected: bool
    """Whether it decides about protected VMs."""


def best_part(kinds: Sequence[Kind], start: Counts, room: Room, deadline: Deadline) -> Part:
    """Better `start` (any placement that fits) stage by stage; what a stage reached is never given up."""
    instance = in_units(instance_of(kinds, room))
    counts, proven, all_proven, calls = start, True, True, 0
    floors: list[Floor] = []
    stages = list(_stages(kinds))
    for i, stage in enumerate(stages):
        reached = _value(stage, counts)
        if reached < sum(w * k for w, k in zip(stage.weights, _sizes(kinds), strict=True)):
            calls += 1
            share = _share(deadline, len(stages) - i)
            answer = solver.assign(instance, share, weights=stage.weights, floors=floors, hint=counts)
            done = answer.verdict == "optimal"
            proven, all_proven = proven and (done or not stage.protected), all_proven and done
            if answer.counts is not None and _value(stage, answer.counts) > reached:
                counts = answer.counts
        floors.append(Floor(stage.weights, _value(stage, counts)))
    return Part(counts, proven, all_proven, calls)


def _sizes(kinds: Sequence[Kind]) -> list[int]:
    return [len(kind.members) for kind in kinds]


def _stages(kinds: Sequence[Kind]) -> Iterator[_Stage]:
    for turn in sorted({k.wish.turn for k in kinds if k.wish.protected}):
        yield _Stage(tuple(int(k.wish.turn == turn) for k in kinds), True)
    needs = [k.wish.piece.need_bytes if k.wish.protected else 0 for k in kinds]
    unit = gcd(*needs) or 1
    yield _Stage(tuple(need // unit for need in needs), True)
    for turn in sorted({k.wish.turn for k in kinds if not k.wish.protected}):
        yield _Stage(tuple(int(k.wish.turn == turn) for k in kinds), False)


def _value(stage: _Stage, counts: Counts) -> int:
    return sum(weight * sum(row) for weight, row in zip(stage.weights, counts, strict=True))


def _share(deadline: Deadline, stages_left: int) -> Deadline:
    """Return a deadline that leaves half of what is left to the stages that follow this one."""
    if stages_left == 1:
        return deadline
    return Deadline.after(deadline.clock, deadline.left_seconds() / 2)
