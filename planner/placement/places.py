"""Hosts and VMs of a pool as the packers see them: room, and pieces that go somewhere. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from planner.agility import Reach
from planner.constraints.resource import Limit, Resources
from planner.model import VM, Host, Pool
from planner.placement.spread import Piece, Room


def room_of(pool: Pool, resources: Resources) -> Room:
    """Return what the hosts in service have left for VMs that come."""
    hosts = pool.hosts_in_service
    return Room(
        free_bytes=tuple(pool.free_bytes(host.uuid) for host in hosts),
        total_bytes=tuple(host.memory_total_bytes for host in hosts),
        rooms=tuple(resource.room for resource in resources.rooms),
    )


def pieces_of(pool: Pool, vms: Sequence[VM], resources: Resources) -> list[Piece]:
    """Return each VM as a piece that may go to all its candidate hosts in service."""
    masks = Reach(pool).masks(vms)
    uses = resources.uses(vms) or ((),) * len(vms)
    return [Piece(vm.need_bytes, mask, taken) for vm, mask, taken in zip(vms, masks, uses, strict=True)]


def lacking(
    resources: Resources, hosts: Sequence[Host], placed: Iterable[tuple[VM, int]]
) -> Callable[[VM, Host], Limit | None]:
    """Return who tells what, beside memory, a host has too little of for a VM, once `placed` are there.

    `placed`: VMs with the index of their host among `hosts`, those in service.
    """
    left = [list(room) for room in resources.left]
    index = {host.uuid: i for i, host in enumerate(hosts)}
    for vm, host in placed:
        for limit, room in zip(resources.limits, left, strict=True):
            room[host] -= limit.use.get(vm.uuid, 0)

    def first(vm: VM, host: Host) -> Limit | None:
        for limit, room in zip(resources.limits, left, strict=True):
            if 0 < limit.use.get(vm.uuid, 0) > max(0, room[index[host.uuid]]):
                return limit
        return None

    return first
