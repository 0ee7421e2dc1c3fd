"""Everything under constraints against what is true of small pools, and against laws."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from bench import oracle
from bench.clocks import StillClock
from bench.worlds import drawn_with_rules
from planner.constraints.memory import applied
from planner.constraints.rules import Rules
from planner.drain import drain
from planner.model import Pool, VMGroup
from planner.repair.answer import repair
from planner.restart import plan
from planner.results import Tolerance
from planner.tolerance.answer import tolerance
from planner.whatif import whatif

CLOCK = StillClock()
SEEDS = range(500)
FEW = 4, 6
"""Hosts and VMs of which every order of failures can be tried."""


def world(seed: int, hosts: int = 5, vms: int = 9) -> tuple[Pool, Rules]:
    return drawn_with_rules(Random(seed), hosts, vms)


def answer(pool: Pool, rules: Rules) -> Tolerance:
    return tolerance(pool, clock=CLOCK, rules=rules)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_figure_is_the_truth(seed):
    pool, rules = world(seed)
    seen = applied(pool, rules)[0]
    bounds = answer(pool, rules).simultaneous
    assert bounds.lower == bounds.upper == oracle.simultaneous(seen, rules.vcpus_per_core)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_witness_is_lost_with_the_vms_it_names(seed):
    pool, rules = world(seed)
    bounds = answer(pool, rules).simultaneous
    if bounds.witness is None or bounds.witness.reason not in ("memory", "reach", "cpu", "affinity"):
        return
    truth = oracle.World.of(applied(pool, rules)[0], rules.vcpus_per_core)
    named = [guest for guest in truth.guests if guest.uuid in bounds.witness.vms]
    lost = [truth.hosts.index(host) for host in bounds.witness.hosts]
    assert len(lost) == bounds.upper + 1
    assert not oracle.survivable(replace(truth, guests=tuple(named)), lost)


@pytest.mark.parametrize("seed", range(200))
def test_the_sequential_figure_and_domains_are_true(seed):
    pool, rules = world(seed, *FEW)
    seen, ratio = applied(pool, rules)[0], rules.vcpus_per_core
    found = answer(pool, rules)
    assert found.sequential.lower <= oracle.sequential(seen, ratio) <= found.sequential.upper
    assert found.sequential.proven
    for key, bounds in found.domains.items():
        if pool.quorum == "disk":
            assert bounds.lower <= oracle.domain(seen, key, ratio) <= bounds.upper


@pytest.mark.parametrize("seed", range(250))
def test_a_plan_is_complete_if_one_can_be(seed):
    pool, rules = world(seed, 4, 8)
    rng = Random(seed)
    failed = rng.sample([host.uuid for host in pool.hosts], rng.randint(0, len(pool.hosts)))
    truth = oracle.World.of(applied(pool, rules)[0], rules.vcpus_per_core)
    lost = [truth.hosts.index(host) for host in failed if host in truth.hosts]
    assert plan(pool, failed, clock=CLOCK, rules=rules).complete == oracle.survivable(truth, lost)


@pytest.mark.parametrize("seed", range(100))
def test_moves_are_accepted_by_the_judge(seed):
    """The judge refuses loudly: what these return has been accepted."""
    pool, rules = world(seed, 4, 8)
    for host in pool.hosts_in_service[:1]:
        drain(pool, [host.uuid], clock=CLOCK, rules=rules)
    found = repair(pool, target=1, clock=CLOCK, rules=rules)
    truth = oracle.simultaneous(applied(pool, rules)[0], rules.vcpus_per_core)
    assert found.possible is not False or truth < 1
    assert bool(found.possible and not found.moves) == (truth >= 1)


@pytest.mark.parametrize("seed", range(100))
def test_a_preference_changes_no_figure(seed):
    pool, rules = world(seed)
    soft = tuple(replace(group, enforced=False) for group in pool.groups)
    near = tuple(VMGroup(group.uuid, "affinity") for group in pool.groups)
    none = replace(pool, groups=(), vms=tuple(replace(vm, groups=()) for vm in pool.vms))
    figures = [answer(each, rules) for each in (replace(pool, groups=soft), replace(pool, groups=near), none)]
    assert len({(each.simultaneous, each.sequential) for each in figures}) == 1


@pytest.mark.parametrize("seed", range(100))
def test_demoting_a_vm_never_lowers(seed):
    pool, rules = world(seed)
    before = answer(pool, rules).simultaneous.lower
    for i, vm in enumerate(pool.vms):
        if vm.protected:
            idle = replace(vm, ha_restart_priority="", ha_always_run=False)
            after = replace(pool, vms=(*pool.vms[:i], idle, *pool.vms[i + 1 :]))
            assert answer(after, rules).simultaneous.lower >= before


@pytest.mark.parametrize("seed", range(100))
def test_more_vcpus_per_core_never_lower_and_many_are_as_none(seed):
    pool, rules = world(seed)
    known = tuple(replace(host, cpus=host.cpus or 1) for host in pool.hosts)
    pool = replace(pool, hosts=known)
    ratios = (Fraction(1, 2), Fraction(1), Fraction(2), Fraction(1000), None)
    figures = [answer(pool, replace(rules, vcpus_per_core=ratio)) for ratio in ratios]
    lowers = [each.simultaneous.lower for each in figures]
    assert lowers == sorted(lowers)
    assert (figures[3].simultaneous, figures[3].sequential) == (
        figures[4].simultaneous,
        figures[4].sequential,
    )


@pytest.mark.parametrize("seed", range(50))
def test_a_reserve_never_raises_and_what_balloons_never_lowers(seed):
    pool, rules = world(seed)
    plain = replace(rules, memory="static-max", reserve_bytes=0)
    figure = answer(pool, plain).simultaneous.lower
    assert answer(pool, replace(plain, reserve_bytes=2)).simultaneous.lower <= figure
    assert answer(pool, replace(plain, memory="dynamic-min")).simultaneous.lower >= figure


@pytest.mark.parametrize("seed", range(30))
def test_nothing_changed_is_nothing(seed):
    pool, rules = world(seed)
    found = whatif(pool, [], clock=CLOCK, rules=rules)
    assert found.before == found.after
    assert found.before.simultaneous == answer(pool, rules).simultaneous
