"""A problem counted: which kinds of VM run in which failure units, in exact integers and in rounded ones.

A unit is a set of hosts that fail together, normally one host. Decides what counts as equal and how to round
(TOLERANCE §2 "Units"): needs up and free memory down for what is claimed safe, both down for what is claimed
lost. Must never decide whether anything fits.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from math import gcd

from hacore.kernel.planning import Layout, mask_words, words_of
from planner.constraints.resource import Uses
from planner.placement.packing import Instance, Item
from planner.placement.problem import DOWN, Problem

_Kind = tuple[int, int, Uses]
"""Need in bytes, candidates, and what else it takes."""

MOST_UNITS = 1 << 21
"""The tables take a bit for each unit of the roomiest host; beyond this many, units are rounded."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Needs by kind and room by host in one unit of memory."""

    needs: array[int]
    room: array[int]


@dataclass(frozen=True, slots=True)
class Counted:
    """The protected VMs of a problem, counted by kind (need, candidates, uses; by falling need) and unit."""

    problem: Problem
    unit_hosts: tuple[tuple[int, ...], ...]
    """The hosts of each unit."""
    unit_masks: tuple[int, ...]
    """The same as masks."""
    layout: Layout
    needs: tuple[int, ...]
    """By kind, bytes."""
    masks: tuple[int, ...]
    """By kind; those of VMs that run contain the hosts of their own unit."""
    exact: Scale
    """In the greatest unit that divides every need: a packing in it is one in bytes, and the reverse."""
    safe: Scale
    """Needs rounded up, room down: what fits here fits in bytes."""
    loose: Scale
    """Both rounded down: what fits in bytes fits here."""
    uses: tuple[Uses, ...]
    """By kind: what else each VM takes of the problem's resources."""

    @property
    def units(self) -> int:
        """Return the number of failure units."""
        return len(self.unit_hosts)

    @property
    def rounded(self) -> bool:
        """Tell whether the exact unit is too small for tables."""
        return self.safe is not self.exact

    @property
    def single(self) -> bool:
        """Tell whether every unit is the host of the same index."""
        return len(self.unit_hosts) == len(self.problem.hosts)

    @property
    def agile(self) -> bool:
        """Tell whether every VM may run on every host but its own."""
        everywhere = self.problem.everywhere
        return all(mask == everywhere for mask in self.masks)

    def hosts_of(self, units: Sequence[int]) -> tuple[int, ...]:
        """Return the hosts of some units, ascending."""
        return tuple(sorted(host for unit in units for host in self.unit_hosts[unit]))

    def mask_of(self, units: Sequence[int]) -> int:
        """Return the hosts of some units as a mask."""
        return sum([self.unit_masks[unit] for unit in units])

    def wanted(self, units: Sequence[int]) -> list[int]:
        """Return how many VMs of each kind need a place if these units fail: theirs and those down."""
        failed = set(units)
        layout = self.layout
        return [
            layout.down[kind]
            + sum(
                layout.count[e]
                for e in range(layout.start[kind], layout.start[kind + 1])
                if layout.unit[e] in failed
            )
            for kind in range(len(self.needs))
        ]


def count(
    problem: Problem, unit_hosts: Sequence[Sequence[int]] | None = None, *, most_units: int = MOST_UNITS
) -> Counted:
    """Count the VMs of a problem with at least one host; units are single hosts if not given.

    Where the roomiest host has more than `most_units` units they are rounded (the bounds stay sound).
    """
    units = tuple((host,) for host in range(len(problem.hosts))) if unit_hosts is None else unit_hosts
    host_unit = {host: unit for unit, hosts in enumerate(units) for host in hosts}
    unit_mask = [sum(1 << host for host in hosts) for hosts in units]
    running: defaultdict[_Kind, dict[int, int]] = defaultdict(dict)
    down: Counter[_Kind] = Counter()
    # One pass in C over thousands of VMs; what is left is a few a host.
    uses = problem.uses or repeat((), len(problem.vms))
    tally = Counter(zip(problem.need_bytes, problem.candidates, uses, problem.home, strict=True))
    for (need, mask, used, home), vms in tally.items():
        if home == DOWN:
            down[need, mask, used] += vms
            continue
        unit = host_unit[home]
        held = running[need, mask | unit_mask[unit], used]
        held[unit] = held.get(unit, 0) + vms
    kinds = sorted(running.keys() | down.keys(), key=lambda kind: (-kind[0], kind[1], kind[2]))
    needs = [need for need, _, _ in kinds]
    exact, safe, loose = _scales(problem, needs, most_units)
    return Counted(
        problem=problem,
        unit_hosts=tuple(tuple(hosts) for hosts in units),
        unit_masks=tuple(unit_mask),
        layout=_layout(kinds, running, down, [host_unit[h] for h in range(len(problem.hosts))], len(units)),
        needs=tuple(needs),
        masks=tuple(mask for _, mask, _ in kinds),
        exact=exact,
        safe=safe,
        loose=loose,
        uses=tuple(used for _, _, used in kinds),
    )


