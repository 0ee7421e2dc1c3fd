"""Works out the figures of one pool: the tolerance, and what each single host failure would leave undone.

In stages. The first has less than a second and always ends with honest bounds, so that the page follows a
change at once; the others spend up to the operator's limit on what it left open, then on headroom, then on
a plan for the failure of each host. Must never hold state: a snapshot goes in, figures come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from exporter.questions import Answer, Question
from exporter.state import Figures, HostLoss
from hacore.clock import Clock, Deadline, Stopwatch
from planner.constraints.rules import Rules
from planner.inventory.snapshot import Snapshot
from planner.model import Pool
from planner.results import Headroom, SolverUse, Span, Tolerance
from planner.schedule.pace import Pace
from planner.schedule.prediction import RecoveryTime

QUICK_SECONDS = 0.8
"""Of the 2 s between a change and its figures (R29) 1 s may pass in coalescing; this leaves a margin."""
RECOVERY_STEP_SECONDS = 1.0
"""After so long no further host is planned for in this step: the next change is waiting, maybe."""
RECOVERY_LIMITS = 20
"""All plans for single hosts take so many times the operator's limit at most, in steps: 64 hosts take some
2 s, and 2 min at 95 % load, where looking ahead to the second further failure is long."""


class Planner(Protocol):
    """The questions that the service asks."""

    def tolerance(self, pool: Pool, *, limit_seconds: float) -> Tolerance:
        """Return the pool's tolerance."""
        ...

    def unplaced_if_failed(self, pool: Pool, host_uuid: str, *, limit_seconds: float) -> tuple[int, bool]:
        """Return how many protected VMs would not restart if the host failed, and whether that is exact."""
        ...

    def headroom(self, pool: Pool, *, limit_seconds: float) -> Headroom:
        """Return what can still start in the pool with its target kept."""
        ...

    def packable(self, pool: Pool) -> Span:
        """Return how much of the pool's free memory protected VMs of other hosts could fill, in bytes."""
        ...

    def recovery_if_failed(self, pool: Pool, host_uuid: str, *, limit_seconds: float) -> RecoveryTime:
        """Return when all protected VMs serve again if the host fails, by the plan for that failure."""
        ...

    def ask(self, question: Question, pool: Pool, *, limit_seconds: float) -> Answer:
        """Return the answer to what somebody asks; raise InputError if it makes no sense for the pool."""
        ...

    def under(self, rules: Rules, pace: Pace) -> Planner:
        """Return a planner of a pool of its own, with an operator's rules and times counted."""
        ...


def quick_figures(snapshot: Snapshot, planner: Planner, clock: Clock) -> Figures:
    """Return figures within about `QUICK_SECONDS`: exact where that is enough, honest bounds elsewhere.

    Hosts for which no time was left are missing from `host_losses`.
    """
    watch, deadline = Stopwatch.start(clock), Deadline.after(clock, QUICK_SECONDS)
    tolerance = planner.tolerance(snapshot.pool, limit_seconds=QUICK_SECONDS / 2)
    losses = _none_if_survived(snapshot.pool, tolerance) or _bounded(snapshot.pool, {}, planner, deadline)
    return Figures(
        snapshot, tolerance, losses, clock.wall_seconds(), watch.seconds(), solver=tolerance.solver
    )


def better_figures(known: Figures, planner: Planner, clock: Clock, *, limit_seconds: float) -> Figures:
    """Return better figures of the same look: first every host gets a count, then all is made exact.

    `limit_seconds` is spent at most on a step, and in the last one on the tolerance and on the hosts each.
    """
    if known.complete:
        return _thorough(known, planner, clock, limit_seconds)
    watch, deadline = Stopwatch.start(clock), Deadline.after(clock, limit_seconds)
    losses = _bounded(known.snapshot.pool, known.host_losses, planner, deadline)
    return replace(
        known,
        host_losses=losses,
        planned_at_seconds=clock.wall_seconds(),
        duration_seconds=watch.seconds(),
        thorough=deadline.passed(),
        solver=SolverUse(),
    )


def with_headroom(known: Figures, planner: Planner, *, limit_seconds: float) -> Figures:
    """Return the figures with what can still start and what free memory is of use: asked for last."""
    pool = known.snapshot.pool
    room = planner.headroom(pool, limit_seconds=limit_seconds)
    return replace(known, headroom=room, packable=planner.packable(pool))


def with_recoveries(known: Figures, planner: Planner, clock: Clock, *, limit_seconds: float) -> Figures:
    """Return the figures with how long the failures of more hosts would last, by the plans for them.

    One host at least, others while the step lasts; `limit_seconds` is that of a single plan. Of hosts for
    which the time of all steps did not suffice nothing is said.
    """
    watch, step = Stopwatch.start(clock), Deadline.after(clock, RECOVERY_STEP_SECONDS)
    pool, times = known.snapshot.pool, dict(known.recoveries)
    budget_seconds = RECOVERY_LIMITS * limit_seconds - known.recovering_seconds
    for host in [host.uuid for host in pool.hosts_in_service if host.uuid not in times]:
        left_seconds = budget_seconds - watch.seconds()
        if left_seconds <= 0 or (len(times) > len(known.recoveries) and step.passed()):
            break
        within_seconds = min(limit_seconds, left_seconds)
        times[host] = planner.recovery_if_failed(pool, host, limit_seconds=within_seconds)
    spent_seconds = watch.seconds()
    return replace(
        known,
        recoveries=times,
        recovering_seconds=known.recovering_seconds + spent_seconds,
        recoveries_given_up=spent_seconds >= budget_seconds,
    )


def _thorough(known: Figures, planner: Planner, clock: Clock, limit_seconds: float) -> Figures:
    watch, pool = Stopwatch.start(clock), known.snapshot.pool
    tolerance, use = known.tolerance, SolverUse()
    if tolerance.unfinished:
        tolerance = planner.tolerance(pool, limit_seconds=limit_seconds)
        use = tolerance.solver
    losses = _none_if_survived(pool, tolerance)
    if losses is None:
        losses = _proven(pool, known.host_losses, planner, Deadline.after(clock, limit_seconds))
    return replace(
        known,
        tolerance=tolerance,
        host_losses=losses,
        planned_at_seconds=clock.wall_seconds(),
        duration_seconds=watch.seconds(),
        thorough=True,
        solver=use,
    )


def _none_if_survived(pool: Pool, tolerance: Tolerance) -> dict[str, HostLoss] | None:
    """Return the losses of a pool that survives any single failure; None for another one."""
    if tolerance.simultaneous.lower < 1:
        return None
    return {host.uuid: HostLoss(0, True) for host in pool.hosts_in_service}


def _bounded(
    pool: Pool, known: Mapping[str, HostLoss], planner: Planner, deadline: Deadline
) -> dict[str, HostLoss]:
    """Return the losses with a count, proven or not, for each host without one, as far as time goes."""
    losses = dict(known)
    for host in pool.hosts_in_service:
        if host.uuid not in losses and not deadline.passed():
            losses[host.uuid] = HostLoss(*planner.unplaced_if_failed(pool, host.uuid, limit_seconds=0.0))
    return losses


def _proven(
    pool: Pool, known: Mapping[str, HostLoss], planner: Planner, deadline: Deadline
) -> dict[str, HostLoss]:
    """Return the losses made exact, as far as the time goes."""
    losses = dict(known)
    for host, loss in known.items():
        left_seconds = deadline.left_seconds()
        if not loss.proven and left_seconds > 0:
            losses[host] = HostLoss(*planner.unplaced_if_failed(pool, host, limit_seconds=left_seconds))
    return losses
