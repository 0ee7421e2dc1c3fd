"""Arc-flow: packings as flows of whole units through partial sums (Valério de Carvalho 1999).

Bins that allow the same items share a graph: nodes are sums of sizes, an arc adds one item, losses lead up to
the capacities, where bins end. Each unit of flow is one bin's load. Strong where few large items must fill
bins exactly; grows with the number of reachable sums, so graphs beyond `ARCS_TOP` arcs are not built. Solves
nothing itself: makes the integer program and reads packings from its solution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from planner.placement.packing import Instance
from planner.placement.solver import Counts, Row

ARCS_TOP = 60_000
"""MIP solvers hardly get past the root of larger ones within a minute."""


@dataclass(frozen=True, slots=True)
class Arc:
    """One step of a bin's load: `item` ≥ 0 adds it, LOSS wastes room, END closes the bin (`head` is END)."""

    graph: int
    tail: int
    head: int
    item: int


LOSS = -1
END = -2


@dataclass(frozen=True, slots=True)
class Flow:
    """The integer program: 0 ≤ x ≤ tops, rows. `bins[graph, capacity]` are the bins that end there."""

    instance: Instance
    arcs: tuple[Arc, ...]
    tops: tuple[int, ...]
    rows: tuple[Row, ...]
    bins: dict[tuple[int, int], tuple[int, ...]]


def build(instance: Instance, arcs_top: int = ARCS_TOP) -> Flow | None:
    """Return the program of an instance in units, None if it would have more than `arcs_top` arcs."""
    bins: dict[tuple[int, int], tuple[int, ...]] = {}
    arcs: list[Arc] = []
    for graph, (inside, members) in enumerate(_graphs(instance)):
        by_capacity = defaultdict(list)
        for b in members:
            by_capacity[instance.capacities[b]].append(b)
        bins.update({(graph, capacity): tuple(equal) for capacity, equal in by_capacity.items()})
        steps = _steps(instance, inside, max(by_capacity), arcs_top - len(arcs))
        if steps is None:
            return None
        arcs += [Arc(graph, tail, head, item) for tail, head, item in steps]
        arcs += _losses(graph, {0, *(head for _, head, _ in steps)}, sorted(by_capacity))
    tops = tuple(_top(arc, instance, bins) for arc in arcs)
    return Flow(instance, tuple(arcs), tops, tuple(_rows(instance, arcs)), bins)


def _graphs(instance: Instance) -> list[tuple[tuple[int, ...], list[int]]]:
    """Return the bins by what they allow: (items that may go in, bins)."""
    members: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for b in range(len(instance.capacities)):
        members[tuple(i for i, item in enumerate(instance.items) if item.bins >> b & 1)].append(b)
    return list(members.items())


def _steps(
    instance: Instance, inside: Sequence[int], capacity: int, steps_top: int
) -> list[tuple[int, int, int]] | None:
    """Return (sum, sum with the item, item) for all loads, items by falling size; None: too many."""
    sums = {0}
    steps: set[tuple[int, int, int]] = set()
    for i in sorted(inside, key=lambda i: (-instance.items[i].size, i)):
        size, count = instance.items[i].size, instance.items[i].count
        for start in sorted(sums):
            top = min(count, (capacity - start) // size)
            for tail in range(start, start + top * size, size):
                steps.add((tail, tail + size, i))
                sums.add(tail + size)
            if len(steps) > steps_top:
                return None
    return sorted(steps)


def _losses(graph: int, sums: set[int], capacities: Sequence[int]) -> Iterator[Arc]:
    nodes = sorted(sums.union(capacities))
    for tail, head in pairwise(nodes):
        yield Arc(graph, tail, head, LOSS)
    for capacity in capacities:
        yield Arc(graph, capacity, END, END)


def _top(arc: Arc, instance: Instance, bins: dict[tuple[int, int], tuple[int, ...]]) -> int:
    if arc.item >= 0:
        return instance.items[arc.item].count
    if arc.item == END:
        return len(bins[arc.graph, arc.tail])
    return sum(
        len(equal) for (graph, capacity), equal in bins.items() if graph == arc.graph and capacity > arc.tail
    )


def _rows(instance: Instance, arcs: Sequence[Arc]) -> Iterator[Row]:
    """What flows into a sum flows out of it, except at 0, where bins begin; every item is placed."""
    through: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    placed: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for x, arc in enumerate(arcs):
        if arc.tail != 0:
            through[arc.graph, arc.tail].append((x, -1))
        if arc.head != END:
            through[arc.graph, arc.head].append((x, 1))
        if arc.item >= 0:
            placed[arc.item].append((x, 1))
    for terms in through.values():
        yield Row(tuple(terms), 0, 0)
    for i, item in enumerate(instance.items):
        yield Row(tuple(placed[i]), item.count, item.count)


def packing(flow: Flow, values: Sequence[int]) -> Counts:
    """Return the counts that a solution means: follow each unit of flow from 0 to a capacity."""
    out: dict[tuple[int, int], list[list[int]]] = defaultdict(list)
    for x, (arc, value) in enumerate(zip(flow.arcs, values, strict=True)):
        if value:
            out[arc.graph, arc.tail].append([x, value])
    unused = {place: list(bins) for place, bins in flow.bins.items()}
    counts = [[0] * len(flow.instance.capacities) for _ in flow.instance.items]
    for graph in {graph for graph, _ in flow.bins}:
        while out[graph, 0]:
            load, capacity = _unit(flow, out, graph)
            b = unused[graph, capacity].pop()
            for i in load:
                counts[i][b] += 1
    return tuple(map(tuple, counts))


def _unit(flow: Flow, out: dict[tuple[int, int], list[list[int]]], graph: int) -> tuple[list[int], int]:
    """Take one unit of flow out of `out`; return its items and the capacity at which it ends."""
    node = 0
    load: list[int] = []
    while True:
        steps = out[graph, node]
        x = steps[-1][0]
        steps[-1][1] -= 1
        if not steps[-1][1]:
            steps.pop()
        arc = flow.arcs[x]
        if arc.item == END:
            return load, node
        if arc.item >= 0:
            load.append(arc.item)
        node = arc.head
