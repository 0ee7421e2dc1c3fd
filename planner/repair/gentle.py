"""Which of VMs of one size move, and to which of equally good hosts: as soft groups prefer it.

Takes moves that reach the level and keeps their number, their VMs' sizes and, where it was proven, their
safety; betters one move at a time and is not the best that could be found. Must never give up a move, nor
take places that were not judged anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from planner.constraints.preferences import soft_groups
from planner.model import Pool
from planner.repair.judge import Judge
from planner.repair.order import Order, Orders
from planner.repair.yard import OUTSIDE, Displaced, Yard
from planner.results import Move


def named(pool: Pool, yard: Yard, moves: Displaced) -> tuple[Move, ...]:
    """Return the moves with the VMs that make them: of equal ones whom soft groups would rather see go."""
    return _Count(pool, yard).named(moves)


def gentler(pool: Pool, orders: Orders, judge: Judge, failures: int, order: Order) -> Order:
    """Return `order`, or one as good that breaks fewer preferences, as far as the time goes."""
    count = _Count(pool, orders.yard)
    broken = count.broken(order.moves)
    better: Order | None = order
    while broken and better is not None:
        better = _one_better(count, orders, judge, failures, order, broken)
        if better is not None:
            order, broken = better, count.broken(better.moves)
    return order


def _one_better(
    count: _Count, orders: Orders, judge: Judge, failures: int, order: Order, broken: int
) -> Order | None:
    """Return an order with another move in the place of one that breaks less; None if none was found."""
    for moves in _others(orders.yard, order.moves):
        if judge.deadline.passed():
            return None
        if count.broken(moves) >= broken or orders.yard.overfull(moves) is not None:
            continue
        if not judge.holds(orders.yard.problem_after(moves), failures):
            continue
        found = orders.find(moves)
        if found is not None and (found.safe or not order.safe):
            return found
    return None


def _others(yard: Yard, moves: Displaced) -> Iterator[Displaced]:
    """Yield the moves with one of them exchanged for another one of a VM as large."""
    for i, (old, _) in enumerate(moves):
        rest = (*moves[:i], *moves[i + 1 :])
        left = yard.left(rest)
        for number, group in enumerate(yard.groups):
            if group.need_bytes != yard.groups[old].need_bytes or group.home == OUTSIDE or not left[number]:
                continue
            for host in range(len(yard.problem.hosts)):
                if host != group.home and group.candidates >> host & 1:
                    yield tuple(sorted((*rest, (number, host))))


@dataclass(slots=True)
class _Count:
    """The VMs of each soft group on each host (uuid) of a pool."""

    pool: Pool
    yard: Yard
    apart: dict[str, int] = field(init=False)
    """+1 of a group whose VMs part, −1 of one whose VMs join."""
    there: Counter[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        soft = soft_groups(self.pool)
        self.apart = {group.uuid: 1 if group.placement == "anti_affinity" else -1 for group in soft}
        homes = ((vm, vm.home) for vm in self.pool.vms if soft)
        self.there = Counter((group, home) for vm, home in homes if home for group in self._of(vm.uuid))

    def _of(self, vm: str) -> list[str]:
        return [group for group in self.pool.vm_by_uuid[vm].groups if group in self.apart]

    def named(self, moves: Displaced) -> tuple[Move, ...]:
        """Return the moves with their VMs."""
        return self._made(moves)[0]

    def broken(self, moves: Displaced) -> int:
        """Return by how many pairs the moves make preferences worse, over the groups that get worse."""
        return sum(max(0, pairs) for pairs in self._made(moves)[1].values()) if self.apart else 0

    def _made(self, moves: Displaced) -> tuple[tuple[Move, ...], Counter[str]]:
        """Make the moves; return them and how many unwanted pairs more each group has then."""
        there, more = Counter(self.there), Counter[str]()
        left = [list(group.vms) for group in self.yard.groups]
        hosts, made = self.yard.problem.hosts, []
        for number, target in moves:
            home, to = hosts[self.yard.groups[number].home], hosts[target]
            pairs = [self._pairs(vm, home, to, there) for vm in left[number]]
            first = min(range(len(pairs)), key=lambda i: sum(pairs[i].values()))
            more.update(pairs[first])
            made.append(Move(left[number].pop(first), home, to))
            for group in self._of(made[-1].vm):
                there[group, home] -= 1
                there[group, to] += 1
        return tuple(made), more

    def _pairs(self, vm: str, home: str, to: str, there: Counter[tuple[str, str]]) -> Counter[str]:
        """Return the unwanted pairs that a move makes, less those it ends, by group."""
        return Counter(
            {group: self.apart[group] * (there[group, to] - there[group, home] + 1) for group in self._of(vm)}
        )
