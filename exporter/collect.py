"""From the states of all pools to metric families: pure, fresh at each scrape.

Every family comes from `exporter.catalogue`; asking for another one is a bug. A part that breaks loses its
own series, says so in `xenha_collector_success`, and takes nothing else down.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import Metric as Family
from prometheus_client.samples import Sample

from exporter.catalogue import (
    BY_NAME,
    CATALOGUE,
    COLLECTORS,
    DAEMON_COLLECTOR,
    KINDS,
    OVERCOMMITTED_STATES,
    PRIORITIES,
    SEARCH_STATES,
    SOLVER_STATES,
    VM_SERIES_LIMIT,
)
from exporter.daemons import collect as daemon_collect
from exporter.daemons.state import DaemonState
from exporter.facts import Facts
from exporter.metric import Metric
from exporter.recovery import seconds_of, worst
from exporter.state import Figures, PoolState, pool_of_host
from planner.constraints.rules import Rules
from planner.model import VM, Pool
from planner.results import SolverUse, Tolerance

Point = tuple[str, Mapping[str, str], float]
"""One series of a scrape: metric name, labels, value."""
Part = Callable[[PoolState, float], Iterator[Point]]

ALWAYS_COUNTED_CLASSES = ("host", "VM")
"""Classes whose rejected records are shown even while there are none."""

_PARTS_OF_A_HISTOGRAM = ("_bucket", "_sum", "_count")
_OVERCOMMITTED = {True: "yes", False: "no", None: "unknown"}
_log = logging.getLogger("xenha.collect")


def families(
    states: Sequence[PoolState],
    *,
    now_seconds: float,
    version: str,
    daemons: Sequence[DaemonState] = (),
    parts: Mapping[str, Part] | None = None,
) -> list[Family]:
    """Return the metric families of a scrape in the catalogue's order, those without a series left out."""
    points: list[Point] = [("xenha_build_info", {"version": version}, 1)]
    points += (_up(state) for state in states)
    for name, part in (PARTS if parts is None else parts).items():
        worked = [_add(points, part, state, now_seconds) for state in states if state.pool_uuid]
        points.append(("xenha_collector_success", {"collector": name}, all(worked)))
    if daemons:
        worked = [_add_daemon(points, daemon, states) for daemon in daemons]
        points.append(("xenha_collector_success", {"collector": DAEMON_COLLECTOR}, all(worked)))
    return _in_families(points)


def _add(points: list[Point], part: Part, state: PoolState, now_seconds: float) -> bool:
    return _add_all(points, lambda: part(state, now_seconds), state.source)


def _add_daemon(points: list[Point], daemon: DaemonState, states: Sequence[PoolState]) -> bool:
    pool = pool_of_host(states, daemon.host_uuid)
    uuid, name = (pool.uuid, pool.name) if pool else ("", "")
    return _add_all(points, lambda: daemon_collect.points(daemon, uuid, name), daemon.socket)


def _add_all(points: list[Point], collected: Callable[[], Iterator[Point]], origin: str) -> bool:
    try:
        points += list(collected())
    except Exception:
        _log.exception("%s: a part of the scrape broke off", origin)
        return False
    return True


def _in_families(points: Sequence[Point]) -> list[Family]:
    found = {metric.name: _family(metric) for metric in CATALOGUE}
    for name, labels, value in points:
        found[_metric_of(name)].samples.append(Sample(name, dict(labels), float(value), None, None))
    return [family for family in found.values() if family.samples]


def _metric_of(name: str) -> str:
    """Return the metric that a series belongs to; a histogram has three kinds of series."""
    if name in BY_NAME:
        return name
    return next(name.removesuffix(part) for part in _PARTS_OF_A_HISTOGRAM if name.endswith(part))


def _family(metric: Metric) -> Family:
    bare = metric.name.removesuffix("_total") if metric.type == "counter" else metric.name
    bare = bare.removesuffix("_info") if metric.type == "info" else bare
    return Family(bare, metric.help, metric.type, metric.unit)


def _up(state: PoolState) -> Point:
    up = state.up and not state.duplicate_of
    return "xenha_up", {"pool": state.pool_uuid, "source": state.source}, up


