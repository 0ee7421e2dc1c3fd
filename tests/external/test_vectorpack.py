"""Vector bin packing with known optima (memory and one or two other resources): the leaf against the optimum.

Small ones are decided; of the others nothing false is said within a moment, and open is no answer.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.external import Case, cases
from hacore.clock import Deadline, SystemClock
from planner.placement.leaf import decide
from planner.placement.packing import Instance, Item, Open, Packed

CASES = {case["id"]: case for case in cases(Path(__file__).parent / "vectorpack")}
SMALL = [name for name, case in CASES.items() if len(case["items"]) <= 20 and "Panigrahy" in name]
"""Those that take seconds only."""
OTHERS_SECONDS = 0.1
FINE = 1000
"""More than there are items in a case."""


def instance(case: Case, bins: int, dimensions: int) -> Instance:
    """Return the question whether all items fit; memory is the first dimension.

    Some items take nothing of it, but every VM takes memory: each gets a little more, and so do the bins.
    """
    capacities = case["capacity"][:dimensions]
    items = Counter(tuple(item[:dimensions]) for item in case["items"])
    return Instance(
        (capacities[0] * FINE + len(case["items"]),) * bins,
        tuple(
            Item(
                size * FINE + 1,
                (1 << bins) - 1,
                count,
                tuple((r, use) for r, use in enumerate(others) if use),
            )
            for (size, *others), count in items.items()
        ),
        tuple((capacity,) * bins for capacity in capacities[1:]),
    )


@pytest.mark.parametrize("name", SMALL)
def test_small_ones_are_decided(name):
    for expected in CASES[name]["expect"]:
        question = instance(CASES[name], expected["bins"], 3)
        outcome = decide(question, Deadline.after(SystemClock(), 60.0))
        assert isinstance(outcome, Packed) is expected["fits"]
        assert not isinstance(outcome, Open)


@pytest.mark.parametrize("name", SMALL)
def test_with_less_to_keep_they_fit_all_the_more(name):
    bins = CASES[name]["opt_bins"]
    for dimensions in (1, 2):
        question = instance(CASES[name], bins, dimensions)
        assert isinstance(decide(question, Deadline.after(SystemClock(), 60.0)), Packed)


@pytest.mark.parametrize("name", [name for name in CASES if name not in SMALL])
def test_of_the_others_nothing_false_is_said(name):
    for expected in CASES[name]["expect"]:
        question = instance(CASES[name], expected["bins"], 3)
        outcome = decide(question, Deadline.after(SystemClock(), OTHERS_SECONDS))
        assert isinstance(outcome, Open) or isinstance(outcome, Packed) is expected["fits"]
