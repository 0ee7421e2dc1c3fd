"""Orders of kinds on small pools: no row excludes a lost set, and the best order beats falling size."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from hacore.kernel.planning import certificate_rows, certified, saturation
from planner.placement.problem import Problem, problem_of
from planner.tolerance.bounds import closed_form
from planner.tolerance.counts import Counted, count
from planner.tolerance.ranks import Certificate, Ranking


def ranking(counted: Counted) -> Ranking:
    return Ranking(counted, saturation(counted.safe.room, counted.safe.needs)[0])


def excludes(counted: Counted, proof: Certificate, units: tuple[int, ...]) -> bool:
    """Tell whether every row says that its kind cannot fail when these units do."""
    layout = counted.layout
    for kind in range(len(counted.needs)):
        held = layout.unit[layout.start[kind] : layout.start[kind + 1]]
        if not layout.down[kind] and not set(held) & set(units):
            continue
        terms = proof.rows.terms[kind * counted.units : (kind + 1) * counted.units]
        if sum(terms[unit] for unit in units) >= proof.rows.limits[kind]:
            return False
    return True


@pytest.mark.parametrize("most_units", [1, 40, 1 << 21])
@pytest.mark.parametrize("hosts_a_unit", [1, 2])
def test_no_order_excludes_a_lost_set(
    pools: Any, survivable: Any, most_units: int, hosts_a_unit: int
) -> None:
    for seed in range(5000, 5150):
        problem = problem_of(pools(seed))
        if not problem.vms or not problem.hosts:
            continue
        hosts = range(len(problem.hosts))
        units = [tuple(hosts[h : h + hosts_a_unit]) for h in hosts[::hosts_a_unit]]
        counted = count(problem, units, most_units=most_units)
        orders = ranking(counted)
        proofs = [orders.certificate(failures) for failures in range(counted.units + 1)]
        for failures in range(counted.units + 1):
            for failed in combinations(range(counted.units), failures):
                lost = not survivable(problem, counted.mask_of(failed))
                for proof in proofs:
                    excluded = excludes(counted, proof, failed)
                    assert not (lost and (excluded or proof.lower >= failures)), (seed, failed)


def test_the_few_that_are_bound_come_first() -> None:
    """Three VMs that may run anywhere could fill the only other host of the fourth: not if it comes first."""
    everywhere = 0b1111
    counted = count(
        Problem(
            hosts=("a", "b", "c", "d"),
            free_bytes=(4, 4, 2, 0),
            vms=("anywhere-1", "anywhere-2", "anywhere-3", "bound"),
            need_bytes=(1, 1, 1, 1),
            home=(3, 3, 3, 3),
            candidates=(everywhere, everywhere, everywhere, 0b1100),
            cap=None,
        )
    )
    least, _ = saturation(counted.safe.room, counted.safe.needs)
    assert min(certified(counted.layout, certificate_rows(counted.layout, counted.safe.needs, least))) == 0
    assert Ranking(counted, least).certificate(1).lower == 1
    closed = closed_form(counted)
    assert (closed.lower, closed.upper) == (1, 1)
