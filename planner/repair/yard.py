"""The pool as a yard: which VMs can be moved, and the pool's integers once some have been.

A VM can be moved if it runs on one live host and is not on its way to another. Equal VMs of one host are one
group: which of them goes makes no difference. Decides nothing; must never lose a byte to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from planner.agility import Reach
from planner.model import VM, Pool
from planner.placement.problem import Problem, problem_of

OUTSIDE = -1
"""Home of a VM that runs on a live host which is not in service: it may leave, nothing may come."""


@dataclass(frozen=True, slots=True)
class Group:
    """VMs that are the same to every move: `vms` are uuids, `home` a host index or OUTSIDE."""

    need_bytes: int
    protected: bool
    candidates: int
    home: int
    vms: tuple[str, ...]


Displaced = tuple[tuple[int, int], ...]
"""Who is elsewhere: sorted (group, host), one entry a VM. The first VMs of a group are those that go."""


@dataclass(frozen=True)
class Yard:
    """A pool's integers and its movable VMs; `free_bytes` before clamping at 0."""

    problem: Problem
    free_bytes: tuple[int, ...]
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, pool: Pool) -> Yard:
        """Read a pool."""
        problem = problem_of(pool)
        index = {uuid: i for i, uuid in enumerate(problem.hosts)}
        vms = [vm for vm in pool.vms if movable(pool, vm)]
        members: dict[tuple[int, bool, int, int, str], list[str]] = {}
        for vm, mask in zip(vms, Reach(pool).masks(vms), strict=True):
            home = index.get(vm.resident_on or "", OUTSIDE)
            outside = (vm.resident_on or "") if home == OUTSIDE else ""
            members.setdefault((vm.need_bytes, vm.protected, mask, home, outside), []).append(vm.uuid)
        groups = [Group(*key[:4], tuple(sorted(uuids))) for key, uuids in members.items()]
        groups.sort(key=lambda group: (group.need_bytes, group.home, group.vms))
        free = tuple(pool.free_unclamped_bytes[uuid] for uuid in problem.hosts)
        return cls(problem, free, tuple(groups))

    @cached_property
    def _row(self) -> Mapping[str, int]:
        return {uuid: i for i, uuid in enumerate(self.problem.vms)}

    @cached_property
    def loads(self) -> list[int]:
        """The memory of the movable VMs of each host."""
        loads = [0] * len(self.problem.hosts)
        for group in self.groups:
            if group.home != OUTSIDE:
                loads[group.home] += group.need_bytes * len(group.vms)
        return loads

    def free_after(self, displaced: Displaced) -> list[int]:
        """Return the free memory of each host, unclamped, with these VMs elsewhere."""
        free = list(self.free_bytes)
        for number, to in displaced:
            group = self.groups[number]
            free[to] -= group.need_bytes
            if group.home != OUTSIDE:
                free[group.home] += group.need_bytes
        return free

    def problem_after(self, displaced: Displaced) -> Problem:
        """Return the pool's integers with these VMs elsewhere."""
        home = list(self.problem.home)
        for uuid, to in self.named(displaced):
            if uuid in self._row:
                home[self._row[uuid]] = to
        free = tuple(max(0, free) for free in self.free_after(displaced))
        return replace(self.problem, free_bytes=free, home=tuple(home))

    def overfull(self, displaced: Displaced) -> int | None:
        """Return a host that VMs came to and that holds more than it has; None if there is none."""
        free = self.free_after(displaced)
        return next((to for _, to in displaced if free[to] < 0), None)

    def named(self, displaced: Displaced) -> list[tuple[str, int]]:
        """Return the uuids of the displaced VMs, and where they are."""
        used = [0] * len(self.groups)
        found = []
        for number, to in displaced:
            found.append((self.groups[number].vms[used[number]], to))
            used[number] += 1
        return found

    def left(self, displaced: Displaced) -> list[int]:
        """Return how many VMs of each group are still at home."""
        left = [len(group.vms) for group in self.groups]
        for number, _ in displaced:
            left[number] -= 1
        return left

    def weight_bytes(self, displaced: Sequence[tuple[int, int]]) -> int:
        """Return how much memory is moved."""
        return sum(self.groups[number].need_bytes for number, _ in displaced)


def movable(pool: Pool, vm: VM) -> bool:
    """Tell whether a VM can be migrated now."""
    runs = vm.power_state in ("Running", "Paused") and not vm.is_control_domain
    if not runs or vm.resident_on is None:
        return False
    settled = vm.scheduled_to_be_resident_on in (None, vm.resident_on)
    return settled and pool.host_by_uuid[vm.resident_on].live
