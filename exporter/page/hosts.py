"""The hosts on the page: memory by priority as a bar, and what the loss of each would cost.

Pure, from the pool and the planner's results; the sums are those of the metrics of the same name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from exporter.facts import Facts
from exporter.names import called, natural
from exporter.page import words
from exporter.page.recovery import within
from exporter.page.tone import Tone
from exporter.state import HostLoss
from planner.model import Host, Pool
from planner.results import Span
from planner.schedule.prediction import RecoveryTime

KINDS = ("control-domain", "restart", "best-effort", "unprotected")
KIND_TEXTS = {
    "control-domain": "control domain and Xen",
    "restart": "protected",
    "best-effort": "best-effort",
    "unprotected": "unprotected",
    "free": "free",
}


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A colour of the bars."""

    kind: str
    text: str
    size: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a memory bar; x and width in per cent."""

    kind: str
    label: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Loss:
    """What the failure of a host would cost. `known`: there is a figure."""

    text: str
    tone: Tone
    known: bool = True


@dataclass(frozen=True, slots=True)
class HostView:
    """One host with its memory."""

    uuid: str
    name: str
    badges: tuple[tuple[str, Tone], ...]
    segments: tuple[Segment, ...]
    memory: str
    free: str
    room: str
    """The largest VM that can start on it with the target kept; empty: not known."""
    loss: Loss
    vms: str


def host_views(
    facts: Facts,
    losses: Mapping[str, HostLoss],
    rooms: Mapping[str, Span],
    recoveries: Mapping[str, RecoveryTime],
    *,
    current: bool,
) -> tuple[HostView, ...]:
    """Return the hosts by name.

    `losses`, `rooms` (what can start on each) and `recoveries` (how long a failure lasts) are by host UUID,
    as far as worked out; `current`: they still hold.
    """
    pool, used, vms = facts.pool, facts.memory_used_bytes, _vms_by_host(facts.pool)
    hosts = sorted(pool.hosts, key=lambda host: (natural(host.name), host.uuid))
    return tuple(
        _host(
            pool,
            host,
            used,
            vms[host.uuid],
            rooms.get(host.uuid),
            _loss(host, losses.get(host.uuid), recoveries.get(host.uuid), current),
        )
        for host in hosts
    )


def _vms_by_host(pool: Pool) -> Counter[str]:
    guests = (vm for vm in pool.vms if not vm.is_control_domain)
    return Counter(host for vm in guests for host in vm.occupies)


def _host(
    pool: Pool, host: Host, used: Mapping[tuple[str, str], int], vms: int, room: Span | None, loss: Loss
) -> HostView:
    parts = {kind: used[host.uuid, kind] for kind in KINDS}
    parts["control-domain"] += host.memory_overhead_bytes
    return HostView(
        uuid=host.uuid,
        name=called(host),
        badges=tuple(_badges(pool, host)),
        segments=_segments(host.memory_total_bytes, parts),
        memory=words.size(host.memory_total_bytes),
        free=words.size(pool.free_bytes(host.uuid)),
        room="" if room is None else words.room(room),
        loss=loss,
        vms=words.plural(vms, "VM"),
    )


def _badges(pool: Pool, host: Host) -> list[tuple[str, Tone]]:
    found: list[tuple[str, Tone]] = []
    if host.uuid == pool.master:
        found.append(("master", "plain"))
    if not host.live:
        found.append(("not live", "bad"))
    if not host.enabled:
        found.append(("disabled", "unknown"))
    return found


def _loss(host: Host, loss: HostLoss | None, recovery: RecoveryTime | None, current: bool) -> Loss:
    """Return how many protected VMs would stay down if the host failed; never "good" by old figures."""
    if not host.in_service:
        return Loss("out of service", "plain", known=False)
    if loss is None:
        return Loss("not worked out yet", "unknown", known=False)
    if loss.unplaced_vms == 0:
        return Loss(f"all restart{within(recovery)}", "good" if current else "plain")
    stay = f"{loss.unplaced_vms} stay{'s' if loss.unplaced_vms == 1 else ''} down"
    return Loss(stay, "bad") if loss.proven else Loss(f"at most {stay}", "unknown")


def _segments(total_bytes: int, used: Mapping[str, int]) -> tuple[Segment, ...]:
    """Return the parts of a host's bar; one that holds more than it has is drawn as full."""
    free = max(0, total_bytes - sum(used.values()))
    scale = 100 / max(1, sum(used.values()) + free)
    found, x = [], 0.0
    for kind, part_bytes in (*used.items(), ("free", free)):
        if part_bytes:
            width = part_bytes * scale
            label = f"{KIND_TEXTS[kind]}: {words.size(part_bytes)}"
            found.append(Segment(kind, label, round(x, 3), round(width, 3)))
            x += width
    return tuple(found)


def legend(facts: Facts) -> tuple[LegendEntry, ...]:
    """Return what the colours of the bars mean, with their sums over the pool."""
    pool, used = facts.pool, facts.memory_used_bytes
    sums = {kind: sum(used[host.uuid, kind] for host in pool.hosts) for kind in KINDS}
    sums["control-domain"] += sum(host.memory_overhead_bytes for host in pool.hosts)
    sums["free"] = sum(pool.free_bytes(host.uuid) for host in pool.hosts)
    return tuple(LegendEntry(kind, KIND_TEXTS[kind], words.size(value)) for kind, value in sums.items())
