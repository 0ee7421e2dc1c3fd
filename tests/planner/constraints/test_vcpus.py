"""vCPUs per core as a constraint."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from bench.clocks import StillClock
from bench.worlds import tiny
from planner.constraints.counted import resources_of
from planner.constraints.rules import Rules
from planner.model import VM, Pool
from planner.tolerance.answer import tolerance


def world(cpus: tuple[int | None, ...], vcpus: tuple[int, ...]) -> Pool:
    """Return hosts with room for anything and these cores; VM i with its vCPUs runs on host i."""
    pool = tiny([100] * len(cpus), [(1, home, None) for home in range(len(vcpus))])
    return replace(
        pool,
        hosts=tuple(replace(host, cpus=n) for host, n in zip(pool.hosts, cpus, strict=True)),
        vms=tuple(replace(vm, vcpus=n) for vm, n in zip(pool.vms, vcpus, strict=True)),
    )


def free(pool: Pool, ratio: Fraction) -> tuple[int, ...]:
    (resource,) = resources_of(pool, Rules(vcpus_per_core=ratio)).rooms
    return resource.room


def figure(pool: Pool, ratio: str) -> tuple[int, int, str | None]:
    bounds = tolerance(pool, clock=StillClock(), rules=Rules(vcpus_per_core=Fraction(ratio))).simultaneous
    return bounds.lower, bounds.upper, bounds.witness.reason if bounds.witness else None


def test_nothing_is_counted_without_a_ratio():
    assert resources_of(world((1, 1), (9, 9))).limits == ()


def test_cores_times_ratio_is_rounded_down():
    assert free(world((3, 5), ()), Fraction(3, 2)) == (4, 7)


def test_everybody_who_takes_memory_takes_vcpus():
    pool = world((8, 8), (1,))
    more = (
        VM("dom0", 1, vcpus=2, power_state="Running", resident_on="h0", is_control_domain=True),
        VM("idle", 1, vcpus=1, power_state="Running", resident_on="h0"),
        VM("moving", 1, vcpus=3, power_state="Running", resident_on="h0", scheduled_to_be_resident_on="h1"),
        VM("halted", 1, vcpus=9),
    )
    assert free(replace(pool, vms=pool.vms + more), Fraction(1)) == (1, 5)


def test_a_host_that_is_over_or_unknown_has_nothing():
    assert free(world((2, None), (9, 0)), Fraction(1)) == (0, 0)


@pytest.mark.parametrize(
    ("ratio", "expected"), [("1", (0, 0, "cpu")), ("2", (1, 1, "cpu")), ("3", (2, 2, "all_hosts"))]
)
def test_the_figure_rises_with_the_ratio(ratio, expected):
    """Three hosts of four cores, each with a VM of four vCPUs."""
    assert figure(world((4, 4, 4), (4, 4, 4)), ratio) == expected
