"""The pool as a yard: which VMs can be moved, and the pool's integers once some have been.

A VM can be moved if it runs on one live host and is not on its way to another. Equal VMs of one host are one
group: which of them goes makes no difference. Decides nothing; must never lose a byte to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from planner.agility import Reach
from planner.constraints.counted import resources_of
from planner.constraints.resource import Uses
from planner.constraints.rules import NO_RULES, Rules
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
    uses: Uses = ()
    """What each takes of the yard's `rooms`."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What each host has left, unclamped: memory, and of each resource a row."""

    free_bytes: tuple[int, ...]
    rooms: tuple[tuple[int, ...], ...]

    def fits(self, group: Group, to: int) -> bool:
        """Tell whether one VM of the group could come to a host."""
        if self.free_bytes[to] < group.need_bytes:
            return False
        return all(self.rooms[resource][to] >= amount for resource, amount in group.uses)


Displaced = tuple[tuple[int, int], ...]
"""Who is elsewhere: sorted (group, host), one entry a VM. The first VMs of a group are those that go."""


@dataclass(frozen=True)
class Yard:
    """A pool's integers (all resources) and its movable VMs; `free_bytes`, `rooms` before clamping at 0."""

    problem: Problem
    free_bytes: tuple[int, ...]
    groups: tuple[Group, ...]
    rooms: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, pool: Pool, rules: Rules = NO_RULES) -> Yard:
        """Read a pool under rules (memory rules must have been applied to it)."""
        problem = problem_of(pool, rules, all_resources=True)
        resources = resources_of(pool, rules)
        index = {uuid: i for i, uuid in enumerate(problem.hosts)}
        vms = [vm for vm in pool.vms if movable(pool, vm)]
        members: dict[tuple[int, bool, int, int, str, Uses], list[str]] = {}
        uses = resources.uses(vms) or ((),) * len(vms)
        for vm, mask, taken in zip(vms, Reach(pool).masks(vms), uses, strict=True):
            home = index.get(vm.resident_on or "", OUTSIDE)
            outside = (vm.resident_on or "") if home == OUTSIDE else ""
            key = (vm.need_bytes, vm.protected, mask, home, outside, taken)
            members.setdefault(key, []).append(vm.uuid)
        groups = [Group(*key[:4], tuple(sorted(uuids)), key[5]) for key, uuids in members.items()]
        groups.sort(key=lambda group: (group.need_bytes, group.home, group.vms))
        free = tuple(pool.free_unclamped_bytes[uuid] for uuid in problem.hosts)
        return cls(problem, free, tuple(groups), resources.left)

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

    def rooms_after(self, displaced: Displaced) -> list[list[int]]:
        """Return what each host has left of each resource, unclamped, with these VMs elsewhere."""
        rooms = [list(row) for row in self.rooms]
        for number, to in displaced:
            group = self.groups[number]
            for resource, amount in group.uses:
                rooms[resource][to] -= amount
                if group.home != OUTSIDE:
                    rooms[resource][group.home] += amount
        return rooms

    def stock(self, displaced: Displaced) -> Stock:
        """Return what each host has left with these VMs elsewhere."""
        rooms = tuple(map(tuple, self.rooms_after(displaced)))
        return Stock(tuple(self.free_after(displaced)), rooms)

    def problem_after(self, displaced: Displaced) -> Problem:
        """Return the pool's integers with these VMs elsewhere."""
        home = list(self.problem.home)
        for uuid, to in self.named(displaced):
            if uuid in self._row:
                home[self._row[uuid]] = to
        free = tuple(max(0, free) for free in self.free_after(displaced))
        resources = tuple(
            replace(resource, room=tuple([max(0, left) for left in room]))
            for resource, room in zip(self.problem.resources, self.rooms_after(displaced), strict=True)
        )
        return replace(self.problem, free_bytes=free, home=tuple(home), resources=resources)

    def overfull(self, displaced: Displaced) -> int | None:
        """Return a host that has less than the VMs take that came to it; None if there is none.

        Of what they do not take it may have less than nothing, as it had before.
        """
        free, rooms = self.free_after(displaced), self.rooms_after(displaced)
        for number, to in displaced:
            taken = [rooms[resource] for resource, _ in self.groups[number].uses]
            if any(row[to] < 0 for row in (free, *taken)):
                return to
        return None

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
