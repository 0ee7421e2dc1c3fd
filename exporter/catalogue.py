"""Every metric of xenha in one table: name, type, help, labels, unit.

The `# HELP` texts, `docs/metrics.md`, the checks of the alert rules and the collector all read this table; a
metric that is not in it cannot be exported. Label values `pool`, `host` and `vm` are XAPI UUIDs so that the
series join with those of other exporters; names stand on the `*_info` series alone. Must never import a
client library.
"""

from __future__ import annotations

from typing import get_args

from exporter.daemons.catalogue import METRICS as DAEMON_METRICS
from exporter.metric import Metric, counter, gauge, info
from planner.results import SearchState

PRIORITIES = ("restart", "best-effort", "unprotected", "control-domain")
"""Values of the label `priority`; "restart": the protected VMs; "unprotected": what is none of the others."""
KINDS = ("simultaneous", "sequential")
"""Values of the label `kind`: DESIGN §2, the two tolerances."""
OVERCOMMITTED_STATES = ("yes", "no", "unknown")
SOLVER_STATES = ("not_needed", "proved", "limit_reached")
SEARCH_STATES: tuple[SearchState, ...] = get_args(SearchState)
"""Of the search for the sequential tolerance."""
COLLECTORS = ("pool", "hosts", "tolerance", "failures", "headroom", "vms", "planning", "inventory")
"""Values of the label `collector`: the parts of a scrape that can fail alone."""
DAEMON_COLLECTOR = "daemons"
"""Another value of it, where daemons are watched."""
VM_SERIES_LIMIT = 200
"""VMs per pool and metric that get a series of their own; the counts beside them are never cut."""


