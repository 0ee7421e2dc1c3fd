"""From what daemons say to series: pure. A silent daemon has no series but those that say it is silent.

Ages are those the daemon measured when it answered: adding our own polling interval would make every channel
look late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from exporter.daemons.catalogue import OPERATIONS
from exporter.daemons.state import DEADLINE, DaemonState
from hacore.status import CAUSES, DISK, MODES, STATES, Channel, Histogram, Status

Point = tuple[str, Mapping[str, str], float]
Label = Mapping[str, str]
_NO_FENCE = "none"


def points(state: DaemonState, pool: str, pool_name: str) -> Iterator[Point]:
    """Yield the series of one daemon. `pool`: UUID of the watched pool that has its host; empty: none has."""
    label = {"pool": pool, "host": state.host_uuid}
    up = state.up and not state.duplicate_of
    yield "xenha_daemon_up", {**label, "socket": state.socket}, up
    if state.status is None or state.duplicate_of:
        return
    yield "xenha_daemon_info", {**label, "pool_name": pool_name, **_told(state.status)}, 1
    if state.seen_at_seconds is not None:
        yield "xenha_daemon_seen_timestamp_seconds", label, state.seen_at_seconds
    yield from _fences(state.status, label)
    if not up:
        return
    for part in (_membership, _deadlines, _peers, _networks, _storage):
        yield from part(state, state.status, label)


def _told(status: Status) -> dict[str, str]:
    return {
        "name": status.host.name,
        "version": status.version,
        "generation": status.generation,
        "isolation": status.isolation,
        "quorum": status.quorum,
        "watchdog": status.watchdog.driver,
    }


def _fences(status: Status, label: Label) -> Iterator[Point]:
    for cause, count in status.fences.by_cause.items():
        yield "xenha_daemon_fences_total", {**label, "cause": cause}, count
    if status.fences.last_at_seconds is not None and status.fences.last_cause != _NO_FENCE:
        cause = status.fences.last_cause
        yield "xenha_daemon_fence_timestamp_seconds", {**label, "cause": cause}, status.fences.last_at_seconds


def _membership(_state: DaemonState, status: Status, label: Label) -> Iterator[Point]:
    yield "xenha_daemon_start_timestamp_seconds", label, status.at_seconds - status.uptime_seconds
    yield from _states("xenha_daemon_state", label, STATES, status.state)
    yield from _states("xenha_daemon_mode", label, MODES, status.mode)
    yield from _states("xenha_daemon_epoch_cause", label, CAUSES, status.cause)
    yield "xenha_daemon_member", label, status.host.uuid in status.liveset
    yield "xenha_daemon_armed", label, status.armed
    yield "xenha_daemon_leader", label, status.host.uuid == status.leader
    yield "xenha_daemon_epoch", label, status.epoch
    yield "xenha_daemon_liveset_hosts", label, len(status.liveset)
    yield "xenha_daemon_configured_hosts", label, 1 + len(status.peers)
    yield "xenha_daemon_dead_hosts", label, len(status.dead)
    yield "xenha_daemon_condemned_hosts", label, len(status.condemned)
    yield "xenha_daemon_weight", label, status.weight
    yield "xenha_daemon_network_degraded", label, status.network_degraded
    yield "xenha_daemon_unresolved", label, status.unresolved
    yield "xenha_daemon_warnings", label, len(status.warnings)
    yield "xenha_daemon_arbiters_reached", label, status.evidence.arbiters
    yield "xenha_daemon_arbiters_configured", label, status.evidence.arbiters_configured


def _deadlines(state: DaemonState, status: Status, label: Label) -> Iterator[Point]:
    watchdog = status.watchdog
    yield "xenha_daemon_timeout_seconds", label, status.intervals.timeout_seconds
    yield "xenha_daemon_check_in_age_seconds", label, status.check_in_age_seconds
    yield "xenha_daemon_late_ratio", label, state.late_percent((status.host.uuid, DEADLINE)) / 100
    if watchdog.deadline_in_seconds is not None:
        yield "xenha_daemon_deadline_seconds", label, watchdog.deadline_in_seconds
    if watchdog.last_ping_age_seconds is not None:
        yield "xenha_daemon_watchdog_ping_age_seconds", label, watchdog.last_ping_age_seconds


def _peers(state: DaemonState, status: Status, label: Label) -> Iterator[Point]:
    timeouts: dict[str, float] = {}
    for peer in status.peers:
        of_peer = {**label, "peer": peer.uuid}
        yield "xenha_daemon_peer_member", of_peer, peer.uuid in status.liveset
        for channel in peer.channels:
            timeouts[channel.name] = channel.timeout_seconds
            yield from _channel(channel, {**of_peer, "channel": channel.name})
            late = state.late_percent((peer.uuid, channel.name))
            if late and peer.uuid in status.liveset:  # one that is dead is no longer waited for
                of_channel = {**of_peer, "channel": channel.name}
                yield "xenha_daemon_channel_late_ratio", of_channel, late / 100
    for name, seconds in timeouts.items():
        yield "xenha_daemon_channel_timeout_seconds", {**label, "channel": name}, seconds


def _channel(channel: Channel, label: Label) -> Iterator[Point]:
    if channel.age_seconds is not None:
        yield "xenha_daemon_channel_age_seconds", label, channel.age_seconds
    yield "xenha_daemon_channel_missed_intervals_total", label, channel.missed_intervals


def _networks(_state: DaemonState, status: Status, label: Label) -> Iterator[Point]:
    for network in status.networks:
        of_network = {**label, "channel": network.name}
        if network.carrier is not None:
            yield "xenha_daemon_network_carrier", of_network, network.carrier
        yield "xenha_daemon_packets_sent_total", of_network, network.sent_packets
        yield "xenha_daemon_packets_received_total", of_network, network.received_packets
        yield "xenha_daemon_send_failures_total", of_network, network.failed_sends
        yield "xenha_daemon_missed_intervals_total", of_network, network.missed_intervals
        yield from _histogram("xenha_daemon_beat_lateness_seconds", of_network, network.lateness)
    for reason, count in status.refused_packets.items():
        yield "xenha_daemon_packets_refused_total", {**label, "reason": reason}, count


def _storage(_state: DaemonState, status: Status, label: Label) -> Iterator[Point]:
    storage, of_disk = status.storage, {**label, "channel": DISK}
    yield "xenha_daemon_storage_works", label, storage.works
    if storage.good_cycle_age_seconds is not None:
        yield "xenha_daemon_storage_cycle_age_seconds", label, storage.good_cycle_age_seconds
    yield "xenha_daemon_storage_running_seconds", label, storage.running_io_age_seconds or 0
    yield "xenha_daemon_storage_copies_left", label, storage.copies_left
    for operation, failed in (("write", storage.failed_writes), ("read", storage.failed_reads)):
        yield "xenha_daemon_storage_failures_total", {**label, "operation": operation}, failed
    for operation, taken in zip(OPERATIONS, (storage.write, storage.read, storage.cycle), strict=True):
        of_operation = {**label, "operation": operation}
        yield from _histogram("xenha_daemon_storage_latency_seconds", of_operation, taken)
    yield "xenha_daemon_missed_intervals_total", of_disk, storage.missed_intervals
    yield from _histogram("xenha_daemon_beat_lateness_seconds", of_disk, storage.lateness)
    for reason, count in status.disbelieved_slots.items():
        yield "xenha_daemon_slots_disbelieved_total", {**label, "reason": reason}, count


def _states(name: str, label: Label, states: Sequence[str], holds: str) -> Iterator[Point]:
    for state in states:
        yield name, {**label, "state": state}, state == holds


def _histogram(name: str, label: Label, histogram: Histogram) -> Iterator[Point]:
    bounds = [*map(str, histogram.bounds_seconds), "+Inf"]
    for bound, count in zip(bounds, accumulate(histogram.counts), strict=True):
        yield f"{name}_bucket", {**label, "le": bound}, count
    yield f"{name}_sum", label, histogram.sum_seconds
    yield f"{name}_count", label, histogram.count