def _pool(state: PoolState, _now: float) -> Iterator[Point]:
    pool, label = _pool_of(state), {"pool": state.pool_uuid}
    yield "xenha_pool_info", {**label, "name": pool.name, "master": pool.master or ""}, 1
    yield "xenha_rules_info", {**label, **_rules(state.rules)}, 1
    yield "xenha_ha_enabled", label, pool.ha_enabled
    if state.seen_at_seconds is not None:
        yield "xenha_snapshot_timestamp_seconds", label, state.seen_at_seconds
    yield "xenha_snapshots_total", label, state.counts.snapshots


def _rules(rules: Rules) -> Mapping[str, str]:
    ratio = rules.vcpus_per_core
    return {
        "vcpus_per_core": "" if ratio is None else f"{float(ratio):g}",
        "memory": rules.memory,
        "reserve_bytes": str(rules.reserve_bytes),
    }


def _hosts(state: PoolState, _now: float) -> Iterator[Point]:
    pool, facts = _pool_of(state), _facts_of(state)
    totals = dict.fromkeys(PRIORITIES, 0)
    for host in pool.hosts:
        label = {"pool": pool.uuid, "host": host.uuid}
        yield "xenha_host_info", {**label, "name": host.name}, 1
        yield "xenha_host_live", label, host.live
        yield "xenha_host_enabled", label, host.enabled
        yield "xenha_host_memory_total_bytes", label, host.memory_total_bytes
        yield "xenha_host_memory_overhead_bytes", label, host.memory_overhead_bytes
        yield "xenha_host_memory_free_bytes", label, pool.free_bytes(host.uuid)
        for priority in PRIORITIES:
            used_bytes = facts.memory_used_bytes[host.uuid, priority]
            totals[priority] += used_bytes
            yield "xenha_host_memory_used_bytes", {**label, "priority": priority}, used_bytes
    for priority, used_bytes in totals.items():
        yield "xenha_pool_memory_used_bytes", {"pool": pool.uuid, "priority": priority}, used_bytes


def _tolerance(state: PoolState, _now: float) -> Iterator[Point]:
    label = {"pool": state.pool_uuid}
    if state.figures is not None:
        yield from _bounds(label, state.figures.tolerance)
    if state.snapshot is not None and state.snapshot.xapi is not None:
        xapi = state.snapshot.xapi
        yield "xenha_xapi_plan_exists_for_hosts", label, xapi.ha_plan_exists_for
        yield "xenha_xapi_overcommitted", label, xapi.ha_overcommitted


def _bounds(label: Mapping[str, str], tolerance: Tolerance) -> Iterator[Point]:
    for kind, bounds in zip(KINDS, (tolerance.simultaneous, tolerance.sequential), strict=True):
        yield "xenha_tolerance_lower_hosts", {**label, "kind": kind}, bounds.lower
        yield "xenha_tolerance_upper_hosts", {**label, "kind": kind}, bounds.upper
        yield "xenha_tolerance_proven", {**label, "kind": kind}, bounds.proven
    for domain, bounds in tolerance.domains.items():
        yield "xenha_domain_tolerance_lower_domains", {**label, "domain": domain}, bounds.lower
        yield "xenha_domain_tolerance_upper_domains", {**label, "domain": domain}, bounds.upper
    if tolerance.target is not None:
        yield "xenha_tolerance_target_hosts", label, tolerance.target
    holds = _OVERCOMMITTED[tolerance.overcommitted]
    yield from _states("xenha_overcommitted", label, OVERCOMMITTED_STATES, holds)
    yield from _states("xenha_sequential_search", label, SEARCH_STATES, tolerance.sequential_search)


def _headroom(state: PoolState, _now: float) -> Iterator[Point]:
    found = state.figures.headroom if state.figures else None
    if found is None:
        return
    label = {"pool": state.pool_uuid}
    yield "xenha_headroom_target_hosts", label, found.target
    yield "xenha_headroom_lower_bytes", label, found.largest.lower
    yield "xenha_headroom_upper_bytes", label, found.largest.upper
    for host, room in found.per_host:
        yield "xenha_host_headroom_lower_bytes", {**label, "host": host}, room.lower
        yield "xenha_host_headroom_upper_bytes", {**label, "host": host}, room.upper
    packable = state.figures.packable if state.figures else None
    if packable is not None:
        yield "xenha_memory_packable_lower_bytes", label, packable.lower
        yield "xenha_memory_packable_upper_bytes", label, packable.upper


