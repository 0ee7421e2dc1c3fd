"""What the daemon tells of itself: machine, pump and shell put into one snapshot. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hacore import VERSION, status
from hacore.config import Config
from hacore.core.events import DiskCycle, Heard
from hacore.core.timing import NS
from hacore.core.view import View
from hacore.core.words import spoken
from hacore.edge.channels import Channel, Channels, warning_percent
from hacore.edge.doors import Histogram, Meters, NetMeter
from hacore.edge.parts import Memory
from hacore.records import NOBODY, PacketBody, SlotBody


@dataclass(frozen=True, slots=True)
class Moment:
    """All that a snapshot is made of."""

    config: Config
    now_ns: int
    wall_seconds: float
    started_ns: int
    view: View
    meters: Meters
    channels: Channels
    cycle: DiskCycle | None  # the newest one
    heard: Heard
    carriers: tuple[bool | None, ...]
    arbiters: int  # that are asked
    driver: str
    memory: Memory
    warnings: tuple[str, ...]


def status_of(moment: Moment) -> status.Status:
    """Return the snapshot."""
    config, view, now_ns = moment.config, moment.view, moment.now_ns
    me = config.me
    return status.Status(
        version=VERSION,
        at_seconds=moment.wall_seconds,
        uptime_seconds=(now_ns - moment.started_ns) / NS,
        host=status.Host(me.uuid, me.name, config.host),
        generation=config.generation,
        intervals=status.intervals_of(config.timing),
        isolation=config.isolation,
        quorum=config.quorum,
        weight=view.weight,
        state=view.state.name.lower(),
        state_age_seconds=max(0, now_ns - (view.since_ns or moment.started_ns)) / NS,
        armed=view.armed,
        watchdog=_watchdog(moment),
        epoch=view.epoch,
        liveset=_uuids(config, view.liveset),
        leader=None if view.leader == NOBODY else config.hosts[view.leader].uuid,
        cause=view.decided.cause.name.lower(),
        dead=_uuids(config, view.dead),
        condemned=_uuids(config, view.condemned),
        mode=str(view.mode),
        network_degraded=view.degraded,
        unresolved=view.unresolved,
        waiting=str(spoken(view.waiting, config.name_of)),
        check_in_age_seconds=_age_seconds(moment.meters.dog.checked_in_ns, now_ns) or 0.0,
        storage=_storage(moment),
        networks=tuple(_network(moment, i) for i in range(len(config.networks))),
        peers=tuple(_peer(moment, i) for i in range(len(config.hosts)) if i != config.host),
        evidence=_evidence(moment),
        fences=_fences(moment),
        warnings=moment.warnings,
        refused_packets=_sum(meter.refused for meter in moment.meters.networks),
        disbelieved_slots=_sum([moment.meters.disk.refused]),
    )


def _uuids(config: Config, mask: int) -> tuple[str, ...]:
    return tuple(host.uuid for i, host in enumerate(config.hosts) if mask >> i & 1)


def _age_seconds(at_ns: int, now_ns: int) -> float | None:
    return max(0, now_ns - at_ns) / NS if at_ns else None


def _histogram(found: Histogram) -> status.Histogram:
    return status.Histogram(status.LATENCY_BOUNDS_SECONDS, found.counts, found.sum_ns / NS)


def _sum(tallies: Iterable[tuple[tuple[str, int], ...]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for tally in tallies:
        for name, count in tally:
            total[name] = total.get(name, 0) + count
    return total


def _watchdog(moment: Moment) -> status.Watchdog:
    timing, dog = moment.config.timing, moment.meters.dog
    left_ns = dog.since_ns + timing.timeout_ns - moment.now_ns
    return status.Watchdog(
        driver=moment.driver,
        timeout_seconds=timing.watchdog_ns / NS,
        deadline_in_seconds=left_ns / NS if dog.since_ns else None,
        last_ping_age_seconds=_age_seconds(dog.last_ping_ns, moment.now_ns),
    )


def _storage(moment: Moment) -> status.Storage:
    disk = moment.meters.disk
    return status.Storage(
        works=moment.view.storage,
        good_cycle_age_seconds=_age_seconds(disk.good_since_ns, moment.now_ns),
        running_io_age_seconds=disk.running_ns / NS if disk.running_ns else None,
        copies_left=moment.view.copies_left,
        missed_intervals=moment.meters.disk_beat.missed,
        failed_writes=disk.failed_writes,
        failed_reads=disk.failed_reads,
        write=_histogram(disk.write),
        read=_histogram(disk.read),
        cycle=_histogram(disk.cycle),
        lateness=_histogram(moment.meters.disk_beat.lateness),
    )


def _network(moment: Moment, i: int) -> status.Network:
    network, meter, beat = moment.config.networks[i], moment.meters.networks[i], moment.meters.net_beat
    return status.Network(
        name=network.name,
        interface=network.interface,
        carrier=moment.carriers[i] if moment.carriers else None,
        sent_packets=meter.sent,
        received_packets=meter.received,
        failed_sends=sum(count for _, count in meter.send_errors),
        missed_intervals=beat.missed,
        lateness=_histogram(beat.lateness),
    )


def _peer(moment: Moment, i: int) -> status.Peer:
    host = moment.config.hosts[i]
    slot = moment.cycle.bodies[i] if moment.cycle else None
    packet = moment.heard.bodies[i]
    spoken: SlotBody | PacketBody | None = packet if _is_fresh(moment, i) else slot or packet
    return status.Peer(
        uuid=host.uuid,
        name=host.name,
        index=i,
        state=None if spoken is None else spoken.state.name.lower(),
        armed=None if slot is None else slot.armed,
        epoch=None if spoken is None else _epoch(spoken),
        storage=None if spoken is None else spoken.storage,
        carrier=None if spoken is None else spoken.carrier,
        arbiters=None if spoken is None else spoken.arbiters,
        weight=None if spoken is None else spoken.weight,
        channels=tuple(_channels(moment, i)),
    )


def _is_fresh(moment: Moment, i: int) -> bool:
    """Tell whether a peer's packets are newer than its slot: they come more often and say the same."""
    return moment.heard.bodies[i] is not None and moment.heard.heard_ns[i] >= moment.channels.disk.seen_ns[i]


