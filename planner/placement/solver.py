"""The only file that imports ortools: thin doors to its CP-SAT, LP and MIP solvers.

Each door imports what it needs when it is used (0.1 s for the LP, 0.4 s for CP-SAT). Every run is one thread
with a fixed seed, so that equal questions get equal answers unless the wall clock ends them. What a model
means is decided elsewhere; what a solver says is believed only by those who ask `verify`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hacore.clock import Deadline
from planner.placement.packing import Instance

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

Counts = tuple[tuple[int, ...], ...]
EPSILON = 1e-9
"""What counts as nothing in a solution of the LP."""

Verdict = Literal["optimal", "feasible", "infeasible", "unknown"]
"""optimal: proved best (or, without an objective, found); feasible: found, not proved best."""


def price_vector(instance: Instance, deadline: Deadline) -> tuple[int, ...] | None:
    """Return prices of the items from the pattern LP: see `pattern.price_vector`."""
    from planner.placement import pattern

    return pattern.price_vector(instance, deadline)


@dataclass(frozen=True, slots=True)
class Floor:
    """Σ weights[i] · (placed of item i) must reach `at_least`."""

    weights: tuple[int, ...]
    at_least: int


@dataclass(frozen=True, slots=True)
class Row:
    """lower ≤ Σ coefficient · x ≤ upper over the terms (variable, coefficient)."""

    terms: tuple[tuple[int, int], ...]
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Relaxed:
    """An optimum of the pattern LP and its duals: `prices` one an item, `rents` one a group of bins."""

    share: float
    prices: tuple[float, ...]
    rents: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """How many bins of a group, a fraction, use a pattern in an optimum of the pattern LP."""

    group: int
    pattern: tuple[int, ...]
    bins: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a solver says: `counts[i][b]` of item i in bin b, None if it found none."""

    verdict: Verdict
    counts: Counts | None