CATALOGUE: tuple[Metric, ...] = (
    # What is watched
    info("xenha_build_info", "version", "The running xenha."),
    gauge(
        "xenha_up",
        "pool source",
        "1 while the source of the pool answers. 0: what is shown is the last known state; "
        "pool is empty while the source has not answered once or names a pool that another source serves.",
    ),
    info("xenha_pool_info", "pool name master", "Name of a pool and UUID of its master."),
    info("xenha_host_info", "pool host name", "Name of a host."),
    info("xenha_vm_info", "pool vm name", "Name of a VM that has a series of its own elsewhere."),
    info(
        "xenha_rules_info",
        "pool vcpus_per_core memory reserve_bytes",
        "What the figures count beside memory and reach: vCPUs per core (empty: not counted), the memory of "
        "a VM (static-max or dynamic-min), and what is kept back on every host.",
    ),
    gauge("xenha_ha_enabled", "pool", "1 if xapi's own HA is enabled on the pool."),
    gauge(
        "xenha_snapshot_timestamp_seconds",
        "pool",
        "When the state shown was last seen in the source.",
        "seconds",
    ),
    counter("xenha_snapshots_total", "pool", "Looks at the pool that arrived from its source."),
    gauge(
        "xenha_inventory_rejected_records",
        "pool class",
        "Records of the source that could not be understood and are left out of all figures.",
    ),
    # Hosts and memory
    gauge("xenha_host_live", "pool host", "1 if the host is live (Host_metrics.live)."),
    gauge("xenha_host_enabled", "pool host", "1 if the host is enabled."),
    gauge("xenha_host_memory_total_bytes", "pool host", "Memory of the host.", "bytes"),
    gauge(
        "xenha_host_memory_overhead_bytes", "pool host", "Memory of the host that Xen itself takes.", "bytes"
    ),
    gauge(
        "xenha_host_memory_free_bytes",
        "pool host",
        "Memory in which VMs could still be started: total less overhead and the needs of all VMs "
        "resident on or scheduled to the host, never below 0.",
        "bytes",
    ),
    gauge(
        "xenha_host_memory_used_bytes",
        "pool host priority",
        "Needs (memory_static_max + memory_overhead) of the VMs on the host, by HA restart priority; "
        "restart: protected VMs; unprotected: all the rest.",
        "bytes",
    ),
    gauge(
        "xenha_pool_memory_used_bytes",
        "pool priority",
        "Needs of the VMs on all hosts of the pool, by HA restart priority.",
        "bytes",
    ),
    # Tolerance
    gauge(
        "xenha_tolerance_lower_hosts",
        "pool kind",
        "Host failures proven to be survived; -1: not even the VMs that are down now can be restarted.",
        "hosts",
    ),
    gauge(
        "xenha_tolerance_upper_hosts",
        "pool kind",
        "Host failures beyond which survival is disproved. The tolerance lies between lower and upper.",
        "hosts",
    ),
    gauge("xenha_tolerance_proven", "pool kind", "1 if lower and upper bound meet: the figure is exact."),
    gauge(
        "xenha_domain_tolerance_lower_domains",
        "pool domain",
        "Failure domains of one kind (the label: rack, say) that may fail at once with all their hosts, "
        "proven to be survived; a host outside any is one of its own.",
        "domains",
    ),
    gauge(
        "xenha_domain_tolerance_upper_domains",
        "pool domain",
        "Failures of domains of this kind beyond which survival is disproved.",
        "domains",
    ),
    gauge(
        "xenha_tolerance_target_hosts",
        "pool",
        "Host failures the pool should tolerate (ha_host_failures_to_tolerate); absent while HA is disabled.",
        "hosts",
    ),
    gauge(
        "xenha_overcommitted",
        "pool state",
        "1 for the state that holds: yes (the upper bound is below the target), no (the lower bound "
        "reaches it) or unknown (the limit came before a proof, or there is no target).",
        states=OVERCOMMITTED_STATES,
    ),
    gauge(
        "xenha_host_failure_unplaced_vms",
        "pool host",
        "Protected VMs that would not restart if this host failed now, those included that are down already "
        "(if not proven: at most this many; absent until worked out).",
    ),
    gauge(
        "xenha_host_failure_unplaced_proven",
        "pool host",
        "1 if xenha_host_failure_unplaced_vms is proven to be the least possible.",
    ),
    gauge(
        "xenha_host_failure_recovery_seconds",
        "pool host",
        "Predicted time from a failure of this host until every protected VM serves again; +Inf: not all "
        "would restart (proven); absent until worked out, and while that is open. It is that of the plan "
        "that xenha plan shows.",
        "seconds",
    ),
    gauge(
        "xenha_predicted_recovery_seconds",
        "pool",
        "The longest of these over all hosts in service; absent while one of them is not known.",
        "seconds",
    ),
    gauge(
        "xenha_recovery_objective_seconds",
        "pool",
        "How long a host failure may last at most, as configured; absent if nothing is.",
        "seconds",
    ),
    gauge(
        "xenha_xapi_plan_exists_for_hosts",
        "pool",
        "Host failures that xapi itself believes the pool survives (Pool.ha_plan_exists_for).",
        "hosts",
    ),
    gauge(
        "xenha_xapi_overcommitted",
        "pool",
        "1 if xapi itself calls the pool overcommitted (Pool.ha_overcommitted).",
    ),
    gauge(
        "xenha_sequential_search",
        "pool state",
        "1 for how the search for the sequential tolerance ended: not_needed (closed forms settled it), "
        "settled, as_asked (orders of two failures are followed, longer ones were not asked for), "
        "limit_reached.",
        states=SEARCH_STATES,
    ),
    # Headroom
    gauge(
        "xenha_headroom_target_hosts",
        "pool",
        "Host failures that stay survived whatever the headroom admits: the target, or 0 without one.",
        "hosts",
    ),
    gauge(
        "xenha_headroom_lower_bytes",
        "pool",
        "Need of the largest new protected VM, able to run anywhere, that can start with the target kept; 0: "
        "none can; proven, to 1 MiB; absent until worked out.",
        "bytes",
    ),
    gauge(
        "xenha_headroom_upper_bytes",
        "pool",
        "Nothing larger than this can start with the target kept; the headroom lies between lower and upper.",
        "bytes",
    ),
    gauge("xenha_host_headroom_lower_bytes", "pool host", "The same if it starts on this host.", "bytes"),
    gauge("xenha_host_headroom_upper_bytes", "pool host", "The same if it starts on this host.", "bytes"),
    gauge(
        "xenha_memory_packable_lower_bytes",
        "pool",
        "Free memory that protected VMs of other hosts, or those down, could fill, host by host; the rest is "
        "in pieces too small for any of them (fragmentation).",
        "bytes",
    ),
    gauge(
        "xenha_memory_packable_upper_bytes",
        "pool",
        "No more than this could be filled; it lies between lower and upper.",
        "bytes",
    ),
    # VMs
    gauge("xenha_protected_vms", "pool", "VMs that HA must restart."),
    gauge(
        "xenha_protected_vms_down",
        "pool",
        "Protected VMs that are Halted or whose host is not live and enabled.",
    ),
    gauge(
        "xenha_protected_vms_not_agile",
        "pool",
        "Protected VMs that could not run on every live enabled host, whatever its free memory.",
    ),
    gauge(
        "xenha_vm_protected_not_agile",
        "pool vm",
        f"1 for a protected VM that is not agile; absent otherwise; at most {VM_SERIES_LIMIT} VMs a pool.",
    ),
    gauge(
        "xenha_vm_protected_halted",
        "pool vm",
        f"1 for a protected VM that is Halted; absent otherwise; at most {VM_SERIES_LIMIT} VMs a pool.",
    ),
    # Planning
    gauge("xenha_plan_timestamp_seconds", "pool", "When the figures shown were worked out.", "seconds"),
    gauge(
        "xenha_plan_lag_seconds",
        "pool",
        "For how long the figures have lagged behind what is known of the pool; 0 while they cover it all.",
        "seconds",
    ),
    gauge("xenha_plan_duration_seconds", "pool", "How long the last planning took.", "seconds"),
    counter("xenha_plan_seconds_total", "pool", "Time spent on planning.", "seconds"),
    counter("xenha_plans_total", "pool", "Plannings that ended with a result."),
    counter(
        "xenha_plan_failures_total", "pool", "Plannings that broke off with an error; the last result stays."
    ),
    counter("xenha_solver_seconds_total", "pool", "Time spent in the solver.", "seconds"),
    counter("xenha_solver_calls_total", "pool", "Questions that only the solver could settle."),
    gauge(
        "xenha_solver_state",
        "pool state",
        "1 for what became of the solver in the last planning: not_needed, proved, "
        "limit_reached (the figures are bounds).",
        states=SOLVER_STATES,
    ),
    *DAEMON_METRICS,
    # The exporter itself
    gauge("xenha_collector_success", "collector", "1 if this part of the scrape worked for every pool."),
)

