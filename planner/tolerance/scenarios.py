"""A placement that survives every feared order of failures at once, as one integer program.

The feared orders form a tree: after these hosts failed, that one. Each branch has a placement of its own for
the VMs that its last host takes down, chosen when all hosts before it are known to have failed and none after
it. Whatever a branch's VMs are is linear in the choices above it, so the whole tree is one program: if it has
no solution, no strategy of ours survives, which CP-SAT proves in integers. Must never judge orders that are
not in the tree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from hacore.clock import Deadline
from planner.placement.solver import Row, Verdict
from planner.tolerance.state import State, bits

Fears = dict[int, "Fears"]
"""By host that may fail next: what is feared after it. Empty: the VMs of that host must find a place."""

MOST_VARIABLES = 60_000
"""Programs beyond it are not built: their answers take minutes."""


@dataclass(frozen=True, slots=True)
class _Number:
    """How many VMs of a kind: `fixed` and those that variables bring."""

    fixed: int = 0
    variables: tuple[int, ...] = ()


def survive(state: State, fears: Fears, deadline: Deadline) -> tuple[Verdict, State | None]:
    """Return a state in which those who wait are placed such that every order in `fears` can be survived.

    "infeasible" is a proof that there is none; "unknown" says nothing.
    """
    program = _Program(state)
    waiting = {kind: _Number(number) for kind, number in enumerate(state.waiting) if number}
    there = program.place(waiting, state.alive, {})
    first = len(program.tops)
    program.fear(fears, state.alive, there)
    if program.too_large:
        return "unknown", None
    from planner.placement import solver

    ranges = [(0, top) for top in program.tops]
    verdict, values = solver.choose(ranges, [0] * len(ranges), program.rows, (), deadline)
    if values is None:
        return verdict, None
    counts = [[0] * len(state.free) for _ in state.needs]
    for x, (kind, host) in enumerate(program.places[:first]):
        counts[kind][host] += values[x]
    return "feasible", state.placed(counts)


_There = dict[int, list[int]]
"""Variables by host: VMs that were placed there and still run."""


@dataclass(slots=True)
class _Program:
    """Variables are numbers of VMs of a kind that a branch places on a host."""

    state: State
    tops: list[int] = field(default_factory=lambda: [0])
    """Variable 0 is always 0: it stands in rows that have no other."""
    places: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    """Kind and host by variable."""
    rows: list[Row] = field(default_factory=list)

    @property
    def too_large(self) -> bool:
        return len(self.tops) > MOST_VARIABLES

    def fear(self, fears: Fears, alive: int, there: _There) -> None:
        """Add a placement for each host in `fears` that fails, and what is feared after it."""
        for host, then in fears.items():
            if self.too_large:
                return
            left = {other: placed for other, placed in there.items() if other != host}
            after = alive & ~(1 << host)
            self.fear(then, after, self.place(self._on(host, there.get(host, [])), after, left))

    def place(self, waiting: dict[int, _Number], alive: int, there: _There) -> _There:
        """Add the placement of those who wait, by kind; return who is where then."""
        result = defaultdict(list, {host: list(placed) for host, placed in there.items()})
        for kind, number in waiting.items():
            terms = [(x, -1) for x in number.variables]
            for host in bits(self.state.masks[kind] & alive):
                if self.state.free[host] >= self.state.needs[kind]:
                    terms.append((self._variable(kind, host), 1))
                    result[host].append(terms[-1][0])
            self.rows.append(Row(tuple(terms) or ((0, 1),), number.fixed, number.fixed))
        for host, placed in result.items():
            load = tuple((x, self.state.needs[self.places[x][0]]) for x in placed)
            self.rows.append(Row(load, 0, self.state.free[host]))
            self.rows += self._rooms(host, placed)
        return result

    def _rooms(self, host: int, placed: list[int]) -> Iterator[Row]:
        """Yield what else a host must not have too much of."""
        taken = defaultdict(list)
        for x in placed if self.state.rooms else ():
            for resource, amount in self.state.uses[self.places[x][0]]:
                taken[resource].append((x, amount))
        for resource, terms in taken.items():
            yield Row(tuple(terms), 0, self.state.rooms[resource][host])

    def _variable(self, kind: int, host: int) -> int:
        self.tops.append(self.state.free[host] // self.state.needs[kind])
        self.places.append((kind, host))
        return len(self.tops) - 1

    def _on(self, host: int, placed: list[int]) -> dict[int, _Number]:
        """Return who runs on a host: those of today and those placed there."""
        by_kind: defaultdict[int, list[int]] = defaultdict(list)
        for x in placed:
            if self.places[x][0] not in self.state.passing:
                by_kind[self.places[x][0]].append(x)
        return {
            kind: _Number(fixed, tuple(by_kind[kind]))
            for kind, fixed in enumerate(self.state.restarting(host))
            if fixed or by_kind[kind]
        }
