"""A pool as integers: what tolerance and placement compute with.

Hosts are indices into `Pool.hosts_in_service`; a set of hosts is a bit mask. VMs are the protected ones that
run on a host in service or are down (DESIGN §2); nobody else moves, everybody else only takes memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.agility import Reach
from planner.model import VM, Pool

DOWN = -1
"""`home` of a VM that is down."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The protected VMs of a pool and the room for them.

    `hosts` n uuids; `free_bytes` n; `vms` m uuids; `need_bytes`, `home` and `candidates` m each; `home` is a
    host index or DOWN; `candidates` are masks over the n hosts (the home may or may not be among them).
    """

    hosts: tuple[str, ...]
    free_bytes: tuple[int, ...]
    vms: tuple[str, ...]
    need_bytes: tuple[int, ...]
    home: tuple[int, ...]
    candidates: tuple[int, ...]
    cap: int | None
    """Quorum cap of the figure (DESIGN §5.2 "quorum"); None without one."""

    @property
    def everywhere(self) -> int:
        """Return the mask of all hosts."""
        return (1 << len(self.hosts)) - 1


def problem_of(pool: Pool) -> Problem:
    """Return the integers of a pool."""
    index = {host.uuid: i for i, host in enumerate(pool.hosts_in_service)}
    vms = [vm for vm in pool.protected_vms if vm.power_state != "Suspended"]
    return Problem(
        hosts=tuple(index),
        free_bytes=tuple(pool.free_bytes(uuid) for uuid in index),
        vms=tuple([vm.uuid for vm in vms]),
        need_bytes=tuple([vm.memory_static_max_bytes + vm.memory_overhead_bytes for vm in vms]),
        home=_homes(vms, index),
        candidates=tuple(Reach(pool).masks(vms)),
        cap=quorum_cap(pool),
    )


def _homes(vms: list[VM], index: dict[str, int]) -> tuple[int, ...]:
    """Return every protected VM's host by index, DOWN if the VM is Halted or its home not in service."""
    find = index.get
    return tuple(
        [
            DOWN
            if vm.power_state == "Halted"
            else find(vm.resident_on or vm.scheduled_to_be_resident_on or "", DOWN)
            for vm in vms
        ]
    )


def quorum_cap(pool: Pool) -> int | None:
    """Return how many more hosts a clustered pool may lose with its majority kept; None without a cap."""
    if pool.quorum != "majority":
        return None
    dead = sum(not host.live for host in pool.hosts)
    return max(0, (len(pool.hosts) - 1) // 2 - dead)
