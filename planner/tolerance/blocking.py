"""The certificate where hosts have more than memory (TOLERANCE §5): what one row a kind of VM proves.

Take the VMs in some order, say by falling need, and put each wherever it fits. One of need s that finds no
place sees every host of its candidates B blocked: what came there takes more than the host had left, in
memory or in some resource r that the VM takes w_r of. With a_h(s) as in §2, b_rh = max(0, room_rh − w_r + 1)
and any α, β ≥ 0, what came weighs at least m_h = min(α·a_h, β_r·b_rh), where a VM weighs α·need + Σ β_r·use.
Hence nothing of this kind can fail when S is lost as long as

    Σ_{h ∈ B∖S} m_h  >  (what the VMs of S and those down weigh that come first and may be in B) − its own

which is additive over S: the k largest terms are the worst. The best β is looked for among the points where
min changes sides. `tables` knows in which orders, and by which sizes, VMs are taken. Amounts are integers;
must never round towards a claim, nor search.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nlargest

from hacore.clock import Deadline
from planner.tolerance.counts import Counted
from planner.tolerance.tables import Table, any_order_tables, table_sets

ALPHA = 1 << 10
"""Weight of one unit of memory: β is a whole number of its parts."""
MOST_POINTS = 6
"""Values of β that are tried for a resource."""


@dataclass(frozen=True, slots=True)
class Row:
    """A kind cannot fail while Σ `terms` over the lost units < `limit`, or while none of `holders` is lost.

    `holders` None: a VM of the kind is down, so that it needs a place whatever is lost.
    """

    kind: int
    terms: tuple[int, ...]
    limit: int
    holders: frozenset[int] | None

    def worst(self, failures: int) -> int:
        """Return the largest sum of so many terms with a holder among them."""
        if self.holders is None or not failures:
            return sum(nlargest(failures, self.terms))
        units = nlargest(failures, range(len(self.terms)), key=self.terms.__getitem__)
        if self.holders.isdisjoint(units):
            units[-1] = max(self.holders, key=self.terms.__getitem__)
        return sum(self.terms[unit] for unit in units)

    def holds(self, failures: int) -> bool:
        """Tell whether this kind cannot fail under any so many lost units."""
        if self.holders is not None and not failures:
            return True
        return self.worst(failures) < self.limit


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the rows of one kind are made of: by host in B (`least`, `rest`), by unit (`demand`, `asked`)."""

    kind: int
    need: int
    hosts: tuple[int, ...]
    least: tuple[int, ...]
    """a_h(s)."""
    demand: tuple[int, ...]
    down: int
    resources: tuple[_Asked, ...]
    holders: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One resource that the kind takes `amount` of: b_h of the hosts in B, uses by unit and of those down."""

    amount: int
    rest: tuple[int, ...]
    by_unit: tuple[int, ...]
    down: int


@dataclass(frozen=True, slots=True)
class _Packer:
    """A packer's kinds, in its order; of each all versions: any of their rows may speak for the kind."""

    versions: Sequence[tuple[_Kind, ...]]
    held: dict[int, Row] = field(default_factory=dict)
    """By position the row that held last: it mostly holds for the next number of failures, too."""


class Certificate:
    """The rows of counted VMs, made for one number of failures at a time.

    With `any_order` they hold for failures one after the other, whatever restarts went before (§6).
    """

    def __init__(self, counted: Counted, *, any_order: bool = False) -> None:
        self._unit_of = list(counted.layout.host_unit)
        self._units = counted.units
        sets = [any_order_tables(counted)] if any_order else table_sets(counted)
        self._packers = [
            _Packer(list(zip(*[_kinds(counted, table, any_order) for table in tables], strict=True)))
            for tables in sets
        ]

    def lower(self, most: int, deadline: Deadline) -> int:
        """Return the most failures, up to `most`, under which nothing can fail, as far as found in time; −1:
        not even under none.

        In growing steps, then by bisection: what is survived is survived with fewer failures, too.
        """
        if most < 0 or not self.certifies(0, deadline):
            return -1
        certain, doubtful = 0, most + 1
        while certain + 1 < doubtful:
            step = max(1, 2 * certain)
            probe = step if step < doubtful else (certain + doubtful) // 2
            if self.certifies(probe, deadline):
                certain = probe
            else:
                doubtful = probe
        return certain

    def certifies(self, failures: int, deadline: Deadline) -> bool:
        """Tell whether nothing can fail under so many failures; False: not proven, or not in time."""
        return any(next(self._open(packer, failures, deadline), None) is None for packer in self._packers)

    def open_rows(self, failures: int, deadline: Deadline) -> list[Row]:
        """Return a row for each kind that so many failures could make fail; none: all are survived.

        All rows are of one packer: of those tried, one that leaves fewest open. After the deadline a row may
        be one that excludes nothing.
        """
        return min((list(self._open(packer, failures, deadline)) for packer in self._packers), key=len)

    def _open(self, packer: _Packer, failures: int, deadline: Deadline) -> Iterator[Row]:
        late = False
        for position, versions in enumerate(packer.versions):
            held = packer.held.get(position)
            if held is not None and held.holds(failures):
                continue
            late = late or deadline.passed()
            if late:
                yield Row(versions[0].kind, (0,) * self._units, 0, None)
                continue
            rows = [self._best(kind, failures) for kind in versions]
            best = min(rows, key=lambda row: row.worst(failures) / max(1, row.limit))
            if best.holds(failures):
                packer.held[position] = best
            else:
                yield best

    def _best(self, kind: _Kind, failures: int) -> Row:
        """Return the row with the best weights found: one resource after the other."""
        betas = [max(_points(kind, resource), default=0) for resource in kind.resources]
        best = self._row(kind, betas)
        for i, resource in enumerate(kind.resources):
            for beta in _thinned(sorted(set(_points(kind, resource)))):
                row = self._row(kind, [*betas[:i], beta, *betas[i + 1 :]])
                if row.limit - row.worst(failures) > best.limit - best.worst(failures):
                    best, betas[i] = row, beta
            if best.holds(failures):
                break
        return best

    def _row(self, kind: _Kind, betas: Sequence[int]) -> Row:
        held = [ALPHA * least for least in kind.least]
        limit = ALPHA * (kind.need - kind.down)
        terms = [ALPHA * demand for demand in kind.demand]
        for beta, resource in zip(betas, kind.resources, strict=True):
            held = [min(weight, beta * rest) for weight, rest in zip(held, resource.rest, strict=True)]
            limit += beta * (resource.amount - resource.down)
            terms = [term + beta * asked for term, asked in zip(terms, resource.by_unit, strict=True)]
        for host, weight in zip(kind.hosts, held, strict=True):
            terms[self._unit_of[host]] += weight
        return Row(kind.kind, tuple(terms), limit + sum(held), kind.holders)