def _epoch(spoken: SlotBody | PacketBody) -> int:
    return spoken.decided.epoch if isinstance(spoken, SlotBody) else spoken.epoch


def _channels(moment: Moment, i: int) -> Iterable[status.Channel]:
    timing, config = moment.config.timing, moment.config
    yield _channel(moment, status.DISK, moment.channels.disk, i, timing.silence_ns, "")
    for network, channel, meter in zip(
        config.networks, moment.channels.networks, moment.meters.networks, strict=True
    ):
        address = address_of(meter, i) or (config.hosts[i].addresses[config.networks.index(network)])
        yield _channel(moment, network.name, channel, i, timing.unheard_ns, address)


def address_of(meter: NetMeter, host: int) -> str:
    """Return where a peer speaks from on a network, "" if it was never heard there."""
    found = meter.addresses[host]
    return found[0] if found and meter.heard_ns[host] else ""


def _channel(
    moment: Moment, name: str, channel: Channel, i: int, timeout_ns: int, address: str
) -> status.Channel:
    age_ns = channel.age_ns(i, moment.now_ns)
    return status.Channel(
        name=name,
        age_seconds=None if age_ns is None else age_ns / NS,
        timeout_seconds=timeout_ns / NS,
        missed_intervals=channel.missed(i, moment.now_ns),
        warning_percent=warning_percent(age_ns, timeout_ns),
        address=address,
    )


def _evidence(moment: Moment) -> status.Evidence:
    known = [carrier for carrier in moment.carriers if carrier is not None]
    return status.Evidence(any(known) if known else None, moment.view.arbiters, moment.arbiters)


def _fences(moment: Moment) -> status.Fences:
    cause = moment.view.fence.name.lower()
    memory = moment.memory
    return status.Fences(
        last_cause=cause if cause != "none" else memory.last_cause,
        last_at_seconds=memory.last_at_seconds,
        by_cause=memory.by_cause,
    )
