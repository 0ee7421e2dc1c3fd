"""Leaves: every method tells the truth about small questions, and together they settle hard ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from bench import leaves
from hacore.clock import Deadline
from planner.placement import arcflow, leaf, pattern, solver
from planner.placement.packing import Instance, Item, Open, Outcome, Packed, Refuted
from planner.placement.verify import verify_packing

Truth = Callable[[Instance], bool]
Proof = Callable[[Instance, tuple[int, ...]], bool]
TINY = json.loads((Path(__file__).parents[2] / "external/variable-sized-tiny/cases.json").read_text())


def worlds(seeds: range) -> list[Instance]:
    return [leaves.drawn(Random(seed)) for seed in seeds]


def check(outcome: Outcome, instance: Instance, fits: Truth, proves: Proof) -> None:
    if isinstance(outcome, Packed):
        assert verify_packing(instance, outcome) == ()
    if isinstance(outcome, Refuted):
        assert not fits(instance)
        assert outcome.prices is None or proves(instance, outcome.prices)


def test_leaves_are_true(fits: Truth, proves: Proof, ample: Deadline) -> None:
    for seed, instance in enumerate(worlds(range(500))):
        outcome = leaf.decide(instance, ample)
        assert isinstance(outcome, Packed) is fits(instance), seed
        assert not isinstance(outcome, Open), seed
        check(outcome, instance, fits, proves)


def by_pattern_lp(instance: Instance, deadline: Deadline) -> Outcome:
    return pattern.decide(instance, deadline)


def by_cp_sat(instance: Instance, deadline: Deadline) -> Outcome:
    answer = solver.assign(instance, deadline)
    return Packed(answer.counts, "cp-sat") if answer.counts else Refuted(None, answer.verdict)


def by_arc_flow(instance: Instance, deadline: Deadline) -> Outcome:
    flow = arcflow.build(instance)
    assert flow is not None
    verdict, values = solver.integers(flow.tops, flow.rows, deadline)
    return Packed(arcflow.packing(flow, values), "arc-flow") if values else Refuted(None, verdict)


@pytest.mark.parametrize("method", [by_pattern_lp, by_cp_sat, by_arc_flow])
def test_each_method_is_true_by_itself(
    method: Callable[[Instance, Deadline], Outcome], fits: Truth, proves: Proof, ample: Deadline
) -> None:
    settled = 0
    instances = [i for i in worlds(range(600, 800)) if any(item.count for item in i.items)]
    for instance in instances:
        outcome = method(instance, ample)
        check(outcome, instance, fits, proves)
        settled += not isinstance(outcome, Open)
    assert settled >= len(instances) * 0.97


def test_units_do_not_matter(ample: Deadline) -> None:
    for instance in worlds(range(60)):
        unit = 4096 * 7919
        bytes_ = Instance(
            tuple(capacity * unit + unit // 2 for capacity in instance.capacities),
            tuple(Item(item.size * unit, item.bins, item.count) for item in instance.items),
        )
        assert type(leaf.decide(bytes_, ample)) is type(leaf.decide(instance, ample))


@pytest.mark.parametrize("case", TINY["cases"], ids=lambda case: case["id"])
def test_published_tiny_cases(case: dict[str, object], ample: Deadline) -> None:
    outcome = leaf.decide(leaves.question(case["bins"], case["items"]), ample)  # type: ignore[arg-type]
    assert isinstance(outcome, Packed) is case["expect"]["fits"]  # type: ignore[index]


@pytest.mark.parametrize("seed", [1, 3])
def test_bins_filled_to_the_last_unit_by_triplets(seed: int, ample: Deadline) -> None:
    outcome = leaf.decide(leaves.triplets(seed, 14), ample)
    assert isinstance(outcome, Packed)
    assert outcome.method != "greedy"


def test_arc_flow_fills_triplets_by_itself(ample: Deadline) -> None:
    instance = leaves.triplets(1, 8)
    outcome = by_arc_flow(instance, ample)
    assert isinstance(outcome, Packed)
    assert verify_packing(instance, outcome) == ()


def test_prices_refute_what_volume_does_not(proves: Proof, ample: Deadline) -> None:
    instance = leaves.question([10, 10, 10], [6, 6, 6, 6])
    outcome = leaf.decide(instance, ample)
    assert isinstance(outcome, Refuted)
    assert outcome.prices is not None
    assert proves(instance, outcome.prices)


def test_prices_refute_where_a_fraction_of_volume_is_left(proves: Proof, ample: Deadline) -> None:
    """264 of room for 259 of items; at 1 : 3 : 4 no bin holds more than 11 of 23 (Fieldhouse 1990)."""
    instance = leaves.question([132, 132], [44] * 2 + [33] * 3 + [12] * 6)
    outcome = leaf.decide(instance, ample)
    assert isinstance(outcome, Refuted)
    assert outcome.prices is not None
    assert proves(instance, outcome.prices)


def test_price_vectors_refute_and_otherwise_name_the_scarce_size(proves: Proof, ample: Deadline) -> None:
    lost = leaves.question([132, 132], [44] * 2 + [33] * 3 + [12] * 6)
    prices = solver.price_vector(lost, ample)
    assert prices is not None
    assert proves(lost, prices)
    scarce = solver.price_vector(leaves.question([10] * 4, [6, 6, 6, 1]), ample)
    assert scarce is not None
    assert scarce[0] < scarce[1]


def test_nothing_to_price(ample: Deadline, passed: Deadline) -> None:
    assert solver.price_vector(Instance((4,), ()), ample) is None
    assert solver.price_vector(Instance((), (Item(1, 0, 1),)), ample) is None
    assert solver.price_vector(leaves.question([10], [6]), passed) is None


def test_a_passed_deadline_leaves_it_open(passed: Deadline) -> None:
    outcome = leaf.decide(leaves.triplets(1, 14), passed)
    assert isinstance(outcome, Open)


def test_a_passed_deadline_does_not_hide_what_packers_find(passed: Deadline) -> None:
    assert isinstance(leaf.decide(leaves.question([10, 10], [6, 6, 4, 4]), passed), Packed)


def test_equal_questions_get_equal_answers(ample: Deadline) -> None:
    for instance in (leaves.triplets(3, 14), leaves.tight(1, 12), leaves.uneven(2, 12)):
        assert leaf.decide(instance, ample) == leaf.decide(instance, ample)


def test_flows_that_would_be_too_large_are_not_built() -> None:
    assert arcflow.build(leaves.triplets(1, 20), arcs_top=100) is None