def _points(kind: _Kind, resource: _Asked) -> Iterator[int]:
    """Yield the β, rounded up, from which on a host is blocked by memory first."""
    for least, rest in zip(kind.least, resource.rest, strict=True):
        if rest:
            yield -(-ALPHA * least // rest)


def _thinned(values: Sequence[int]) -> Sequence[int]:
    """Return some of the values, evenly chosen, the largest included."""
    if len(values) <= MOST_POINTS:
        return values
    step = (len(values) - 1) / (MOST_POINTS - 1)
    return [values[round(i * step)] for i in range(MOST_POINTS)]


def _kinds(counted: Counted, table: Table, any_order: bool) -> Iterator[_Kind]:
    """Yield what each kind's rows are made of."""
    hosts = len(counted.problem.hosts)
    demands = {mask: _Demand(counted, table, mask) for mask in dict.fromkeys(counted.masks)}
    for position, kind in enumerate(table.order):
        mask = counted.masks[kind]
        inside = tuple(host for host in range(hosts) if mask >> host & 1)
        demand = demands[mask]
        demand.advance(len(table.order) if any_order else position + 1)
        yield _Kind(
            kind=kind,
            need=table.scale.needs[kind],
            hosts=inside,
            least=tuple(table.least[kind * hosts + host] for host in inside),
            demand=tuple(demand.memory),
            down=demand.memory_down,
            resources=tuple(
                _asked(counted, resource, amount, inside, demand)
                for resource, amount in counted.uses[kind]
                if resource != table.joined
            ),
            holders=_holders(counted, kind),
        )


def _holders(counted: Counted, kind: int) -> frozenset[int] | None:
    layout = counted.layout
    if layout.down[kind]:
        return None
    return frozenset(layout.unit[layout.start[kind] : layout.start[kind + 1]])


def _asked(counted: Counted, resource: int, amount: int, inside: Sequence[int], demand: _Demand) -> _Asked:
    room = counted.problem.resources[resource].room
    return _Asked(
        amount=amount,
        rest=tuple([max(0, room[host] - amount + 1) for host in inside]),
        by_unit=tuple(demand.uses[resource]),
        down=demand.uses_down[resource],
    )


class _Demand:
    """What the VMs ask for that may be in an area, of the first kinds of an order."""

    def __init__(self, counted: Counted, table: Table, area: int) -> None:
        self._counted = counted
        self._order = table.order
        self._needs = table.scale.needs
        self._area = area
        self._next = 0
        self.memory = [0] * counted.units
        self.memory_down = 0
        self.uses: defaultdict[int, list[int]] = defaultdict(lambda: [0] * counted.units)
        self.uses_down: defaultdict[int, int] = defaultdict(int)

    def advance(self, kinds: int) -> None:
        """Take in so many kinds from the first on."""
        for kind in self._order[self._next : kinds]:
            if self._counted.masks[kind] & self._area:
                self._add(kind)
        self._next = max(self._next, kinds)

    def _add(self, kind: int) -> None:
        layout, need = self._counted.layout, self._needs[kind]
        down, uses = layout.down[kind], self._counted.uses[kind]
        self.memory_down += need * down
        for resource, amount in uses:
            self.uses_down[resource] += amount * down
        for e in range(layout.start[kind], layout.start[kind + 1]):
            unit, number = layout.unit[e], layout.count[e]
            self.memory[unit] += need * number
            for resource, amount in uses:
                self.uses[resource][unit] += amount * number
