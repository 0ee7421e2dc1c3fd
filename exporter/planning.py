"""Works out the figures of one pool: the tolerance, and what each single host failure would leave undone.

Two stages. The quick one has less than a second and always ends with honest bounds, so that the page follows
a change at once; the thorough one spends the operator's limit on what the quick one left open. Must never
hold state: a snapshot goes in, figures come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from exporter.state import Figures, HostLoss
from hacore.clock import Clock, Deadline, Stopwatch
from planner.inventory.snapshot import Snapshot
from planner.model import Pool
from planner.results import Plan, Tolerance

QUICK_SECONDS = 0.8
"""Of the 2 s between a change and its figures (R29) 1 s may pass in coalescing; this leaves a margin."""


class Planner(Protocol):
    """The questions that the service asks."""

    def tolerance(self, pool: Pool, *, limit_seconds: float) -> Tolerance:
        """Return the pool's tolerance."""
        ...

    def unplaced_if_failed(self, pool: Pool, host_uuid: str, *, limit_seconds: float) -> tuple[int, bool]:
        """Return how many protected VMs would not restart if the host failed, and whether that is exact."""
        ...

    def plan(self, pool: Pool, failed: Sequence[str], *, limit_seconds: float) -> Plan:
        """Return the restart plan for failed hosts; raise UnknownHostError."""
        ...


def quick_figures(snapshot: Snapshot, planner: Planner, clock: Clock) -> Figures:
    """Return figures within about `QUICK_SECONDS`: exact where that is enough, honest bounds elsewhere."""
    watch, deadline = Stopwatch.start(clock), Deadline.after(clock, QUICK_SECONDS)
    tolerance = planner.tolerance(snapshot.pool, limit_seconds=QUICK_SECONDS / 2)
    losses = _losses(snapshot.pool, tolerance, planner, deadline, known={})
    return Figures(snapshot, tolerance, losses, clock.wall_seconds(), watch.seconds())


def thorough_figures(known: Figures, planner: Planner, clock: Clock, *, limit_seconds: float) -> Figures:
    """Return better figures of the same look; what is proven already is kept.

    `limit_seconds` is spent at most on the tolerance, and once more on all hosts together.
    """
    watch, pool = Stopwatch.start(clock), known.snapshot.pool
    tolerance = known.tolerance
    if not tolerance.simultaneous.proven:
        tolerance = planner.tolerance(pool, limit_seconds=limit_seconds)
    deadline = Deadline.after(clock, limit_seconds)
    losses = _losses(pool, tolerance, planner, deadline, known=dict(known.host_losses))
    return Figures(known.snapshot, tolerance, losses, clock.wall_seconds(), watch.seconds(), thorough=True)


def _losses(
    pool: Pool, tolerance: Tolerance, planner: Planner, deadline: Deadline, *, known: dict[str, HostLoss]
) -> dict[str, HostLoss]:
    hosts = [host.uuid for host in pool.hosts_in_service]
    if tolerance.simultaneous.lower >= 1:
        return {host: HostLoss(0, True) for host in hosts}
    losses = {host: known.get(host) or _at_most(pool, host) for host in hosts}
    for host in hosts:
        if losses[host].proven:
            continue
        left_seconds = deadline.left_seconds()
        if left_seconds <= 0:
            break
        losses[host] = HostLoss(*planner.unplaced_if_failed(pool, host, limit_seconds=left_seconds))
    return losses


def _at_most(pool: Pool, host: str) -> HostLoss:
    at_stake = sum(pool.is_down(vm) or _runs_on(vm.home, vm.power_state, host) for vm in pool.protected_vms)
    return HostLoss(at_stake, proven=at_stake == 0)


def _runs_on(home: str | None, power_state: str, host: str) -> bool:
    return home == host and power_state != "Suspended"
