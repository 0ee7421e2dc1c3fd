"""Bins of different sizes, fits or not: the question at a leaf, and the same as a pool."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.clocks import StillClock
from bench.external import Case, cases
from bench.oracle import packable
from bench.worlds import tiny
from hacore.clock import Deadline
from planner.placement.leaf import decide
from planner.placement.packing import Instance, Item, Packed, Refuted

CASES = {case["id"]: case for case in cases(Path(__file__).parent / "variable-sized-tiny")}


@pytest.mark.parametrize("name", CASES)
def test_the_leaf_decides(name: str) -> None:
    case = CASES[name]
    everywhere = (1 << len(case["bins"])) - 1
    items = tuple(Item(size, everywhere, count) for size, count in Counter(case["items"]).items())
    found = decide(Instance(tuple(case["bins"]), items), Deadline.after(StillClock(), 10.0))
    assert isinstance(found, Packed if case["expect"]["fits"] else Refuted)


@pytest.mark.parametrize("name", CASES)
def test_a_full_host_beside_the_bins(name: str, answer) -> None:
    """A host that runs all items, the bins empty beside it: losing it is survived iff they fit."""
    case = CASES[name]
    pool = tiny([0, *case["bins"]], [(size, 0, None) for size in case["items"]])
    assert (answer(pool).lower >= 1) is case["expect"]["fits"]


@pytest.mark.parametrize("name", CASES)
def test_brute_force_agrees(name: str) -> None:
    case: Case = CASES[name]
    everywhere = (1 << len(case["bins"])) - 1
    assert packable(case["bins"], [(size, everywhere) for size in case["items"]]) is case["expect"]["fits"]
