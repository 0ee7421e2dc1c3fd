"""What the service knows of one pool at one moment, and how each thing that happens changes it.

Values are frozen and the transitions pure: threads hand one `PoolState` to the next, scrapes and pages read
whichever is the newest. "Seconds" of moments are since the Unix epoch. Must never plan, wait or read a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from exporter.facts import Facts
from planner.constraints.rules import NO_RULES, Rules
from planner.inventory.snapshot import Snapshot
from planner.model import Pool
from planner.results import Headroom, SolverUse, Span, Tolerance
from planner.schedule.prediction import RecoveryTime


@dataclass(frozen=True, slots=True)
class HostLoss:
    """Protected VMs that would not restart if one host failed; not proven: at most so many."""

    unplaced_vms: int
    proven: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What one planning found out, and about which look at the pool."""

    snapshot: Snapshot
    tolerance: Tolerance
    host_losses: Mapping[str, HostLoss]
    """By host UUID; the hosts in service, less those for which there was no time yet."""
    planned_at_seconds: float
    duration_seconds: float
    headroom: Headroom | None = None
    """What can still start with the target kept; None: not worked out yet."""
    packable: Span | None = None
    """What of all free memory protected VMs of other hosts could fill, in bytes; comes with the headroom."""
    recoveries: Mapping[str, RecoveryTime] = field(default_factory=dict)
    """How long the failure of each host in service would last, by UUID; one after the other."""
    recovering_seconds: float = 0.0
    """What has been spent on them."""
    recoveries_given_up: bool = False
    """That was all the time they get; the others stay open."""
    thorough: bool = False
    """The operator's limit has been spent on tolerance and losses."""
    given_up: bool = False
    """Working on them broke off; they stay as they are."""
    solver: SolverUse = field(default_factory=SolverUse)
    """What this planning asked of the solver; the tolerance may be the one of an earlier planning."""

    @property
    def complete(self) -> bool:
        """Tell whether every host in service has at least a bound."""
        return len(self.host_losses) == len(self.snapshot.pool.hosts_in_service)

    @property
    def settled(self) -> bool:
        """Tell whether more time would say no more of tolerance and losses, or has been spent already."""
        exact = self.complete and all(loss.proven for loss in self.host_losses.values())
        return self.thorough or (exact and not self.tolerance.unfinished)

    @property
    def final(self) -> bool:
        """Tell whether no more time will be spent on this look."""
        timed = self.recoveries_given_up or len(self.recoveries) == len(self.snapshot.pool.hosts_in_service)
        return self.given_up or (self.settled and self.headroom is not None and timed)


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened since the process started; never falls."""

    snapshots: int = 0
    plans: int = 0
    plan_failures: int = 0
    plan_seconds: float = 0.0
    solver_calls: int = 0
    solver_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PoolState:
    """One watched pool. `snapshot` is the newest look, `figures` may still speak of an older one."""

    source: str
    """The SOURCE as the operator wrote it; carries no password."""
    rules: Rules = NO_RULES
    """What the operator has counted in all figures of the pool."""
    recovery_objective_seconds: float | None = None
    """How long a host failure may last by the operator's word; None: there is none."""
    up: bool = False
    problem: str = ""
    """Why the source does not answer: one line; empty while it does or has not been asked yet."""
    snapshot: Snapshot | None = None
    facts: Facts | None = None
    """What can be counted in the snapshot's pool."""
    seen_at_seconds: float | None = None
    """When the source last showed the pool."""
    figures: Figures | None = None
    plan_problem: str = ""
    """Why the last planning broke off: one line; empty if it did not."""
    pending_since_seconds: float | None = None
    """When the first change arrived that no planning has taken up yet."""
    planning_since_seconds: float | None = None
    """When the first change arrived that the running planning is about."""
    duplicate_of: str = ""
    """Another SOURCE that serves the same pool; this one is then not shown."""
    counts: Counts = field(default_factory=Counts)

    @property
    def pool(self) -> Pool | None:
        """Return the pool as last seen."""
        return self.snapshot.pool if self.snapshot else None

    @property
    def pool_uuid(self) -> str:
        """Return the pool's UUID; empty while it is not known or another source serves it."""
        return "" if self.snapshot is None or self.duplicate_of else self.snapshot.pool.uuid

    @property
    def settled(self) -> bool:
        """Tell whether there is a first answer: figures, or the reason why there are none."""
        return bool(self.figures or self.problem or self.plan_problem or self.duplicate_of)

    def lag_seconds(self, now_seconds: float) -> float:
        """Return for how long the figures have lagged behind the newest look; 0 if they do not."""
        since = self.planning_since_seconds
        if since is None:
            since = self.pending_since_seconds
        return 0.0 if since is None else max(0.0, now_seconds - since)

    def age_seconds(self, now_seconds: float) -> float | None:
        """Return how long ago the pool was last seen; None if it never was."""
        return None if self.seen_at_seconds is None else max(0.0, now_seconds - self.seen_at_seconds)


