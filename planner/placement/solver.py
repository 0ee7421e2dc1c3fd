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
Verdict = Literal["optimal", "feasible", "infeasible", "unknown"]
"""optimal: proved best (or, without an objective, found); feasible: found, not proved best."""


@dataclass(frozen=True, slots=True)
class Floor:
    """Σ weights[i] · (placed of item i) must reach `at_least`."""

    weights: tuple[int, ...]
    at_least: int


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
        kind = (capacity, *inside)
        if kind in twin:
            model.add(twin[kind] >= load)
        twin[kind] = load


def _dot(weights: Sequence[int], terms: Sequence[Any]) -> Any:
    return sum(w * term for w, term in zip(weights, terms, strict=True) if w)


def _run_cp_sat(
    model: cp_model.CpModel, x: list[dict[int, cp_model.IntVar]], bins: int, deadline: Deadline
) -> Answer:
    from ortools.sat.python import cp_model as cp

    solver = cp.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_time_in_seconds = deadline.left_seconds()
    status = solver.solve(model)
    verdicts: dict[Any, Verdict] = {
        cp.OPTIMAL: "optimal",
        cp.FEASIBLE: "feasible",
        cp.INFEASIBLE: "infeasible",
    }
    verdict = verdicts.get(status, "unknown")
    if verdict not in ("optimal", "feasible"):
        return Answer(verdict, None)
    counts = tuple(tuple(solver.value(row[b]) if b in row else 0 for b in range(bins)) for row in x)
    return Answer(verdict, counts)
