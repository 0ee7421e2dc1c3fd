"""Every metric of xenha in one table: name, type, help, labels, unit.

The `# HELP` texts, `docs/metrics.md`, the checks of the alert rules and the collector all read this table; a
metric that is not in it cannot be exported. Label values `pool`, `host` and `vm` are XAPI UUIDs so that the
series join with those of other exporters; names stand on the `*_info` series alone. Must never import a
client library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hacore.status import CAUSES, MODES, STATES

Type = Literal["gauge", "counter", "info", "histogram"]
Unit = Literal["", "bytes", "seconds", "hosts"]

PRIORITIES = ("restart", "best-effort", "unprotected", "control-domain")
"""Values of the label `priority`; "restart": the protected VMs; "unprotected": what is none of the others."""
KINDS = ("simultaneous", "sequential")
"""Values of the label `kind`: DESIGN §2, the two tolerances."""
OVERCOMMITTED_STATES = ("yes", "no", "unknown")
SOLVER_STATES = ("not_needed", "proved", "limit_reached")
COLLECTORS = ("pool", "hosts", "tolerance", "failures", "vms", "planning", "inventory")
"""Values of the label `collector`: the parts of a scrape that can fail alone."""
DAEMON_COLLECTOR = "daemons"
"""Another value of it, where daemons are watched."""
OPERATIONS = ("write", "read", "cycle")
"""Values of the label `operation`; cycle: one write of the own slot, then one read of all."""
VM_SERIES_LIMIT = 200
"""VMs per pool and metric that get a series of their own; the counts beside them are never cut."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `name` is the one Prometheus shows, `_total` and `_info` included."""

    name: str
    type: Type
    help: str
    labels: tuple[str, ...]
    unit: Unit = ""
    states: tuple[str, ...] = ()
    """For a metric with one 0/1 series a state: the values of its label `state`."""


def _gauge(name: str, labels: str, text: str, unit: Unit = "", states: tuple[str, ...] = ()) -> Metric:
    return Metric(name, "gauge", text, tuple(labels.split()), unit, states)


def _counter(name: str, labels: str, text: str, unit: Unit = "") -> Metric:
    return Metric(name, "counter", text, tuple(labels.split()), unit)


def _histogram(name: str, labels: str, text: str) -> Metric:
    return Metric(name, "histogram", text, tuple(labels.split()), "seconds")


def _info(name: str, labels: str, text: str) -> Metric:
    return Metric(name, "info", text, tuple(labels.split()))