def _failures(state: PoolState, _now: float) -> Iterator[Point]:
    for host, loss in state.figures.host_losses.items() if state.figures else ():
        label = {"pool": state.pool_uuid, "host": host}
        yield "xenha_host_failure_unplaced_vms", label, loss.unplaced_vms
        yield "xenha_host_failure_unplaced_proven", label, loss.proven
    yield from _recoveries(state)


def _recoveries(state: PoolState) -> Iterator[Point]:
    label = {"pool": state.pool_uuid}
    if state.recovery_objective_seconds is not None:
        yield "xenha_recovery_objective_seconds", label, state.recovery_objective_seconds
    if state.figures is None:
        return
    for host, recovery in state.figures.recoveries.items():
        seconds = seconds_of(recovery)
        if seconds is not None:
            yield "xenha_host_failure_recovery_seconds", {**label, "host": host}, seconds
    longest = worst(state.figures.snapshot.pool, state.figures.recoveries)
    if longest is not None:
        yield "xenha_predicted_recovery_seconds", label, longest.seconds


def _vms(state: PoolState, _now: float) -> Iterator[Point]:
    facts, label = _facts_of(state), {"pool": state.pool_uuid}
    yield "xenha_protected_vms", label, len(facts.pool.protected_vms)
    yield "xenha_protected_vms_down", label, facts.protected_down
    yield "xenha_protected_vms_not_agile", label, len(facts.protected_not_agile)
    named: dict[str, VM] = {}
    for name, vms in (
        ("xenha_vm_protected_not_agile", facts.protected_not_agile),
        ("xenha_vm_protected_halted", facts.protected_halted),
    ):
        for vm in vms[:VM_SERIES_LIMIT]:
            named[vm.uuid] = vm
            yield name, {**label, "vm": vm.uuid}, 1
    for vm in named.values():
        yield "xenha_vm_info", {**label, "vm": vm.uuid, "name": vm.name}, 1


def _planning(state: PoolState, now_seconds: float) -> Iterator[Point]:
    label, counts = {"pool": state.pool_uuid}, state.counts
    yield "xenha_plan_lag_seconds", label, state.lag_seconds(now_seconds)
    yield "xenha_plans_total", label, counts.plans
    yield "xenha_plan_failures_total", label, counts.plan_failures
    yield "xenha_plan_seconds_total", label, counts.plan_seconds
    yield "xenha_solver_calls_total", label, counts.solver_calls
    yield "xenha_solver_seconds_total", label, counts.solver_seconds
    if state.figures is not None:
        yield from _last_planning(label, state.figures)


def _last_planning(label: Mapping[str, str], figures: Figures) -> Iterator[Point]:
    yield "xenha_plan_timestamp_seconds", label, figures.planned_at_seconds
    yield "xenha_plan_duration_seconds", label, figures.duration_seconds
    holds = _solver_state(figures.tolerance.solver)
    yield from _states("xenha_solver_state", label, SOLVER_STATES, holds)


def _solver_state(solver: SolverUse) -> str:
    if solver.limit_reached:
        return "limit_reached"
    return "proved" if solver.calls else "not_needed"


def _inventory(state: PoolState, _now: float) -> Iterator[Point]:
    rejected = dict.fromkeys(ALWAYS_COUNTED_CLASSES, 0)
    for reject in state.snapshot.rejects if state.snapshot else ():
        rejected[reject.record_class] = rejected.get(reject.record_class, 0) + 1
    for name, records in rejected.items():
        yield "xenha_inventory_rejected_records", {"pool": state.pool_uuid, "class": name}, records


def _states(name: str, label: Mapping[str, str], states: Sequence[str], holds: str) -> Iterator[Point]:
    for state in states:
        yield name, {**label, "state": state}, state == holds


def _pool_of(state: PoolState) -> Pool:
    assert state.pool is not None, "only pools that were seen are collected"
    return state.pool


def _facts_of(state: PoolState) -> Facts:
    assert state.facts is not None, "only pools that were seen are collected"
    return state.facts


PARTS: Mapping[str, Part] = dict(
    zip(
        COLLECTORS,
        (_pool, _hosts, _tolerance, _failures, _headroom, _vms, _planning, _inventory),
        strict=True,
    )
)
