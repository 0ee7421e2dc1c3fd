"""Closes the gap between the closed bounds (TOLERANCE §4): branch and bound over what the certificate
leaves open.

Decides one number of failures after the other: every open set packs, or one is lost, or the limit comes
first. The kernel walks and packs; prices and the leaf solver are asked only for what it leaves undecided,
so that most answers never load a solver. Must never take "not decided" for an answer.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hacore.clock import Deadline, Stopwatch
from hacore.kernel.planning import FailureSets, Verdict, dominators
from planner.placement.packing import Open, Packed, Refuted
from planner.results import Method, SolverUse
from planner.tolerance.bounds import ClosedForm
from planner.tolerance.counts import Counted, leaf
from planner.tolerance.prices import guess, refute
from planner.tolerance.ranks import Certificate

SLICE_NODES = 20_000
"""Kernel work between two looks at the deadline and at signals: a few milliseconds."""
FIRST_NODES = 200_000
"""Kernel work on one level before a solver is loaded: counted, lest the answer depend on speed."""
MOST_UNDECIDED = 64
ROWS_AT_ONCE = 64
"""Open rows are searched in groups: the tables of a group stay small."""
FIRST_SLICE_SECONDS = 0.25
PRICES_SHARE = 0.5
"""Share of the time left that price vectors may take."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Units whose loss is not survived, and what is known of the proof: an area, or prices by kind."""

    units: tuple[int, ...]
    area: int | None = None
    prices: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Bounds in failed units; `lost` proves `upper`."""

    lower: int
    upper: int
    method: Method
    lost: Lost
    solver: SolverUse


def search(
    counted: Counted, closed: ClosedForm, *, cap: int, deadline: Deadline, solve: bool = True
) -> Found:
    """Return the bounds after searching for no longer than the deadline; figures above `cap` do not matter.

    Without `solve` only the kernel searches, and only for a few ten milliseconds.
    """
    found = Found(
        closed.lower,
        closed.upper,
        "certificate",
        Lost(closed.ceiling.units, area=closed.ceiling.area),
        SolverUse(),
    )
    if found.lower < min(found.upper, cap):
        found = _guessed(counted, found)
    while found.lower < min(found.upper, cap):
        level = _Level(counted, closed, found.lower + 1, deadline, solve, found.solver)
        settled = level.settle()
        found = replace(found, solver=level.use)
        if settled is None:
            return _from_above(counted, found, level, deadline) if solve else found
        if isinstance(settled, Lost):
            found = replace(found, upper=len(settled.units) - 1, lost=settled)
        else:
            found = replace(found, lower=found.lower + 1, method=settled)
    return found


def _guessed(counted: Counted, found: Found) -> Found:
    priced = guess(counted, len(found.lost.units))
    if priced is None:
        return found
    return replace(found, upper=len(priced.units) - 1, lost=Lost(priced.units, prices=priced.prices))


def _from_above(counted: Counted, found: Found, level: _Level, deadline: Deadline) -> Found:
    """Lower the upper bound by prices where the level below stays open: a gap of 1 at most is the aim."""
    for failures in range(found.lower + 2, found.upper + 1):
        if deadline.passed():
            break
        priced = level.ask_prices(level.worst(failures))
        if priced is not None:
            return replace(found, upper=failures - 1, lost=priced, solver=level.use)
    return replace(found, solver=level.use)


@dataclass(slots=True)
class _Level:
    """Whether every set of `failures` units is survived."""

    counted: Counted
    closed: ClosedForm
    failures: int
    deadline: Deadline
    solve: bool
    use: SolverUse
    order: list[int] = field(default_factory=list)
    undecided: list[tuple[int, ...]] = field(default_factory=list)
    solved_any: bool = False
    _current: FailureSets | None = None
    _done: bool = False

    def settle(self) -> Method | Lost | None:
        """Return the method that proves every set survivable, a lost set, or None if the limit came first."""
        walks = self._walks()
        lost = self._walk(walks, FIRST_NODES)
        if lost is None and not self.solve:
            return None if self.undecided or not self._done else "enumeration"
        if lost is None and (self.undecided or not self._done):
            lost = self.ask_prices(self.undecided[0] if self.undecided else self.worst(self.failures))
        seconds = FIRST_SLICE_SECONDS
        while lost is None and not self.deadline.passed() and (self.undecided or not self._done):
            lost = self._decide_all(seconds)
            if lost is None and not self._done and len(self.undecided) < MOST_UNDECIDED:
                lost = self._walk(walks, 10 * FIRST_NODES)
            else:
                seconds *= 2
        if lost is not None:
            return lost
        if self.undecided or not self._done:
            self.use = replace(self.use, limit_reached=True)
            return None
        return "solver" if self.solved_any else "enumeration"

    def worst(self, failures: int) -> tuple[int, ...]:
        """Return the set with the largest terms in the row that is exceeded most."""
        return tuple(sorted(self.order[:failures]))

    def _walks(self) -> Iterator[FailureSets]:
        """Prepare the searches of this level, one for each group of open rows."""
        certificate, counted = self._certificate(), self.counted
        rows = certificate.open_rows(self.failures)
        if not rows:
            return
        rows.sort(key=lambda row: (-_excess(certificate, counted.units, row, self.failures), row))
        self.order = _order(certificate, counted.units, rows)
        for first in range(0, len(rows), ROWS_AT_ONCE):
            group = rows[first : first + ROWS_AT_ONCE]
            order = _order(certificate, counted.units, group)
            yield FailureSets(
                counted.layout,
                self.failures,
                rows=certificate.rows,
                open_rows=group,
                order=order,
                dominators=_dominators(counted, order),
                room=counted.exact.room,
                sizes=counted.exact.needs,
                floor_sizes=counted.loose.needs,
                most=self.closed.most,
            )

    def _certificate(self) -> Certificate:
        """Return the certificate that leaves fewer rows open for so many failures."""
        plain, ranking = self.closed.certificate, self.closed.ranking
        if ranking is None:
            return plain
        ranked = ranking.certificate(self.failures)
        return min(plain, ranked, key=lambda proof: len(proof.open_rows(self.failures)))

    def _walk(self, walks: Iterator[FailureSets], budget: int) -> Lost | None:
        """Walk on for about so many nodes, or until a set is lost or too many are undecided."""
        while budget > 0 and len(self.undecided) < MOST_UNDECIDED and not self.deadline.passed():
            if self._current is None:
                self._current = next(walks, None)
                if self._current is None:
                    self._done = True
                    return None
            verdict = self._current.run(SLICE_NODES)
            if verdict is Verdict.LOST:
                return Lost(self._current.chosen)
            if verdict is Verdict.OPEN:
                self.undecided.append(self._current.chosen)
            elif verdict is Verdict.EXHAUSTED:
                self._current = None
            else:
                budget -= SLICE_NODES
        return None

    def ask_prices(self, units: tuple[int, ...]) -> Lost | None:
        """Try to refute a set, or a worse one of the same size, by prices."""
        watch = Stopwatch.start(self.deadline.clock)
        share = self.deadline.part(PRICES_SHARE)
        priced = refute(self.counted, units, share)
        self._used(watch)
        return None if priced is None else Lost(priced.units, prices=priced.prices)

    def _decide_all(self, seconds: float) -> Lost | None:
        """Let the leaf solver decide every undecided set, each for so long at most; keep what stays open."""
        waiting, self.undecided = self.undecided, []
        for position, units in enumerate(waiting):
            if self.deadline.passed():
                self.undecided += waiting[position:]
                return None
            lost = self._decide(units, seconds)
            if lost is not None:
                return lost
        return None

    def _decide(self, units: tuple[int, ...], seconds: float) -> Lost | None:
        from planner.placement.leaf import decide

        watch = Stopwatch.start(self.deadline.clock)
        instance, item_of = leaf(self.counted, units)
        limit = min(seconds, self.deadline.left_seconds())
        outcome = decide(instance, Deadline.after(self.deadline.clock, limit))
        self._used(watch)
        match outcome:
            case Packed():
                self.solved_any = True
            case Refuted(prices=None):
                return Lost(units)
            case Refuted(prices=prices):
                assert prices is not None
                return Lost(units, prices=tuple(0 if i is None else prices[i] for i in item_of))
            case Open():
                self.undecided.append(units)
        return None

    def _used(self, watch: Stopwatch) -> None:
        self.use = replace(self.use, calls=self.use.calls + 1, seconds=self.use.seconds + watch.seconds())


def _excess(certificate: Certificate, units: int, row: int, failures: int) -> float:
    """Return by how much the largest terms of a row exceed its limit, relative to it."""
    terms = sorted(certificate.rows.terms[row * units : (row + 1) * units], reverse=True)
    limit = certificate.rows.limits[row]
    return sum(terms[:failures]) / max(1, limit)


def _order(certificate: Certificate, units: int, rows: list[int]) -> list[int]:
    """Return the units by falling term of the first row, then of all rows: the worst sets come first."""
    terms = certificate.rows.terms
    first = rows[0] * units
    total = [sum(terms[row * units + u] for row in rows) for u in range(units)]
    return sorted(range(units), key=lambda u: (-terms[first + u], -total[u], u))


def _dominators(counted: Counted, order: list[int]) -> array[int]:
    if not counted.single:
        return array("Q", bytes(8 * counted.units * (counted.units // 64 + 1)))
    return dominators(counted.layout, order, counted.problem.free_bytes)
