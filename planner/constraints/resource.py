"""What hosts have and VMs take beside memory: the shape that every counted constraint has.

A constraint says how much of something each host still has for VMs that come, and how much of it each VM
takes. It holds if on no host those who come take more than there is. Everything that proves, packs and judges
speaks of such resources and knows no constraint by name, so a new one is one file and a line in `counted`.
Must never weigh a preference: what is here can lower a figure.
"""

from __future__ import annotations

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
class Demand:
    """One constraint of a pool: `room` ≥ 0 by host uuid, `use` > 0 by VM uuid (nothing for the others)."""

    reason: Reason
    name: str
    """For people: a group's name, or what is counted."""
    room: Mapping[str, int]
    use: Mapping[str, int]

    def binds(self, vms: Iterable[VM]) -> bool:
        """Tell whether some of these VMs could ever find too little on a host that is not their home."""
        homes: dict[str | None, int] = {}
        for vm in vms:
            if vm.uuid in self.use:
                home = None if vm.power_state == "Halted" else vm.home
                homes[home] = homes.get(home, 0) + self.use[vm.uuid]
        whole = sum(homes.values())
        return any(room < whole - homes.get(host, 0) for host, room in self.room.items())


@dataclass(frozen=True, slots=True)
class Resource:
    """A constraint in integers: `room` by host index."""

    reason: Reason
    name: str
    room: tuple[int, ...]


Source = Callable[[Pool, Rules], Iterator[Demand]]


def resources_of(
    demands: Sequence[Demand], hosts: Sequence[str], vms: Sequence[VM], *, all_of_them: bool = False
) -> tuple[tuple[Resource, ...], tuple[Uses, ...]]:
    """Return the resources over these hosts, and what each of these VMs takes; both empty if none matters.

    Left out is what can never bind these VMs, unless `all_of_them` are wanted: by those who add or move VMs.
    """
    kept = [demand for demand in demands if all_of_them or demand.binds(vms)]
    if not kept:
        return (), ()
    resources = tuple(
        Resource(demand.reason, demand.name, tuple([demand.room[host] for host in hosts])) for demand in kept
    )
    uses = tuple(
        tuple([(r, demand.use[vm.uuid]) for r, demand in enumerate(kept) if vm.uuid in demand.use])
        for vm in vms
    )
    return resources, uses
