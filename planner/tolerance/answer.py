"""The tolerance of a pool: what is said, and with which proof (DESIGN §5.3).

Puts the parts together: closed bounds, search, quorum cap, the trivial answers, failure domains. Decides no
packing itself, and never says more than one of the proofs does.
"""

from __future__ import annotations

from hacore.clock import Clock, Deadline, Stopwatch
from planner.model import Pool
from planner.placement.problem import Problem, problem_of
from planner.results import Bounds, SolverUse, Tolerance, Witness
from planner.tolerance import sequential
from planner.tolerance.counts import count
from planner.tolerance.domains import domain_bounds
from planner.tolerance.simultaneous import capped, simultaneous_bounds


def tolerance(
    pool: Pool,
    *,
    target: int | None = None,
    limit_seconds: float = 10.0,
    clock: Clock,
    follow_orders: bool = False,
) -> Tolerance:
    """Return the proven bounds of a pool's tolerance; after `limit_seconds` they may still differ.

    `target` None: the pool's own. With `follow_orders` the sequential figure is searched as well, in the time
    that the others leave; without it comes from closed forms, which often leave a gap, in a millisecond.
    """
    watch = Stopwatch.start(clock)
    deadline = Deadline.after(clock, limit_seconds)
    problem = problem_of(pool)
    if problem.vms and problem.hosts:
        simultaneous, after_another, use = _both(problem, deadline, follow_orders)
    else:
        simultaneous = after_another = trivial(problem)
        use = SolverUse()
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
        elapsed_seconds=watch.seconds(),
    )


def trivial(problem: Problem) -> Bounds:
    """Return the answer of a pool where nothing is protected, or where no host is in service."""
    if problem.vms:
        return Bounds(-1, -1, "trivial", Witness((), problem.vms[:1], "down"))
    return capped(len(problem.hosts), problem.cap)


def _both(problem: Problem, deadline: Deadline, follow_orders: bool) -> tuple[Bounds, Bounds, SolverUse]:
    counted = count(problem)
    simultaneous, use = simultaneous_bounds(counted, problem.cap, deadline)
    after_another = sequential.bounds(counted, simultaneous, problem.cap)
    if follow_orders and not after_another.proven:
        from planner.tolerance.deeper import bettered

        after_another = bettered(problem, after_another, deadline)
    return simultaneous, after_another, use
