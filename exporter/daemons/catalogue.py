"""The metrics of the hosts' daemons, as `exporter.catalogue` shows them among all others."""

from __future__ import annotations

from exporter.metric import Metric, counter, gauge, histogram, info
from hacore.status import CAUSES, MODES, STATES

OPERATIONS = ("write", "read", "cycle")
"""Values of the label `operation`; cycle: one write of the own slot, then one read of all."""

METRICS: tuple[Metric, ...] = (
    # The daemons of the hosts, where their sockets are watched
    gauge(
        "xenha_daemon_up",
        "pool host socket",
        "1 while the daemon behind the socket answers; while it does not, its other series are absent. "
        "host is empty while it has not answered once or another socket leads to the same host; pool is "
        "empty if no watched pool has the host.",
    ),
    info(
        "xenha_daemon_info",
        "pool host name pool_name version generation isolation quorum watchdog",
        "Names of a daemon's host and pool, and what it is told; stays while the daemon is silent.",
    ),
    gauge("xenha_daemon_seen_timestamp_seconds", "pool host", "When the daemon answered last.", "seconds"),
    gauge("xenha_daemon_start_timestamp_seconds", "pool host", "When the daemon started.", "seconds"),
    gauge(
        "xenha_daemon_state",
        "pool host state",
        "1 for what the host says of itself.",
        states=STATES,
    ),
    gauge(
        "xenha_daemon_mode",
        "pool host state",
        "1 for what the host lives on: disk (its slot), grants (nobody has storage) or majority (grants of "
        "more than half).",
        states=MODES,
    ),
    gauge("xenha_daemon_member", "pool host", "1 if the host is in the newest liveset it knows."),
    gauge("xenha_daemon_armed", "pool host", "1 if the watchdog is armed: the host fences itself."),
    gauge("xenha_daemon_leader", "pool host", "1 if the host leads the newest liveset it knows."),
    gauge("xenha_daemon_epoch", "pool host", "Number of the newest liveset the host knows."),
    gauge(
        "xenha_daemon_epoch_cause",
        "pool host state",
        "1 for why that liveset was decided.",
        states=CAUSES,
    ),
    gauge("xenha_daemon_liveset_hosts", "pool host", "Members of the newest liveset.", "hosts"),
    gauge("xenha_daemon_configured_hosts", "pool host", "Hosts in the daemon's configuration.", "hosts"),
    gauge("xenha_daemon_dead_hosts", "pool host", "Hosts that certainly run no VM any more.", "hosts"),
    gauge(
        "xenha_daemon_condemned_hosts",
        "pool host",
        "Hosts left out of the newest liveset that are not certainly dead yet.",
        "hosts",
    ),
    gauge("xenha_daemon_weight", "pool host", "Weight of the host where sizes are equal."),
    gauge(
        "xenha_daemon_network_degraded",
        "pool host",
        "1 if some members do not hear each other and all stay: nobody would be better off.",
    ),
    gauge(
        "xenha_daemon_unresolved",
        "pool host",
        "1 while a proposal of the host may have been decided without its knowledge.",
    ),
    gauge("xenha_daemon_warnings", "pool host", "Warnings that the daemon words; the page shows them."),
    # Their deadlines
    gauge("xenha_daemon_timeout_seconds", "pool host", "T, the one timeout of the pool.", "seconds"),
    gauge(
        "xenha_daemon_deadline_seconds",
        "pool host",
        "Time left until the host must have fenced itself unless its lease is renewed; absent without one.",
        "seconds",
    ),
    gauge(
        "xenha_daemon_late_ratio",
        "pool host",
        "0, 0.25 or 0.5: the share of T that passed before the lease was renewed; the worst of a minute.",
    ),
    gauge(
        "xenha_daemon_watchdog_ping_age_seconds",
        "pool host",
        "Since the watchdog was pinged; absent if it never was.",
        "seconds",
    ),
    gauge(
        "xenha_daemon_check_in_age_seconds",
        "pool host",
        "Since the deciding part of the daemon reported to the part that pings.",
        "seconds",
    ),
    # Their channels
    gauge(
        "xenha_daemon_channel_age_seconds",
        "pool host peer channel",
        "Age of the newest news of a peer, by disk or network; absent if none ever came.",
        "seconds",
    ),
    gauge(
        "xenha_daemon_channel_timeout_seconds",
        "pool host channel",
        "Age at which a peer counts as silent (disk) or unheard (networks).",
        "seconds",
    ),
    gauge(
        "xenha_daemon_channel_late_ratio",
        "pool host peer channel",
        "0.25 or 0.5: the share of the timeout that passed without news of a member; the worst of a minute; "
        "absent while no news was late.",
    ),
    counter(
        "xenha_daemon_channel_missed_intervals_total",
        "pool host peer channel",
        "Beats of a peer that did not come in their time.",
    ),
    gauge("xenha_daemon_peer_member", "pool host peer", "1 if the peer is in the newest liveset."),
    histogram(
        "xenha_daemon_beat_lateness_seconds",
        "pool host channel",
        "How late the host's own beats began.",
    ),
    counter("xenha_daemon_missed_intervals_total", "pool host channel", "Beats of the host itself left out."),
    gauge(
        "xenha_daemon_network_carrier",
        "pool host channel",
        "1 if the link of the network has carrier; absent if that is not known.",
    ),
    counter("xenha_daemon_packets_sent_total", "pool host channel", "Heartbeats sent."),
    counter("xenha_daemon_packets_received_total", "pool host channel", "Authentic heartbeats received."),
    counter("xenha_daemon_send_failures_total", "pool host channel", "Heartbeats that could not be sent."),
    counter("xenha_daemon_packets_refused_total", "pool host reason", "Packets received and not believed."),
    gauge("xenha_daemon_arbiters_reached", "pool host", "Arbiters that answer."),
    gauge("xenha_daemon_arbiters_configured", "pool host", "Arbiters that are asked."),
    # Their storage
    gauge(
        "xenha_daemon_storage_works", "pool host", "1 if writing the own slot and reading all slots works."
    ),
    gauge(
        "xenha_daemon_storage_cycle_age_seconds",
        "pool host",
        "Since the start of the last good write and read; absent before the first.",
        "seconds",
    ),
    gauge(
        "xenha_daemon_storage_running_seconds",
        "pool host",
        "How long the I/O under way has been out; 0: none is.",
        "seconds",
    ),
    histogram(
        "xenha_daemon_storage_latency_seconds",
        "pool host operation",
        "How long the I/O on the statefile took.",
    ),
    counter("xenha_daemon_storage_failures_total", "pool host operation", "Writes and reads that failed."),
    gauge(
        "xenha_daemon_storage_copies_left",
        "pool host",
        "Copies of the own slot that no failed write may still reach; below 2 it proposes nothing.",
    ),
    counter(
        "xenha_daemon_slots_disbelieved_total",
        "pool host reason",
        "Copies of slots that were read and not believed.",
    ),
    # Their fences
    counter(
        "xenha_daemon_fences_total", "pool host cause", "Reboots of the host by its own hand, as remembered."
    ),
    gauge(
        "xenha_daemon_fence_timestamp_seconds",
        "pool host cause",
        "When the host fenced itself last, and why; absent if it never did.",
        "seconds",
    ),
)
