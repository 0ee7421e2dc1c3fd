"""How the packers of the certificate take VMs where hosts have more than memory: in which order, and by which
measure of their size.

Three ways: by falling need; first those that take something which not all take; and by a size into which a
resource is joined. For the last, let γ > 0 be the memory that one unit of a resource r counts as:

    size = max(need, γ·use_r)        room = min(free, γ·room_r)

What fits by size fits in memory and in r: needs sum up to no more than sizes, so than the room, so than what
is free; and uses to no more than sizes/γ, so than room/γ, so than room_r. So one number does the work of two,
and a host is never counted as blocked in both: it loses what VMs leave of the scarcer one, but not half of
all as an any-fit packer by two numbers may. Decides no proof; must never round in favour of a VM.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hacore.kernel.planning import saturation
from planner.tolerance.counts import Counted, Scale


@dataclass(frozen=True, slots=True)
class Table:
    """An order of the kinds, a scale, and kinds × hosts the least that blocks a host: a_h(s)."""

    order: tuple[int, ...]
    scale: Scale
    least: Sequence[int]
    joined: int | None = None
    """The resource that the scale counts, too."""


def table_sets(counted: Counted) -> Iterator[tuple[Table, ...]]:
    """Yield the tables of each packer; those of one differ only in what they know of blocked hosts."""
    yield tuple(_by_need(counted))
    everybodys = set.intersection(*({resource for resource, _ in uses} for uses in counted.uses))
    special = [any(resource not in everybodys for resource, _ in uses) for uses in counted.uses]
    if any(special):
        yield (_special_first(counted, special),)
    for resource in sorted(everybodys):
        for weight in _weights(counted, resource):
            yield (_joined(counted, resource, weight),)


def any_order_tables(counted: Counted) -> tuple[Table, ...]:
    """Return the tables for hosts that were blocked by VMs of any size."""
    return tuple(_by_need(counted, any_size=True))


def _by_need(counted: Counted, *, any_size: bool = False) -> Iterator[Table]:
    """Yield tables by falling need: with reachable sums, and with plain differences if these are rounded.

    Of equal needs those that take most beside memory come first.
    """
    needs, uses = counted.needs, counted.uses
    order = tuple(sorted(range(len(needs)), key=lambda kind: (-needs[kind], -len(uses[kind]), kind)))
    least, _ = saturation(counted.safe.room, counted.safe.needs, any_size=any_size)
    yield Table(order, counted.safe, least)
    if counted.rounded:
        yield _plain(counted, order)


def _special_first(counted: Counted, special: Sequence[bool]) -> Table:
    """Return the table in which VMs come first that take something which not all take.

    What blocks a host may then be smaller than what it blocks.
    """
    kinds = range(len(counted.needs))
    return _plain(
        counted, tuple(sorted(kinds, key=lambda kind: (not special[kind], -counted.needs[kind], kind)))
    )


def _plain(counted: Counted, order: tuple[int, ...]) -> Table:
    room = counted.exact.room
    least = [max(0, free - need + 1) for need in counted.exact.needs for free in room]
    return Table(order, counted.exact, least)


def _weights(counted: Counted, resource: int) -> Iterator[Fraction]:
    """Yield γ: as there is free of both, as VMs take of both, and between them."""
    free, room = sum(counted.safe.room), sum(counted.problem.resources[resource].room)
    layout = counted.layout
    number = [
        layout.down[kind] + sum(layout.count[layout.start[kind] : layout.start[kind + 1]])
        for kind in range(len(counted.needs))
    ]
    need = sum(map(int.__mul__, number, counted.safe.needs))
    use = sum(dict(uses)[resource] * n for uses, n in zip(counted.uses, number, strict=True))
    there, taken = Fraction(max(1, free), max(1, room)), Fraction(max(1, need), use)
    yield from dict.fromkeys((there, taken, (there + taken) / 2))


def _joined(counted: Counted, resource: int, weight: Fraction) -> Table:
    """Return the table of VMs by falling size, one unit of the resource counting as `weight` of memory."""
    over, under = weight.numerator, weight.denominator
    there = counted.problem.resources[resource].room
    room = array(
        "q", [min(free, n * over // under) for free, n in zip(counted.safe.room, there, strict=True)]
    )
    sizes = [
        max(need, -(-dict(uses)[resource] * over // under))
        for need, uses in zip(counted.safe.needs, counted.uses, strict=True)
    ]
    order = sorted(range(len(sizes)), key=lambda kind: (-sizes[kind], -len(counted.uses[kind]), kind))
    falling, _ = saturation(room, [sizes[kind] for kind in order])
    hosts, place = len(room), {kind: i * len(room) for i, kind in enumerate(order)}
    least = [n for kind in range(len(sizes)) for n in falling[place[kind] : place[kind] + hosts]]
    return Table(tuple(order), Scale(array("q", sizes), room), least, resource)
