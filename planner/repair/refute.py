"""What no migration changes: proofs that moves cannot help, or that fewer than so many cannot.

Let w_h = free memory + needs of the protected VMs of h. Losing S is survived only if Σ_S w + D₀ ≤ Σ_H f, D₀
what is down. Moving a protected VM leaves every w alone; moving an unprotected one raises w where it was and
lowers it where it goes. So the least that the k largest w can come to is a water level: w'_h ≤ w_h + the
movable unprotected memory of h, Σ w' unchanged (TOLERANCE §7). Volume only: necessary, never sufficient.

A VM that comes from a host out of service takes the same from both sides, or more from the right one; memory
that an overfull host lacks is paid back to nobody: neither helps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest

from planner.placement.problem import DOWN, Problem
from planner.repair.yard import Displaced, Yard


@dataclass(frozen=True, slots=True)
class Volume:
    """`weights` are w by host; `lacking_bytes` > 0: the k largest exceed what there is by so much."""

    weights: tuple[int, ...]
    failures: int
    limit_bytes: int
    """Σ f − D₀."""

    @classmethod
    def of(cls, problem: Problem, failures: int) -> Volume:
        """Weigh a problem."""
        weights = list(problem.free_bytes)
        down = 0
        for need, home in zip(problem.need_bytes, problem.home, strict=True):
            if home == DOWN:
                down += need
            else:
                weights[home] += need
        return cls(tuple(weights), failures, sum(problem.free_bytes) - down)

    @property
    def lacking_bytes(self) -> int:
        return self.lacking_with(())

    def lacking_with(self, changes: Iterable[tuple[int, int]]) -> int:
        """Return what is lacking when the weights of some hosts are others: (host, bytes more)."""
        weights = list(self.weights)
        for host, more in changes:
            weights[host] += more
        return sum(nlargest(self.failures, weights)) - self.limit_bytes


def hopeless(yard: Yard, failures: int) -> bool:
    """Tell whether it is proven that no migrations reach `failures`; False says nothing."""
    problem = yard.problem
    if problem.cap is not None and problem.cap < failures:
        return True
    if not problem.vms:
        return failures > len(problem.hosts)
    return failures >= len(problem.hosts) or _bound(problem, failures) or _too_heavy(yard, failures)


def _bound(problem: Problem, failures: int) -> bool:
    """Tell whether so many failures take a VM's every candidate, wherever among them it is moved."""
    for home, candidates in zip(problem.home, problem.candidates, strict=True):
        at_home = 0 if home == DOWN else 1 << home
        if (candidates | at_home).bit_count() <= failures:
            return True
    return False


def _too_heavy(yard: Yard, failures: int) -> bool:
    """Weigh before clamping: what an overfull host lacks would otherwise count as weight."""
    volume = Volume.of(yard.problem, failures)
    lacks = [min(0, free) for free in yard.free_bytes]
    weights = [weight + lack for weight, lack in zip(volume.weights, lacks, strict=True)]
    most = list(weights)
    for group in yard.groups:
        if group.home >= 0 and not group.protected:
            most[group.home] += group.need_bytes * len(group.vms)
    return _level_top(most, sum(weights), failures) > volume.limit_bytes


def _level_top(most: Sequence[int], total: int, failures: int) -> int:
    """Return the least that the k largest of whole numbers ≤ `most` with this sum come to, or less."""
    left, heights = total, sorted(most)
    for rank, height in enumerate(heights):
        n = len(most) - rank
        if height * n >= left:
            # The n highest share what is left; the lower ones are below that level.
            return -(-left * min(failures, n) // n) + sum(heights[rank - max(0, failures - n) : rank])
        left -= height
    return sum(nlargest(failures, most))


def least_moves(yard: Yard, displaced: Displaced, failures: int) -> int:
    """Return a number of further moves below which volume refutes all: each gains at most its need."""
    lacking = Volume.of(yard.problem_after(displaced), failures).lacking_bytes
    needs = (
        group.need_bytes
        for group, left in zip(yard.groups, yard.left(displaced), strict=True)
        if not group.protected and group.home >= 0
        for _ in range(left)
    )
    return fewest_reaching(lacking, needs)


def fewest_reaching(lacking: int, gains: Iterable[int]) -> int:
    """Return how many of the largest gains make up for what is lacking."""
    number = 0
    for gain in sorted(gains, reverse=True):
        if lacking <= 0:
            break
        lacking -= gain
        number += 1
    return number