def assign(
    instance: Instance,
    deadline: Deadline,
    *,
    weights: Sequence[int] | None = None,
    floors: Sequence[Floor] = (),
    hint: Counts | None = None,
) -> Answer:
    """Ask CP-SAT, one integer variable per (item, allowed bin), where the items go.

    Without `weights` all items must be placed. With `weights` (integers ≥ 0, one an item) each item is placed
    up to its count such that Σ weights · placed is greatest and every floor is reached.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    x = _variables(model, instance)
    _capacities(model, instance, x)
    _rooms(model, instance, x)
    placed = [sum(row.values()) for row in x]
    for item, total in zip(instance.items, placed, strict=True):
        model.add(total == item.count if weights is None else total <= item.count)
    for floor in floors:
        model.add(_dot(floor.weights, placed) >= floor.at_least)
    if weights is not None:
        model.maximize(_dot(weights, placed))
    if hint is not None:
        for row, hinted in zip(x, hint, strict=True):
            for b, variable in row.items():
                model.add_hint(variable, hinted[b])
    return _run_cp_sat(model, x, len(instance.capacities), deadline)


def _variables(model: cp_model.CpModel, instance: Instance) -> list[dict[int, cp_model.IntVar]]:
    return [
        {
            b: model.new_int_var(0, min(item.count, capacity // item.size), f"x{i}_{b}")
            for b, capacity in enumerate(instance.capacities)
            if item.bins >> b & 1 and capacity >= item.size
        }
        for i, item in enumerate(instance.items)
    ]


def _capacities(model: cp_model.CpModel, instance: Instance, x: list[dict[int, cp_model.IntVar]]) -> None:
    twin: dict[tuple[int, ...], Any] = {}
    for b, capacity in enumerate(instance.capacities):
        inside = [i for i, row in enumerate(x) if b in row]
        load = sum(instance.items[i].size * x[i][b] for i in inside)
        if not inside:
            continue
        model.add(load <= capacity)
        # Equal bins may be exchanged: only the order by load is looked at.
        kind = (capacity, *inside, *(room[b] for room in instance.rooms))
        if kind in twin:
            model.add(twin[kind] >= load)
        twin[kind] = load


def _rooms(model: cp_model.CpModel, instance: Instance, x: list[dict[int, cp_model.IntVar]]) -> None:
    """Keep what else there is in each bin."""
    takers: list[list[tuple[int, int]]] = [[] for _ in instance.rooms]
    for i, item in enumerate(instance.items if instance.rooms else ()):
        for resource, amount in item.uses:
            takers[resource].append((i, amount))
    for room, uses in zip(instance.rooms, takers, strict=True):
        for b, there in enumerate(room):
            inside = [amount * x[i][b] for i, amount in uses if b in x[i]]
            if inside:
                model.add(sum(inside) <= there)


def _dot(weights: Sequence[int], terms: Sequence[Any]) -> Any:
    return sum(w * term for w, term in zip(weights, terms, strict=True) if w)


def choose(
    ranges: Sequence[tuple[int, int]],
    weights: Sequence[int],
    rows: Sequence[Row],
    clauses: Sequence[Sequence[Row]],
    deadline: Deadline,
) -> tuple[Verdict, tuple[int, ...] | None]:
    """Ask CP-SAT for integers in `ranges` (lowest, highest) for which Σ weights · x is greatest.

    They keep every one of `rows`, and at least one of every clause. Weights of 0: any such integers.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    x = [model.new_int_var(lowest, highest, "") for lowest, highest in ranges]

    def add(row: Row) -> cp_model.Constraint:
        return model.add_linear_constraint(sum(c * x[i] for i, c in row.terms), row.lower, row.upper)

    for row in rows:
        add(row)
    for clause in clauses:
        kept = [model.new_bool_var("") for _ in clause]
        model.add_bool_or(kept)
        for row, is_kept in zip(clause, kept, strict=True):
            add(row).only_enforce_if(is_kept)
    model.maximize(_dot(weights, x))
    verdict, engine = _solved(model, deadline)
    found = verdict in ("optimal", "feasible")
    return verdict, tuple(engine.value(variable) for variable in x) if found else None


def _run_cp_sat(
    model: cp_model.CpModel, x: list[dict[int, cp_model.IntVar]], bins: int, deadline: Deadline
) -> Answer:
    verdict, engine = _solved(model, deadline)
    if verdict not in ("optimal", "feasible"):
        return Answer(verdict, None)
    counts = tuple(tuple(engine.value(row[b]) if b in row else 0 for b in range(bins)) for row in x)
    return Answer(verdict, counts)


def _solved(model: cp_model.CpModel, deadline: Deadline) -> tuple[Verdict, cp_model.CpSolver]:
    from ortools.sat.python import cp_model as cp

    engine = cp.CpSolver()
    engine.parameters.num_workers = 1
    engine.parameters.random_seed = 1
    # This presolve step multiplies coefficients: from about 2^30 on OR-Tools 9.15 calls infeasible what fits.
    engine.parameters.presolve_inclusion_work_limit = 0
    engine.parameters.max_time_in_seconds = deadline.left_seconds()
    status = engine.solve(model)
    verdicts: dict[Any, Verdict] = {
        cp.OPTIMAL: "optimal",
        cp.FEASIBLE: "feasible",
        cp.INFEASIBLE: "infeasible",
    }
    if status not in (cp.OPTIMAL, cp.INFEASIBLE):
        deadline.cut()
    return verdicts.get(status, "unknown"), engine


def _new(pywraplp: Any, engine: str) -> Any:
    return pywraplp.Solver.CreateSolver(engine)


