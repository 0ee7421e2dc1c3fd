"""Pools with vCPUs, groups and racks together, and pools that are easy but for one thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bench.answers import Answer, ask, largest_gap, median_seconds, share_proven
from bench.pools import UNEVEN, Shape, Uneven, from_shape, uneven, with_constraints
from bench.scale import Scale
from bench.table import Row, at_least, at_most
from planner.results import Bounds
from planner.tolerance.answer import tolerance

SUBJECT = "32 hosts, 1 000 VMs, vCPUs, groups, racks"
LOADS = (0.5, 0.6, 0.7, 0.8, 0.9)
LIMIT_SECONDS = {False: 10.0, True: 0.2}
"""By `quick`: what stays open costs all of it."""
LEVEL = 2
"""Failures up to which the figure is promised to be proven."""
PERCENT, MS = 1e2, 1e3


@dataclass(frozen=True, slots=True)
class Constrained:
    """One pool's answer; `settled`: whether it is proven for up to LEVEL failures, racks included."""

    load: float
    seconds: float
    exact: bool
    settled: bool


def measure(scale: Scale) -> list[Row]:
    """Return the rows of both families."""
    return [*_constrained(scale), *_uneven(scale)]


def _constrained(scale: Scale) -> Iterator[Row]:
    answers = list(_answers(scale))
    for load in sorted({answer.load for answer in answers}):
        some = [answer for answer in answers if answer.load == load]
        yield at_least(SUBJECT, f"proven for k ≤ {LEVEL}, load {load:.0%}", _settled(some), 1.0, "%", PERCENT)
        exact = sum(answer.exact for answer in some) / len(some)
        yield Row(SUBJECT, f"exact within 10 s, load {load:.0%}", f"{exact * PERCENT:.0f} %")
    slowest = max((answer.seconds for answer in answers if answer.settled), default=0.0)
    yield at_most(SUBJECT, "slowest answer", slowest, LIMIT_SECONDS[False], "s")


def _settled(answers: Sequence[Constrained]) -> float:
    return sum(answer.settled for answer in answers) / len(answers)


def _answers(scale: Scale) -> Iterator[Constrained]:
    for seed, load in islice(((seed, load) for seed in range(100) for load in LOADS), scale.count(25)):
        pool, rules = with_constraints(seed, from_shape(seed, Shape(32, 1000, load=load)))
        found = tolerance(pool, limit_seconds=LIMIT_SECONDS[scale.quick], clock=scale.clock, rules=rules)
        figures = [found.simultaneous, *found.domains.values()]
        yield Constrained(load, found.elapsed_seconds, figures[0].proven, all(map(_is_settled, figures)))


def _is_settled(bounds: Bounds) -> bool:
    return bounds.proven or bounds.lower >= LEVEL


def _uneven(scale: Scale) -> Iterator[Row]:
    for kind in UNEVEN:
        answers = list(_asked(kind, scale))
        subject = f"64 hosts, 3 500 VMs, {kind}"
        yield Row(subject, "median", f"{median_seconds(answers) * MS:.1f} ms")
        if kind == "many classes of candidate hosts":  # nothing is promised: bounds may stay apart
            yield Row(subject, "proven within 10 s", f"{share_proven(answers) * PERCENT:.0f} %")
            yield Row(subject, "largest gap", str(largest_gap(answers)))
            continue
        yield at_least(subject, "proven within 10 s", share_proven(answers), 0.9, "%", PERCENT)
        yield at_most(subject, "largest gap", largest_gap(answers), 1, "")


def _asked(kind: Uneven, scale: Scale) -> Iterator[Answer]:
    for seed in range(scale.count(10)):
        yield ask(uneven(seed, kind), scale.clock, LIMIT_SECONDS[scale.quick])