def seen(state: PoolState, snapshot: Snapshot, now_seconds: float) -> PoolState:
    """Return the state after a look at the pool; one that shows nothing new asks for no planning."""
    counts = replace(state.counts, snapshots=state.counts.snapshots + 1)
    answered = replace(state, up=True, problem="", seen_at_seconds=now_seconds, counts=counts)
    if snapshot == state.snapshot:
        return answered
    pending = state.pending_since_seconds if state.pending_since_seconds is not None else now_seconds
    return replace(
        answered,
        snapshot=snapshot,
        facts=Facts(snapshot.pool),
        figures=_of_the_same_pool(state.figures, snapshot),
        pending_since_seconds=pending,
    )


def _of_the_same_pool(figures: Figures | None, snapshot: Snapshot | None) -> Figures | None:
    """Drop figures of another pool: a file may be replaced by one that holds another."""
    if figures is None or snapshot is None or figures.snapshot.pool.uuid != snapshot.pool.uuid:
        return None
    return figures


def lost(state: PoolState, problem: str) -> PoolState:
    """Return the state after the source stopped answering: everything known stays."""
    return replace(state, up=False, problem=problem or "the source does not answer")


def planning(state: PoolState) -> PoolState:
    """Return the state when a planning takes up the newest look."""
    since = state.planning_since_seconds
    if since is None:
        since = state.pending_since_seconds
    return replace(state, pending_since_seconds=None, planning_since_seconds=since)


def planned(state: PoolState, figures: Figures) -> PoolState:
    """Return the state after a planning ended with a result."""
    counts = _counted(state.counts, figures.duration_seconds, figures.solver)
    shown = _of_the_same_pool(figures, state.snapshot)
    return replace(state, figures=shown, plan_problem="", planning_since_seconds=None, counts=counts)


def refined(state: PoolState, figures: Figures) -> PoolState:
    """Return the state after more time was spent on the same look; a result about an older one is dropped."""
    counts = _counted(state.counts, figures.duration_seconds, figures.solver)
    return replace(state, figures=_unless_outdated(state, figures), counts=counts)


def completed(state: PoolState, figures: Figures) -> PoolState:
    """Return the state after headroom or recoveries came to the same figures: no planning of its own."""
    return replace(state, figures=_unless_outdated(state, figures))


def plan_failed(state: PoolState, problem: str) -> PoolState:
    """Return the state after a planning broke off: the last figures stay, and with them the lag."""
    counts = replace(state.counts, plan_failures=state.counts.plan_failures + 1)
    return replace(state, plan_problem=problem, counts=counts)


def refining_failed(state: PoolState, figures: Figures, problem: str) -> PoolState:
    """Return the state after more time on `figures` broke off: they stay, and are not tried again."""
    spent = replace(figures, given_up=True)
    return replace(plan_failed(state, problem), figures=_unless_outdated(state, spent))


def _unless_outdated(state: PoolState, figures: Figures) -> Figures | None:
    current = state.figures is not None and state.figures.snapshot is figures.snapshot
    return figures if current else state.figures


def _counted(counts: Counts, seconds: float, solver: SolverUse) -> Counts:
    return replace(
        counts,
        plans=counts.plans + 1,
        plan_seconds=counts.plan_seconds + seconds,
        solver_calls=counts.solver_calls + solver.calls,
        solver_seconds=counts.solver_seconds + solver.seconds,
    )


def with_duplicates(states: Sequence[PoolState]) -> tuple[PoolState, ...]:
    """Return the states in the same order; of several sources of one pool only the first keeps it."""
    owners: dict[str, str] = {}
    told = []
    for state in states:
        uuid = state.snapshot.pool.uuid if state.snapshot else ""
        owner = owners.setdefault(uuid, state.source) if uuid else state.source
        told.append(state if owner == state.source else replace(state, duplicate_of=owner))
    return tuple(told)


def pool_of_host(states: Sequence[PoolState], host_uuid: str) -> Pool | None:
    """Return the pool shown that has a host."""
    pools = (state.pool for state in states if state.pool_uuid)
    return next((pool for pool in pools if pool and host_uuid in pool.host_by_uuid), None)
