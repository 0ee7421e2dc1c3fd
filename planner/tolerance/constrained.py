"""The simultaneous tolerance where hosts have more than memory: vCPUs, places of groups (TOLERANCE §5).

Above: what memory and reach alone refute, found by the search that knows nothing else, and what a single
resource refutes. Below: the certificate of `blocking`; the sets of units that it leaves open are packed one
by one, in the order of cost. Every "yes" of a packer keeps all resources; must never take one that was found
without them, nor "not decided" for an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest

from hacore.clock import Deadline, Stopwatch
from planner.placement.packing import Open, Packed, Refuted
from planner.placement.vector import pack_all
from planner.results import Method, SolverUse
from planner.tolerance.blocking import Certificate, Row
from planner.tolerance.bounds import ClosedForm, closed_form
from planner.tolerance.counts import Counted, count, leaf
from planner.tolerance.search import Found, Lost, search

RELAXED_SHARE = 0.3
"""Of the time, for the search without the resources: it mostly takes some milliseconds."""
MOST_SETS = 200_000
"""Open sets of one level beyond which it is left open."""
FIRST_SLICE_SECONDS = 0.25
MOST_WAITING = 64
"""Sets that packers left undecided: so many go to the leaf at once."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The same VMs with memory and reach only, and what is known of them."""

    counted: Counted
    closed: ClosedForm
    found: Found


@dataclass(frozen=True, slots=True)
class Settled:
    """Bounds under all resources; `relaxed` is set if memory and reach alone prove the upper one."""

    found: Found
    relaxed: Relaxed | None


def search_constrained(counted: Counted, *, cap: int, deadline: Deadline, solve: bool = True) -> Settled:
    """Return the bounds after searching for no longer than the deadline; figures above `cap` do not matter.

    Without `solve` nothing loads a solver, and a gap stays.
    """
    relaxed = _relaxed(counted, cap, deadline, solve)
    by_memory = relaxed.found.lost
    fewest = min(_refuted(counted), key=len, default=by_memory.units)
    lost = Lost(fewest) if len(fewest) < len(by_memory.units) else by_memory
    climb = _Climb(counted, Certificate(counted), deadline, solve, relaxed.found.solver)
    found = climb.run(lost, cap)
    return Settled(found, relaxed if found.lost is by_memory else None)


def _relaxed(counted: Counted, cap: int, deadline: Deadline, solve: bool) -> Relaxed:
    plain = count(counted.problem.relaxed, counted.unit_hosts)
    closed = closed_form(plain)
    share = deadline.part(RELAXED_SHARE)
    return Relaxed(plain, closed, search(plain, closed, cap=cap, deadline=share, solve=solve))


def _refuted(counted: Counted) -> Iterator[tuple[int, ...]]:
    """Yield for each resource the fewest units whose loss asks for more of it than all others have.

    Only hosts count that some VM which takes it could use. Σ over the lost of (room + asked) + down > Σ room.
    """
    for resource, each in enumerate(counted.problem.resources):
        asked, down, area = _asked(counted, resource)
        room = [free if area >> host & 1 else 0 for host, free in enumerate(each.room)]
        terms = [
            sum(room[host] for host in hosts) + more
            for hosts, more in zip(counted.unit_hosts, asked, strict=True)
        ]
        order = nlargest(len(terms), range(len(terms)), key=terms.__getitem__)
        missing = sum(room) - down
        for failures in range(len(order) + 1):
            if sum(terms[unit] for unit in order[:failures]) > missing:
                yield tuple(sorted(order[:failures]))
                break


def _asked(counted: Counted, resource: int) -> tuple[list[int], int, int]:
    """Return what the VMs of each unit, and those down, take of a resource, and where they may be."""
    layout = counted.layout
    asked, down, area = [0] * counted.units, 0, 0
    for kind, uses in enumerate(counted.uses):
        amount = dict(uses).get(resource, 0)
        if not amount:
            continue
        area |= counted.masks[kind]
        down += amount * layout.down[kind]
        for e in range(layout.start[kind], layout.start[kind + 1]):
            asked[layout.unit[e]] += amount * layout.count[e]
    return asked, down, area


