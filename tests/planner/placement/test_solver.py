"""What the solver's doors say must be true at the edge of what their numbers can hold."""

from collections import Counter
from random import Random

import pytest

from bench.clocks import StillClock
from hacore.clock import Deadline, SystemClock
from planner.placement import solver
from planner.placement.packing import Instance, Item, Packed
from planner.placement.verify import verify_packing

SMALLEST = Instance(
    capacities=(206_158_430_203, 137_438_953_470, 68_719_476_741, 68_719_476_741),
    items=(
        Item(68_719_476_732, 0b1111, 2),
        Item(68_719_476_738, 0b1111, 2),
        Item(68_719_476_733, 0b1111, 1),
        Item(68_719_476_741, 0b1111, 2),
    ),
)
"""68_719_476_732 + …738 + …733, …732 + …738, …741, …741: full to the byte."""


def drawn(seed: int, base: int) -> Instance:
    """Return bins filled to the unit with sizes that differ by a few units."""
    rng = Random(seed)
    sizes = [base + rng.randint(-5, 5) for _ in range(rng.randint(2, 4))]
    loads = [[rng.choice(sizes) for _ in range(rng.randint(1, 3))] for _ in range(rng.randint(3, 6))]
    counts = Counter(size for load in loads for size in load)
    everywhere = (1 << len(loads)) - 1
    items = tuple(Item(size, everywhere, count) for size, count in counts.items())
    return Instance(tuple(map(sum, loads)), items)


def assert_packed(instance: Instance) -> None:
    clock = SystemClock()
    answer = solver.assign(instance, Deadline.after(clock, 10.0))
    assert answer.verdict == "optimal"
    assert answer.counts is not None
    assert not verify_packing(instance, Packed(answer.counts, "cp-sat"))


def test_odd_bytes_are_not_refuted() -> None:
    assert_packed(SMALLEST)


@pytest.mark.parametrize("base", [1 << 30, 1 << 36, 1 << 42])
def test_what_fits_to_the_byte_is_never_refuted(base: int) -> None:
    for seed in range(450, 550):
        assert_packed(drawn(seed, base))


def test_a_solver_that_runs_out_of_time_has_cut_something_short() -> None:
    ample, none = (Deadline.after(StillClock(), seconds) for seconds in (1e6, 0.0))
    assert solver.assign(SMALLEST, ample).verdict == "optimal"
    assert not ample.part(0.5).cuts.any
    assert solver.assign(SMALLEST, none.part(0.5)).verdict == "unknown"
    assert none.cuts.any