BY_NAME: dict[str, Metric] = {metric.name: metric for metric in CATALOGUE}


def markdown() -> str:
    """Return the reference page `docs/metrics.md`."""
    return _HEAD + "".join(_row(metric) for metric in CATALOGUE)


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.type} | {labels} | {metric.unit or '–'} | {metric.help} |\n"


_HEAD = """# Metrics

Served on `/metrics`, as Prometheus text or OpenMetrics, whichever the scraper asks for. Written from
`exporter/catalogue.py`; change the table there, then run `python -m exporter.catalogue > docs/metrics.md`.
The usual `process_*` metrics of the exporter's own process come on top.

Labels `pool`, `host` and `vm` hold XAPI UUIDs and join with the series of other exporters; for a name, join
the `*_info` series: `xenha_host_memory_free_bytes * on (pool, host) group_left (name) xenha_host_info`.
A metric with a label `state` has one series for each state, 1 for the one that holds and 0 for the others.
`xenha_daemon_*` are there for hosts whose daemon is watched (`--daemon`, or `daemons` in the configuration):
`host` is the one that speaks, `peer` the one spoken of, `channel` is `disk` or the name of a network.

| metric | type | labels | unit | meaning |
|---|---|---|---|---|
"""

if __name__ == "__main__":
    print(markdown(), end="")
