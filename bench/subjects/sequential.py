"""Failures one after the other: every order of two, slots for any number, and what stays open."""

from __future__ import annotations

from statistics import median

from bench.pools import pool
from bench.scale import Scale
from bench.table import Row, at_least, at_most
from hacore.clock import Clock, Deadline, Stopwatch
from planner.model import Pool
from planner.placement.problem import problem_of
from planner.tolerance.answer import tolerance
from planner.tolerance.orders import place
from planner.tolerance.reservation import reserve
from planner.tolerance.state import state_of

SUBJECT = "64 hosts, 3 500 VMs, one failure after the other"
LOADS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9)
LIMIT_SECONDS = 10.0
PERCENT = 1e2
FAMILY = 12


def measure(scale: Scale) -> list[Row]:
    """Return the rows of pools of all loads that survive two, or three, failures at once at least."""
    clock = scale.clock
    asked = [pool(20_000 + seed, load=LOADS[seed % len(LOADS)]) for seed in range(scale.count(FAMILY))]
    survived = [(tolerance(each, clock=clock).simultaneous.lower, each) for each in asked]
    two = [each for lower, each in survived if lower >= 2]
    three = [each for lower, each in survived if lower >= 3]
    return [
        *_orders(two, 2, 1.0, clock),
        *_orders(three, 3, LIMIT_SECONDS, clock),
        *_slots(two, clock),
        *_figures(two, clock),
    ]


def _orders(asked: list[Pool], failures: int, most_seconds: float, clock: Clock) -> list[Row]:
    times, proven = [], 0
    for each in asked:
        watch = Stopwatch.start(clock)
        answer = place(state_of(problem_of(each)), failures, Deadline.after(clock, LIMIT_SECONDS))
        times.append(watch.seconds())
        proven += answer is not None
    return [
        at_most(
            SUBJECT, f"every order of {failures}: slowest of {len(times)}", max(times), most_seconds, "s"
        ),
        at_least(SUBJECT, f"every order of {failures}: settled", proven / len(times), 1.0, "%", PERCENT),
    ]


def _slots(asked: list[Pool], clock: Clock) -> list[Row]:
    """Ask for slots for half the failures that are survived at once: any number costs the same."""
    times, found = [], 0
    for each in asked:
        failures = tolerance(each, clock=clock).simultaneous.lower // 2
        watch = Stopwatch.start(clock)
        found += reserve(problem_of(each), failures, Deadline.after(clock, LIMIT_SECONDS)) is not None
        times.append(watch.seconds())
    return [
        at_most(SUBJECT, "slots for half the simultaneous figure: slowest", max(times), LIMIT_SECONDS, "s"),
        Row(SUBJECT, "slots for half the simultaneous figure: found", f"{found / len(times):.0%}"),
    ]


def _figures(asked: list[Pool], clock: Clock) -> list[Row]:
    answers = [tolerance(each, limit_seconds=LIMIT_SECONDS, clock=clock, long_orders=True) for each in asked]
    figures = [answer.sequential for answer in answers]
    shares = [each.lower / each.upper for each in figures]
    return [
        Row(SUBJECT, "figure proven within 10 s", f"{sum(f.proven for f in figures) / len(figures):.0%}"),
        Row(SUBJECT, "lower bound, share of the upper: median", f"{median(shares):.0%}"),
        Row(SUBJECT, "largest gap", str(max(f.upper - f.lower for f in figures))),
        Row(SUBJECT, "slowest answer", f"{max(answer.elapsed_seconds for answer in answers):.3g} s"),
    ]
