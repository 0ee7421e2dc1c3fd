"""Explain a pool's figure: what limits it, how much of its free memory is of use, why xapi says otherwise."""

from __future__ import annotations

from hacore.clock import Clock, Deadline, Stopwatch
from planner.constraints.memory import applied
from planner.constraints.rules import NO_RULES, Rules
from planner.explain.difference import difference, under_rules
from planner.explain.limits import limits
from planner.explain.packable import packable
from planner.explain.result import Explanation, Fragmentation, HostRoom
from planner.model import Pool
from planner.placement.problem import Problem, problem_of
from planner.tolerance.answer import tolerance


def explain(
    pool: Pool,
    *,
    target: int | None = None,
    limit_seconds: float = 10.0,
    clock: Clock,
    rules: Rules = NO_RULES,
) -> Explanation:
    """Return the explanation of a pool's simultaneous and sequential tolerance.

    `target` None: the pool's own. `limit_seconds` bounds the whole; what is open then is called so.
    `rules`: what counts beside memory, reach and enforced groups; xapi counts none of it.
    """
    watch, deadline = Stopwatch.start(clock), Deadline.after(clock, limit_seconds)
    counted, kept = applied(pool, rules)
    answer = tolerance(counted, target=target, limit_seconds=limit_seconds / 2, clock=clock, rules=kept)
    return Explanation(
        tolerance=answer,
        limits=limits(counted, answer, deadline, kept),
        fragmentation=fragmentation(problem_of(counted, kept)),
        xapi=under_rules(pool, counted, rules, difference(counted, answer)),
        elapsed_seconds=watch.seconds(),
    )


def fragmentation(problem: Problem) -> Fragmentation:
    """Return for each host in service what the protected VMs of other hosts, and those down, can fill."""
    return Fragmentation(tuple(_room(problem, host) for host in range(len(problem.hosts))))


def _room(problem: Problem, host: int) -> HostRoom:
    vms = zip(problem.need_bytes, problem.candidates, problem.home, strict=True)
    needs = [need for need, mask, home in vms if mask >> host & 1 and home != host]
    free = problem.free_bytes[host]
    return HostRoom(problem.hosts[host], free, packable(free, needs))
