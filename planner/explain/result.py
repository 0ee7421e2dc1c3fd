"""The parts of an explanation and their JSON, "xenha-explain/1". Values; words are the commands' business."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from planner.results import Span, Tolerance, UnplacedReason, WitnessReason

Cause = Literal[
    "pinned_vm",
    "coarse_bound",
    "packing_order",
    "order_of_failures",
    "search_by_halves",
    "memory_policy",
    "reserve",
    "zero_untested",
    "not_counted",
    "nothing_protected",
    "quorum",
    "open",
    "other",
]
"""Why xapi's figure is another: what it does differently (DESIGN B11)."""


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A VM that stays down in the best restart after the loss.

    `closest_host` is the candidate with most room once the others have restarted, None without a candidate;
    with `missing_bytes` more there it would fit as well. `places` counts how many VMs of its need the
    survivors it may run on can hold, each by itself; `as_large_vms` the restarting VMs of at least its need
    that may run on no other survivors, itself included: if these are more, this alone proves that one stays
    down. `without` is the figure if the VM were not protected, None where that was not worked out.
    """

    vm: str
    need_bytes: int
    reason: UnplacedReason
    closest_host: str | None
    free_bytes: int
    missing_bytes: int
    places: int
    as_large_vms: int
    without: Span | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The loss that is not survived. `proven`: no other restart is better by order, then by memory.

    `restart_bytes` are the needs of the VMs that must restart, `free_bytes` what is free on the survivors,
    `packable_bytes` the most of it that these VMs can fill, host by host.
    """

    hosts: tuple[str, ...]
    reason: WitnessReason
    vms: tuple[str, ...]
    restart_vms: int
    restart_bytes: int
    free_bytes: int
    packable_bytes: Span
    left_vms: int
    left: tuple[LeftOver, ...]
    """The largest of them."""
    proven: bool

    @property
    def missing_bytes(self) -> int:
        """Return by how much memory alone is short: 0 where it is enough in all, but in pieces."""
        return max(0, self.restart_bytes - self.packable_bytes.upper)


@dataclass(frozen=True, slots=True)
class HostRoom:
    """Free memory of a host, and the most of it that the protected VMs of other hosts can fill."""

    host: str
    free_bytes: int
    packable_bytes: Span


@dataclass(frozen=True, slots=True)
class Fragmentation:
    """What of the free memory is of use: K_h of TOLERANCE §3 with the sizes of VMs as prices."""

    hosts: tuple[HostRoom, ...]

    @property
    def free_bytes(self) -> int:
        return sum(host.free_bytes for host in self.hosts)

    @property
    def packable_bytes(self) -> Span:
        return total(host.packable_bytes for host in self.hosts)


@dataclass(frozen=True, slots=True)
class Coarseness:
    """xapi's rule for large pools at the first number of failures that it denies."""

    biggest_bytes: int
    places: int
    to_move: int


@dataclass(frozen=True, slots=True)
class XapiDifference:
    """What xapi's own rule says of this pool, and the causes why that is not our figure; none: they agree.

    `failures` is the first number that xapi denies. `vms` are those that are tied to hosts (pinned_vm);
    `coarse` and `trap` (hosts in the order in which they fail) are its reasons at that number.
    """

    figure: int
    failures: int
    causes: tuple[Cause, ...]
    vms: tuple[str, ...] = ()
    coarse: Coarseness | None = None
    trap: tuple[str, ...] = ()
    trap_need_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that explains one pool's figure."""

    tolerance: Tolerance
    limits: Limits | None
    fragmentation: Fragmentation
    xapi: XapiDifference
    elapsed_seconds: float

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "xenha-explain/1",
            "tolerance": self.tolerance.to_json(),
            "limits": _limits(self.limits) if self.limits else None,
            "fragmentation": {
                "free_bytes": self.fragmentation.free_bytes,
                **_span("packable", self.fragmentation.packable_bytes),
                "hosts": [
                    {
                        "host": room.host,
                        "free_bytes": room.free_bytes,
                        **_span("packable", room.packable_bytes),
                    }
                    for room in self.fragmentation.hosts
                ],
            },
            "xapi": asdict(self.xapi),
            "elapsed_seconds": self.elapsed_seconds,
        }


def total(spans: Any) -> Span:
    """Return the sum of spans."""
    found = list(spans)
    return Span(sum(span.lower for span in found), sum(span.upper for span in found))


def _limits(limits: Limits) -> dict[str, Any]:
    return {
        "hosts": list(limits.hosts),
        "reason": limits.reason,
        "vms": list(limits.vms),
        "restart_vms": limits.restart_vms,
        "restart_bytes": limits.restart_bytes,
        "free_bytes": limits.free_bytes,
        **_span("packable", limits.packable_bytes),
        "missing_bytes": limits.missing_bytes,
        "left_vms": limits.left_vms,
        "left": [_left(vm) for vm in limits.left],
        "proven": limits.proven,
    }


def _left(vm: LeftOver) -> dict[str, Any]:
    without = None if vm.without is None else {"lower": vm.without.lower, "upper": vm.without.upper}
    return {
        "vm": vm.vm,
        "need_bytes": vm.need_bytes,
        "reason": vm.reason,
        "closest_host": vm.closest_host,
        "free_bytes": vm.free_bytes,
        "missing_bytes": vm.missing_bytes,
        "places": vm.places,
        "as_large_vms": vm.as_large_vms,
        "tolerance_without": without,
    }


def _span(name: str, span: Span) -> dict[str, int]:
    return {f"{name}_bytes": span.lower, f"{name}_upper_bytes": span.upper}