class Master:
    """The LP of patterns: what share of the demand, the same for every item, do fractions of patterns meet?

    max share, 0 ≤ share ≤ most, so that Σ_p pattern_p[i] · x_p ≥ share · demand[i] for every item i and
    Σ_{p of group g} x_p ≤ bins[g] for every group g of equal bins (Gilmore & Gomory 1961).
    """

    def __init__(self, demand: Sequence[int], bins: Sequence[int], most: float) -> None:
        from ortools.linear_solver import pywraplp

        self._lp = _new(pywraplp, "GLOP")
        infinity = self._lp.infinity()
        share = self._lp.NumVar(0, most, "share")
        self._covers = [self._lp.Constraint(0, infinity) for _ in demand]
        self._limits = [self._lp.Constraint(-infinity, count) for count in bins]
        for cover, number in zip(self._covers, demand, strict=True):
            cover.SetCoefficient(share, -number)
        self._lp.Objective().SetCoefficient(share, 1)
        self._lp.Objective().SetMaximization()
        self._share = share
        self._columns: list[tuple[int, tuple[int, ...], Any]] = []

    def add(self, group: int, pattern: tuple[int, ...]) -> None:
        """Add a column: a load of a bin of the group, `pattern[i]` of item i."""
        column = self._lp.NumVar(0, self._lp.infinity(), "")
        self._limits[group].SetCoefficient(column, 1)
        for i, count in enumerate(pattern):
            if count:
                self._covers[i].SetCoefficient(column, count)
        self._columns.append((group, pattern, column))

    def ask(self, demand: Sequence[int], bins: Sequence[int]) -> None:
        """Go on with another demand and other numbers of bins; the columns stay."""
        for cover, number in zip(self._covers, demand, strict=True):
            cover.SetCoefficient(self._share, -number)
        for limit, count in zip(self._limits, bins, strict=True):
            limit.SetUb(count)

    def solve(self, deadline: Deadline) -> Relaxed | None:
        """Return the optimum over the columns so far; None if the deadline came first."""
        self._lp.SetTimeLimit(max(1, int(deadline.left_seconds() * 1000)))
        if self._lp.Solve() != self._lp.OPTIMAL:
            deadline.cut()
            return None
        return Relaxed(
            share=self._share.solution_value(),
            prices=tuple(-cover.dual_value() for cover in self._covers),
            rents=tuple(limit.dual_value() for limit in self._limits),
        )

    def uses(self) -> list[Use]:
        """Return the patterns in use after the last `solve`."""
        values = ((group, pattern, column.solution_value()) for group, pattern, column in self._columns)
        return [Use(group, pattern, value) for group, pattern, value in values if value > EPSILON]


def integers(
    tops: Sequence[int], rows: Sequence[Row], deadline: Deadline
) -> tuple[Verdict, tuple[int, ...] | None]:
    """Ask SCIP for integers 0 ≤ x ≤ tops that keep every row.

    Of SCIP, HiGHS and CP-SAT it settled most of the arc-flow programs of `bench.leaves` that were tried. Its
    "infeasible" is a hint, not a proof. With coefficients ±1 and whole bounds an integer solution keeps every
    row exactly, so the tolerances (1e-6) only let more points in; but cuts, presolve and the infeasibility of
    each node's LP are computed in floats, and a rounding there could cut a solution off. Hence the caller
    has CP-SAT, which reasons in integers, confirm it on the same rows: where tried, in 0.1 to 0.3 s.
    """
    from ortools.linear_solver import pywraplp

    mip = _new(pywraplp, "SCIP")
    x = [mip.IntVar(0, top, "") for top in tops]
    for row in rows:
        constraint = mip.Constraint(row.lower, row.upper)
        for variable, coefficient in row.terms:
            constraint.SetCoefficient(x[variable], coefficient)
    mip.SetNumThreads(1)
    mip.SetTimeLimit(max(1, int(deadline.left_seconds() * 1000)))
    status = mip.Solve()
    if status not in (mip.OPTIMAL, mip.INFEASIBLE):
        deadline.cut()
    if status in (mip.OPTIMAL, mip.FEASIBLE):
        return "optimal", tuple(round(variable.solution_value()) for variable in x)
    return ("infeasible" if status == mip.INFEASIBLE else "unknown"), None
