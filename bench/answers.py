"""Asks for the tolerance of many pools and keeps what the figures are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.pools import Shape, from_shape
from hacore.clock import Clock, Stopwatch
from planner.model import Pool
from planner.placement.problem import problem_of
from planner.tolerance.answer import tolerance
from planner.tolerance.bounds import closed_form
from planner.tolerance.counts import count


@dataclass(frozen=True, slots=True)
class Answer:
    """One pool's answer, parsed pool to figure."""

    seconds: float
    lower: int
    upper: int
    solver_calls: int

    @property
    def gap(self) -> int:
        return self.upper - self.lower


def ask(pool: Pool, clock: Clock, limit_seconds: float = 10.0) -> Answer:
    """Return the answer for one pool."""
    found = tolerance(pool, limit_seconds=limit_seconds, clock=clock)
    bounds = found.simultaneous
    return Answer(found.elapsed_seconds, bounds.lower, bounds.upper, found.solver.calls)


def ask_family(shape: Shape, seeds: Iterable[int], clock: Clock, limit_seconds: float = 10.0) -> list[Answer]:
    """Return the answers for pools of one shape, each made, asked and forgotten."""
    return [ask(from_shape(seed, shape), clock, limit_seconds) for seed in seeds]


@dataclass(frozen=True, slots=True)
class Closed:
    """What the closed forms alone say of one pool, from counted VMs to bounds."""

    seconds: float
    proven: bool


def close_family(shape: Shape, seeds: Iterable[int], clock: Clock) -> list[Closed]:
    """Return what is proven without prices, search or solver for pools of one shape."""
    return [_close(from_shape(seed, shape), clock) for seed in seeds]


def _close(pool: Pool, clock: Clock) -> Closed:
    counted = count(problem_of(pool))
    watch = Stopwatch.start(clock)
    closed = closed_form(counted)
    return Closed(watch.seconds(), closed.lower == closed.upper)


def median_seconds(answers: Sequence[Answer] | Sequence[Closed]) -> float:
    return median(answer.seconds for answer in answers)


def share_proven(answers: Sequence[Answer], within_seconds: float = float("inf")) -> float:
    """Return which share of pools had their proof within so many seconds."""
    return sum(a.gap == 0 and a.seconds <= within_seconds for a in answers) / len(answers)


def largest_gap(answers: Sequence[Answer]) -> int:
    return max(answer.gap for answer in answers)


def warm_up(clock: Clock) -> None:
    """Pay once for what a running service has paid: imports, the solver's too."""
    import planner.placement.solver  # noqa: F401

    ask_family(Shape(hosts=4, vms=40), range(3), clock)
