"""A set of hosts whose loss is not survived, with its proofs: which moves cannot help it?

Proofs are volume and slots above a size s: what the restarting VMs of at least s weigh, against what the
survivors can hold of such. Two more facts need no proof: a move from a host that is lost with the set helps
nothing (its VM restarts there at best; what comes only takes room), and volume is judged by `refute`.
Must never refuse a move that helps; what it lets through is judged in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.placement.problem import DOWN, Problem
from planner.repair.yard import Group


@dataclass(frozen=True, slots=True)
class Proof:
    """VMs of at least `size_bytes` demand more than the survivors hold; in VMs if `slots`, else in bytes."""

    size_bytes: int
    slots: bool
    excess: int
    """Demand − room, > 0."""

    def held(self, free_bytes: int) -> int:
        """Return the most that this much free memory can hold."""
        if free_bytes < self.size_bytes:
            return 0
        return free_bytes // self.size_bytes if self.slots else free_bytes

    def price(self, group: Group) -> int:
        """Return what a VM demands."""
        if not group.protected or group.need_bytes < self.size_bytes:
            return 0
        return 1 if self.slots else group.need_bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """Hosts (a mask) lost in one state of the pool with this free memory, ≥ 0."""

    hosts: int
    free_bytes: tuple[int, ...]
    proofs: tuple[Proof, ...]

    @classmethod
    def of(cls, problem: Problem, hosts: int) -> Lost:
        """Prove what can be proved this way; `proofs` may be empty."""
        return cls(hosts, problem.free_bytes, tuple(_proofs(problem, hosts)))

    def stays(self, group: Group, to: int) -> bool:
        """Tell whether it is certain that moving one VM of the group to a host leaves the set lost."""
        if group.home < 0 or self.hosts >> group.home & 1:
            return True
        return any(self._excess(proof, group, to) > 0 for proof in self.proofs)

    def excess_after(self, group: Group, to: int) -> int:
        """Return what the worst proof still lacks once one VM is moved; ≤ 0: none holds any longer."""
        return max((self._excess(proof, group, to) for proof in self.proofs), default=0)

    def _excess(self, proof: Proof, group: Group, to: int) -> int:
        """Count a move whose source survives."""
        free, need = self.free_bytes, group.need_bytes
        excess = proof.excess + proof.held(free[group.home]) - proof.held(free[group.home] + need)
        if self.hosts >> to & 1:
            return excess + proof.price(group)
        return excess + proof.held(free[to]) - proof.held(max(0, free[to] - need))


def _proofs(problem: Problem, hosts: int) -> Iterator[Proof]:
    alive = [free for host, free in enumerate(problem.free_bytes) if not hosts >> host & 1]
    demand = sorted(
        (
            need
            for need, home in zip(problem.need_bytes, problem.home, strict=True)
            if home == DOWN or hosts >> home & 1
        ),
        reverse=True,
    )
    weight = 0
    for number, need in enumerate(demand, start=1):
        weight += need
        if number < len(demand) and demand[number] == need:
            continue
        volume = weight - sum(free for free in alive if free >= need)
        slots = number - sum(free // need for free in alive)
        if volume > 0:
            yield Proof(need, slots=False, excess=volume)
        if slots > 0:
            yield Proof(need, slots=True, excess=slots)
