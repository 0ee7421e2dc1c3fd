"""The tolerance of a pool: what is said, and with which proof (DESIGN §5.3).

Puts the parts together: closed bounds, search, quorum cap, the trivial answers, failure domains. Decides no
packing itself, and never says more than one of the proofs does.
"""

from __future__ import annotations

from hacore.clock import Clock, Deadline, Stopwatch
from planner.constraints.memory import applied
from planner.constraints.rules import NO_RULES, Rules
from planner.model import Pool
from planner.placement.problem import Problem, problem_of
from planner.results import Bounds, SearchState, SolverUse, Tolerance, Witness
from planner.tolerance import sequential
from planner.tolerance.counts import count
from planner.tolerance.domains import domain_bounds
from planner.tolerance.simultaneous import capped, simultaneous_bounds

SIMULTANEOUS_SHARE = 0.6
SEQUENTIAL_SHARE = 0.5
"""Of the time left, where hosts have more than memory; the rest is for failure domains."""


def tolerance(
    pool: Pool,
    *,
    target: int | None = None,
    limit_seconds: float = 10.0,
    clock: Clock,
    long_orders: bool = False,
    rules: Rules = NO_RULES,
) -> Tolerance:
    """Return the proven bounds of a pool's tolerance; after `limit_seconds` they may still differ.

    The one way to a figure: commands, service and what-if all ask here, so that a pool has the same figures
    wherever they stand. `target` None: the pool's own. With `long_orders` the sequential figure of a large
    pool is searched for as long as time is left; without, some 0.1 s is spent on it and a gap may stay.
    `rules`: what counts beside memory, reach and enforced groups.
    """
    watch = Stopwatch.start(clock)
    deadline = Deadline.after(clock, limit_seconds)
    pool, rules = applied(pool, rules)
    problem = problem_of(pool, rules)
    if problem.vms and problem.hosts:
        simultaneous, after_another, use, searched = _both(problem, deadline, long_orders)
    else:
        simultaneous = after_another = trivial(problem)
        use, searched = SolverUse(), "not_needed"
    return Tolerance(
        pool_uuid=pool.uuid,
        pool_name=pool.name,
        hosts=len(problem.hosts),
        protected_vms=len(pool.protected_vms),
        target=pool.target if target is None else target,
        simultaneous=simultaneous,
        sequential=after_another,
        domains=domain_bounds(pool, problem, deadline),
        solver=use,
        sequential_search=searched,
        elapsed_seconds=watch.seconds(),
    )


def trivial(problem: Problem) -> Bounds:
    """Return the answer of a pool where nothing is protected, or where no host is in service."""
    if problem.vms:
        return Bounds(-1, -1, "trivial", Witness((), problem.vms[:1], "down"))
    return capped(len(problem.hosts), problem.cap)


def _both(
    problem: Problem, deadline: Deadline, long_orders: bool
) -> tuple[Bounds, Bounds, SolverUse, SearchState]:
    counted = count(problem)
    whole = deadline
    if problem.resources:  # what these leave open may take any time: the other figures need some, too
        deadline = whole.part(SIMULTANEOUS_SHARE)
    simultaneous, use = simultaneous_bounds(counted, problem.cap, deadline)
    if problem.resources:
        deadline = whole.part(SEQUENTIAL_SHARE)
    after_another = sequential.bounds(counted, simultaneous, problem.cap, deadline)
    if after_another.proven:
        return simultaneous, after_another, use, "not_needed"
    from planner.tolerance.deeper import bettered

    found = bettered(problem, after_another, deadline, long_orders=long_orders)
    if found.proven:
        return simultaneous, found, use, "settled"
    return simultaneous, found, use, "limit_reached" if deadline.passed() else "as_asked"
