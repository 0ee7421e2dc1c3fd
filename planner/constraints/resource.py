"""What hosts have and VMs take beside memory: the shape that every counted constraint has.

A constraint says how much of something each host has, and how much of it each VM takes where it takes memory.
It holds if on no host the VMs that come take more than is left. Everything that proves, packs and judges
speaks of such resources and knows no constraint by name, so a new one is one file and a line in `counted`.
Must never weigh a preference: what is here can lower a figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from planner.constraints.rules import Rules
from planner.model import VM, Pool

Reason = Literal["cpu", "affinity"]
"""What a witness calls it (DESIGN §5.3)."""

Uses = tuple[tuple[int, int], ...]
"""(index of a resource, how much > 0), by rising index: what one VM takes."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One constraint of a pool: `capacity` by host uuid, `use` > 0 by VM uuid (the others take nothing)."""

    reason: Reason
    name: str
    """For people: a group's name, or what is counted."""
    capacity: Mapping[str, int]
    use: Mapping[str, int]

    def left(self, pool: Pool) -> dict[str, int]:
        """Return what each host has left beside the VMs that take memory there; below 0 if it is over."""
        left, vms = dict(self.capacity), pool.vm_by_uuid
        for uuid, amount in self.use.items():
            for host in vms[uuid].occupies:
                left[host] -= amount
        return left


Source = Callable[[Pool, Rules], Iterator[Limit]]


@dataclass(frozen=True, slots=True)
class Resource:
    """A constraint in integers: `room` by host index, ≥ 0."""

    reason: Reason
    name: str
    room: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Resources:
    """All constraints of a pool, with what is left of each on each host in service (`left`, unclamped)."""

    limits: tuple[Limit, ...]
    left: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, pool: Pool, limits: Iterable[Limit]) -> Resources:
        """Read a pool."""
        each = tuple(limits)
        hosts = [host.uuid for host in pool.hosts_in_service]
        lefts = [limit.left(pool) for limit in each]
        return cls(each, tuple(tuple([left[host] for host in hosts]) for left in lefts))

    @property
    def rooms(self) -> tuple[Resource, ...]:
        """The constraints in integers; what is over counts as nothing left."""
        return tuple(
            Resource(limit.reason, limit.name, tuple([max(0, free) for free in left]))
            for limit, left in zip(self.limits, self.left, strict=True)
        )

    def uses(self, vms: Sequence[VM]) -> tuple[Uses, ...]:
        """Return what each of these VMs takes; empty if there are no constraints."""
        if not self.limits:
            return ()
        taken: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for r, limit in enumerate(self.limits):
            for uuid, amount in limit.use.items():
                taken[uuid].append((r, amount))
        return tuple([tuple(taken.get(vm.uuid, ())) for vm in vms])