def _layout(
    kinds: list[_Kind],
    running: dict[_Kind, dict[int, int]],
    down: Counter[_Kind],
    host_unit: list[int],
    units: int,
) -> Layout:
    masks = sorted({mask for _, mask, _ in kinds})
    index = {mask: i for i, mask in enumerate(masks)}
    start = array("q", [0])
    unit = array("q")
    counts = array("q")
    for kind in kinds:
        held = running.get(kind, {})
        failing = sorted(held)
        unit.extend(failing)
        counts.extend([held[u] for u in failing])
        start.append(len(unit))
    return Layout(
        host_unit=array("q", host_unit),
        units=units,
        mask_of=array("q", [index[mask] for _, mask, _ in kinds]),
        masks=mask_words(masks, len(host_unit)),
        words=words_of(len(host_unit)),
        start=start,
        unit=unit,
        count=counts,
        down=array("q", [down[kind] for kind in kinds]),
    )


def _scales(problem: Problem, needs: list[int], most_units: int) -> tuple[Scale, Scale, Scale]:
    """Return the exact, the safe and the loose scale.

    More room than all VMs together need is never used, so it is cut off: a nearly empty pool stays cheap.
    """
    unit = gcd(*needs) or 1
    all_needs = sum(problem.need_bytes)
    free = [min(room, all_needs) for room in problem.free_bytes]
    exact = Scale(array("q", [need // unit for need in needs]), array("q", [room // unit for room in free]))
    units = max(exact.room, default=0)
    if units <= most_units:
        return exact, exact, exact
    unit *= -(-units // most_units)
    room = array("q", [room // unit for room in free])
    safe = Scale(array("q", [-(-need // unit) for need in needs]), room)
    return exact, safe, Scale(array("q", [need // unit for need in needs]), room)


def leaf(counted: Counted, units: Sequence[int]) -> tuple[Instance, list[int | None]]:
    """Return the question whether the loss of these units is survived, and each kind's item (None: no VM of
    it).

    In the exact unit; the bins are the hosts that stay, in order.
    """
    failed = counted.mask_of(units)
    alive = [host for host in range(len(counted.problem.hosts)) if not failed >> host & 1]
    squeezed: dict[int, int] = {}
    items: dict[tuple[int, int, Uses], int] = {}
    item_of: list[int | None] = []
    counts: list[int] = []
    for kind, wanted in enumerate(counted.wanted(units)):
        mask = counted.masks[kind]
        if not wanted:
            item_of.append(None)
            continue
        if mask not in squeezed:
            squeezed[mask] = sum(1 << i for i, host in enumerate(alive) if mask >> host & 1)
        key = (counted.exact.needs[kind], squeezed[mask], counted.uses[kind])
        item = items.setdefault(key, len(items))
        if item == len(counts):
            counts.append(0)
        counts[item] += wanted
        item_of.append(item)
    found = tuple(Item(size, bins, n, uses) for (size, bins, uses), n in zip(items, counts, strict=True))
    room = tuple(counted.exact.room[host] for host in alive)
    rooms = tuple(tuple([resource.room[host] for host in alive]) for resource in counted.problem.resources)
    return Instance(room, found, rooms), item_of