CATALOGUE: tuple[Metric, ...] = (
    # What is watched
    _info("xenha_build_info", "version", "The running xenha."),
    _gauge(
        "xenha_up",
        "pool source",
        "1 while the source of the pool answers. 0: what is shown is the last known state; "
        "pool is empty while the source has not answered once or names a pool that another source serves.",
    ),
    _info("xenha_pool_info", "pool name master", "Name of a pool and UUID of its master."),
    _info("xenha_host_info", "pool host name", "Name of a host."),
    _info("xenha_vm_info", "pool vm name", "Name of a VM that has a series of its own elsewhere."),
    _gauge("xenha_ha_enabled", "pool", "1 if xapi's own HA is enabled on the pool."),
    _gauge(
        "xenha_snapshot_timestamp_seconds",
        "pool",
        "When the state shown was last seen in the source.",
        "seconds",
    ),
    _counter("xenha_snapshots_total", "pool", "Looks at the pool that arrived from its source."),
    _gauge(
        "xenha_inventory_rejected_records",
        "pool class",
        "Records of the source that could not be understood and are left out of all figures.",
    ),
    # Hosts and memory
    _gauge("xenha_host_live", "pool host", "1 if the host is live (Host_metrics.live)."),
    _gauge("xenha_host_enabled", "pool host", "1 if the host is enabled."),
    _gauge("xenha_host_memory_total_bytes", "pool host", "Memory of the host.", "bytes"),
    _gauge(
        "xenha_host_memory_overhead_bytes", "pool host", "Memory of the host that Xen itself takes.", "bytes"
    ),
    _gauge(
        "xenha_host_memory_free_bytes",
        "pool host",
        "Memory in which VMs could still be started: total less overhead and the needs of all VMs "
        "resident on or scheduled to the host, never below 0.",
        "bytes",
    ),
    _gauge(
        "xenha_host_memory_used_bytes",
        "pool host priority",
        "Needs (memory_static_max + memory_overhead) of the VMs on the host, by HA restart priority; "
        "restart: protected VMs; unprotected: all the rest.",
        "bytes",
    ),
    _gauge(
        "xenha_pool_memory_used_bytes",
        "pool priority",
        "Needs of the VMs on all hosts of the pool, by HA restart priority.",
        "bytes",
    ),
    # Tolerance
    _gauge(
        "xenha_tolerance_lower_hosts",
        "pool kind",
        "Host failures proven to be survived; -1: not even the VMs that are down now can be restarted.",
        "hosts",
    ),
    _gauge(
        "xenha_tolerance_upper_hosts",
        "pool kind",
        "Host failures beyond which survival is disproved. The tolerance lies between lower and upper.",
        "hosts",
    ),
    _gauge("xenha_tolerance_proven", "pool kind", "1 if lower and upper bound meet: the figure is exact."),
    _gauge(
        "xenha_tolerance_target_hosts",
        "pool",
        "Host failures the pool should tolerate (ha_host_failures_to_tolerate); absent while HA is disabled.",
        "hosts",
    ),
    _gauge(
        "xenha_overcommitted",
        "pool state",
        "1 for the state that holds: yes (the upper bound is below the target), no (the lower bound "
        "reaches it) or unknown (the limit came before a proof, or there is no target).",
        states=OVERCOMMITTED_STATES,
    ),
    _gauge(
        "xenha_host_failure_unplaced_vms",
        "pool host",
        "Protected VMs that would not restart if this host failed now, those included that are down already "
        "(if not proven: at most this many; absent until worked out).",
    ),
    _gauge(
        "xenha_host_failure_unplaced_proven",
        "pool host",
        "1 if xenha_host_failure_unplaced_vms is proven to be the least possible.",
    ),
    _gauge(
        "xenha_xapi_plan_exists_for_hosts",
        "pool",
        "Host failures that xapi itself believes the pool survives (Pool.ha_plan_exists_for).",
        "hosts",
    ),
    _gauge(
        "xenha_xapi_overcommitted",
        "pool",
        "1 if xapi itself calls the pool overcommitted (Pool.ha_overcommitted).",
    ),
    # VMs
    _gauge("xenha_protected_vms", "pool", "VMs that HA must restart."),
    _gauge(
        "xenha_protected_vms_down",
        "pool",
        "Protected VMs that are Halted or whose host is not live and enabled.",
    ),
    _gauge(
        "xenha_protected_vms_not_agile",
        "pool",
        "Protected VMs that could not run on every live enabled host, whatever its free memory.",
    ),
    _gauge(
        "xenha_vm_protected_not_agile",
        "pool vm",
        f"1 for a protected VM that is not agile; absent otherwise; at most {VM_SERIES_LIMIT} VMs a pool.",
    ),
    _gauge(
        "xenha_vm_protected_halted",
        "pool vm",
        f"1 for a protected VM that is Halted; absent otherwise; at most {VM_SERIES_LIMIT} VMs a pool.",
    ),
    # Planning
    _gauge("xenha_plan_timestamp_seconds", "pool", "When the figures shown were worked out.", "seconds"),
    _gauge(
        "xenha_plan_lag_seconds",
        "pool",
        "For how long the figures have lagged behind what is known of the pool; 0 while they cover it all.",
        "seconds",
    ),
    _gauge("xenha_plan_duration_seconds", "pool", "How long the last planning took.", "seconds"),
    _counter("xenha_plan_seconds_total", "pool", "Time spent on planning.", "seconds"),
    _counter("xenha_plans_total", "pool", "Plannings that ended with a result."),
    _counter(
        "xenha_plan_failures_total", "pool", "Plannings that broke off with an error; the last result stays."
    ),
    _counter("xenha_solver_seconds_total", "pool", "Time spent in the solver.", "seconds"),
    _counter("xenha_solver_calls_total", "pool", "Questions that only the solver could settle."),
    _gauge(
        "xenha_solver_state",
        "pool state",
        "1 for what became of the solver in the last planning: not_needed, proved, "
        "limit_reached (the figures are bounds).",
        states=SOLVER_STATES,
    ),
    # The daemons of the hosts, where their sockets are watched
    _gauge(
        "xenha_daemon_up",
        "pool host socket",
        "1 while the daemon behind the socket answers; while it does not, its other series are absent. "
        "host is empty while it has not answered once or another socket leads to the same host; pool is "
        "empty if no watched pool has the host.",
    ),
    _info(
        "xenha_daemon_info",
        "pool host name pool_name version generation isolation quorum watchdog",
        "Names of a daemon's host and pool, and what it is told; stays while the daemon is silent.",
    ),
    _gauge("xenha_daemon_seen_timestamp_seconds", "pool host", "When the daemon answered last.", "seconds"),
    _gauge("xenha_daemon_start_timestamp_seconds", "pool host", "When the daemon started.", "seconds"),
    _gauge(
        "xenha_daemon_state",
        "pool host state",
        "1 for what the host says of itself.",
        states=STATES,
    ),
    _gauge(
        "xenha_daemon_mode",
        "pool host state",
        "1 for what the host lives on: disk (its slot), grants (nobody has storage) or majority (grants of "
        "more than half).",
        states=MODES,
    ),
    _gauge("xenha_daemon_member", "pool host", "1 if the host is in the newest liveset it knows."),
    _gauge("xenha_daemon_armed", "pool host", "1 if the watchdog is armed: the host fences itself."),
    _gauge("xenha_daemon_leader", "pool host", "1 if the host leads the newest liveset it knows."),
    _gauge("xenha_daemon_epoch", "pool host", "Number of the newest liveset the host knows."),
    _gauge(
        "xenha_daemon_epoch_cause",
        "pool host state",
        "1 for why that liveset was decided.",
        states=CAUSES,
    ),
    _gauge("xenha_daemon_liveset_hosts", "pool host", "Members of the newest liveset.", "hosts"),
    _gauge("xenha_daemon_configured_hosts", "pool host", "Hosts in the daemon's configuration.", "hosts"),
    _gauge("xenha_daemon_dead_hosts", "pool host", "Hosts that certainly run no VM any more.", "hosts"),
    _gauge(
        "xenha_daemon_condemned_hosts",
        "pool host",
        "Hosts left out of the newest liveset that are not certainly dead yet.",
        "hosts",
    ),
    _gauge("xenha_daemon_weight", "pool host", "Weight of the host where sizes are equal."),
    _gauge(
        "xenha_daemon_network_degraded",
        "pool host",
        "1 if some members do not hear each other and all stay: nobody would be better off.",
    ),
    _gauge(
        "xenha_daemon_unresolved",
        "pool host",
        "1 while a proposal of the host may have been decided without its knowledge.",
    ),
    _gauge("xenha_daemon_warnings", "pool host", "Warnings that the daemon words; the page shows them."),
    # Their deadlines
    _gauge("xenha_daemon_timeout_seconds", "pool host", "T, the one timeout of the pool.", "seconds"),
    _gauge(
        "xenha_daemon_deadline_seconds",
        "pool host",
        "Time left until the host must have fenced itself unless its lease is renewed; absent without one.",
        "seconds",
    ),
    _gauge(
        "xenha_daemon_late_ratio",
        "pool host",
        "0, 0.25 or 0.5: the share of T that passed before the lease was renewed; the worst of a minute.",
    ),
    _gauge(
        "xenha_daemon_watchdog_ping_age_seconds",
        "pool host",
        "Since the watchdog was pinged; absent if it never was.",
        "seconds",
    ),
    _gauge(
        "xenha_daemon_check_in_age_seconds",
        "pool host",
        "Since the deciding part of the daemon reported to the part that pings.",
        "seconds",
    ),
    # Their channels
    _gauge(
        "xenha_daemon_channel_age_seconds",
        "pool host peer channel",
        "Age of the newest news of a peer, by disk or network; absent if none ever came.",
        "seconds",
    ),
    _gauge(
        "xenha_daemon_channel_timeout_seconds",
        "pool host channel",
        "Age at which a peer counts as silent (disk) or unheard (networks).",
        "seconds",
    ),
    _gauge(
        "xenha_daemon_channel_late_ratio",
        "pool host peer channel",
        "0.25 or 0.5: the share of the timeout that passed without news of a member; the worst of a minute; "
        "absent while no news was late.",
    ),
    _counter(
        "xenha_daemon_channel_missed_intervals_total",
        "pool host peer channel",
        "Beats of a peer that did not come in their time.",
    ),
    _gauge("xenha_daemon_peer_member", "pool host peer", "1 if the peer is in the newest liveset."),
    _histogram(
        "xenha_daemon_beat_lateness_seconds",
        "pool host channel",
        "How late the host's own beats began.",
    ),
    _counter(
        "xenha_daemon_missed_intervals_total", "pool host channel", "Beats of the host itself left out."
    ),
    _gauge(
        "xenha_daemon_network_carrier",
        "pool host channel",
        "1 if the link of the network has carrier; absent if that is not known.",
    ),
    _counter("xenha_daemon_packets_sent_total", "pool host channel", "Heartbeats sent."),
    _counter("xenha_daemon_packets_received_total", "pool host channel", "Authentic heartbeats received."),
    _counter("xenha_daemon_send_failures_total", "pool host channel", "Heartbeats that could not be sent."),
    _counter("xenha_daemon_packets_refused_total", "pool host reason", "Packets received and not believed."),
    _gauge("xenha_daemon_arbiters_reached", "pool host", "Arbiters that answer."),
    _gauge("xenha_daemon_arbiters_configured", "pool host", "Arbiters that are asked."),
    # Their storage
    _gauge(
        "xenha_daemon_storage_works", "pool host", "1 if writing the own slot and reading all slots works."
    ),
    _gauge(
        "xenha_daemon_storage_cycle_age_seconds",
        "pool host",
        "Since the start of the last good write and read; absent before the first.",
        "seconds",
    ),
    _gauge(
        "xenha_daemon_storage_running_seconds",
        "pool host",
        "How long the I/O under way has been out; 0: none is.",
        "seconds",
    ),
    _histogram(
        "xenha_daemon_storage_latency_seconds",
        "pool host operation",
        "How long the I/O on the statefile took.",
    ),
    _counter("xenha_daemon_storage_failures_total", "pool host operation", "Writes and reads that failed."),
    _gauge(
        "xenha_daemon_storage_copies_left",
        "pool host",
        "Copies of the own slot that no failed write may still reach; below 2 the host leaves or fences.",
    ),
    _counter(
        "xenha_daemon_slots_disbelieved_total",
        "pool host reason",
        "Copies of slots that were read and not believed.",
    ),
    # Their fences
    _counter(
        "xenha_daemon_fences_total", "pool host cause", "Reboots of the host by its own hand, as remembered."
    ),
    _gauge(
        "xenha_daemon_fence_timestamp_seconds",
        "pool host cause",
        "When the host fenced itself last, and why; absent if it never did.",
        "seconds",
    ),
    # The exporter itself
    _gauge("xenha_collector_success", "collector", "1 if this part of the scrape worked for every pool."),
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