@dataclass(slots=True)
class _Climb:
    """From one number of failures to the next, while every open set of it packs."""

    counted: Counted
    certificate: Certificate
    deadline: Deadline
    solve: bool
    use: SolverUse

    def run(self, lost: Lost, cap: int) -> Found:
        upper = len(lost.units) - 1
        lower = self.certificate.lower(min(upper, cap), self.deadline)
        method: Method = "certificate"
        while lower < min(upper, cap):
            settled = self._level(lower + 1)
            if isinstance(settled, Lost):
                lost, upper = settled, lower
            elif settled is None:
                break
            else:
                lower += 1
                method = settled if settled != "certificate" else method
        return Found(lower, upper, method, lost, self.use)

    def _level(self, failures: int) -> Method | Lost | None:
        """Return the method that proves every set of so many units, a lost set, or None: open."""
        rows = self.certificate.open_rows(failures, self.deadline)
        if not rows:
            return "certificate"
        solved, waiting = False, []
        for number, units in enumerate(open_sets(rows, failures)):
            if self.deadline.passed() or number == MOST_SETS:
                return self._give_up()
            if pack_all(leaf(self.counted, units)[0]) is None:
                waiting.append(units)
            if len(waiting) == MOST_WAITING:
                settled = self._decide_all(waiting)
                if settled is not None:
                    return settled if isinstance(settled, Lost) else self._give_up()
                solved, waiting = True, []
        settled = self._decide_all(waiting)
        if settled is not None:
            return settled if isinstance(settled, Lost) else self._give_up()
        return "solver" if solved or waiting else "enumeration"

    def _give_up(self) -> Method | None:
        """Return None, and say so where a limit was the cause."""
        self.use = replace(self.use, limit_reached=self.solve)
        return None

    def _decide_all(self, waiting: list[tuple[int, ...]]) -> Lost | Open | None:
        """Let the leaf decide each set, for longer and longer; return a lost one, Open if any stay open."""
        seconds = FIRST_SLICE_SECONDS
        while waiting:
            if not self.solve or self.deadline.passed():
                return Open("cp-sat")
            again = []
            for units in waiting:
                outcome = self._decide(units, seconds)
                if isinstance(outcome, Refuted):
                    return Lost(units)
                if isinstance(outcome, Open):
                    again.append(units)
            waiting, seconds = again, 2 * seconds
        return None

    def _decide(self, units: tuple[int, ...], seconds: float) -> Packed | Refuted | Open:
        from planner.placement.leaf import decide

        watch = Stopwatch.start(self.deadline.clock)
        limit = min(seconds, self.deadline.left_seconds())
        outcome = decide(leaf(self.counted, units)[0], Deadline.after(self.deadline.clock, limit))
        self.use = replace(self.use, calls=self.use.calls + 1, seconds=self.use.seconds + watch.seconds())
        return outcome


def open_sets(rows: Sequence[Row], failures: int) -> Iterator[tuple[int, ...]]:
    """Yield each set of so many units that some row does not exclude, once; the first row's worst first."""
    seen: set[tuple[int, ...]] = set()
    for row in sorted(rows, key=lambda row: (-row.worst(failures) / max(1, row.limit), row.kind)):
        for units in _exceeding(row, failures):
            if units not in seen:
                seen.add(units)
                yield units


def _exceeding(row: Row, failures: int) -> Iterator[tuple[int, ...]]:
    """Yield the sets whose terms reach a row's limit and that hold a VM of its kind."""
    order = sorted(range(len(row.terms)), key=lambda unit: (-row.terms[unit], unit))
    terms = [row.terms[unit] for unit in order]

    def walk(first: int, left: int, total: int, chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if not left:
            if row.holders is None or not row.holders.isdisjoint(chosen):
                yield tuple(sorted(chosen))
            return
        for position in range(first, len(order) - left + 1):
            if total + sum(terms[position : position + left]) < row.limit:
                return
            yield from walk(position + 1, left - 1, total + terms[position], (*chosen, order[position]))

    yield from walk(0, failures, 0, ())
