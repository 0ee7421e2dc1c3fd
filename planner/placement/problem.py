"""A pool as integers: what tolerance and placement compute with.

Hosts are indices into `Pool.hosts_in_service`; a set of hosts is a bit mask. VMs are the protected ones that
run on a host in service or are down (DESIGN §2); nobody else moves, everybody else only takes memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.agility import Reach
from planner.constraints.counted import resources_of
from planner.constraints.resource import Resource, Uses
from planner.constraints.rules import NO_RULES, Rules
from planner.model import VM, Pool

DOWN = -1
"""`home` of a VM that is down."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The protected VMs of a pool and the room for them.

    `hosts` n uuids; `free_bytes` n; `vms` m uuids; `need_bytes`, `home` and `candidates` m each; `home` is a
    host index or DOWN; `candidates` are masks over the n hosts (the home may or may not be among them).
    `resources` are what else hosts have so much of; `uses` m, what of them each VM takes, or empty if there
    are none. A proof that does not know of them may refute, and must not claim.
    """

    hosts: tuple[str, ...]
    free_bytes: tuple[int, ...]
    vms: tuple[str, ...]
    need_bytes: tuple[int, ...]
    home: tuple[int, ...]
    candidates: tuple[int, ...]
    cap: int | None
    """Quorum cap of the figure (DESIGN §5.2 "quorum"); None without one."""
    resources: tuple[Resource, ...] = ()
    uses: tuple[Uses, ...] = ()

    @property
    def everywhere(self) -> int:
        """Return the mask of all hosts."""
        return (1 << len(self.hosts)) - 1

    @property
    def relaxed(self) -> Problem:
        """Return the same with memory and reach only: what it does not survive, nobody survives."""
        return replace(self, resources=(), uses=()) if self.resources else self

    @property
    def pruned(self) -> Problem:
        """Return the same without the resources of which no VM could ever find too little.

        A VM restarts only where it has not been: where all others together find enough, nothing can bind.
        """
        if not self.resources:
            return self
        asked = [[0] * (len(self.hosts) + 1) for _ in self.resources]
        for uses, home in zip(self.uses, self.home, strict=True):
            for resource, amount in uses:
                asked[resource][home] += amount  # the last place is for those who are down
        kept = [
            r
            for r, resource in enumerate(self.resources)
            if any(room < sum(asked[r]) - asked[r][host] for host, room in enumerate(resource.room))
        ]
        if len(kept) == len(self.resources):
            return self
        new = {r: i for i, r in enumerate(kept)}
        return replace(
            self,
            resources=tuple(self.resources[r] for r in kept),
            uses=tuple([tuple([(new[r], n) for r, n in uses if r in new]) for uses in self.uses])
            if kept
            else (),
        )


def problem_of(pool: Pool, rules: Rules = NO_RULES, *, all_resources: bool = False) -> Problem:
    """Return the integers of a pool under rules (memory rules must have been applied to it).

    Resources that never bind are left out, unless `all_resources`: for those who add or move VMs.
    """
    index = {host.uuid: i for i, host in enumerate(pool.hosts_in_service)}
    vms = [vm for vm in pool.protected_vms if vm.power_state != "Suspended"]
    resources = resources_of(pool, rules)
    problem = Problem(
        hosts=tuple(index),
        free_bytes=tuple(pool.free_bytes(uuid) for uuid in index),
        vms=tuple([vm.uuid for vm in vms]),
        need_bytes=tuple([vm.memory_static_max_bytes + vm.memory_overhead_bytes for vm in vms]),
        home=_homes(vms, index),
        candidates=tuple(Reach(pool).masks(vms)),
        cap=quorum_cap(pool),
        resources=resources.rooms,
        uses=resources.uses(vms),
    )
    return problem if all_resources else problem.pruned


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
