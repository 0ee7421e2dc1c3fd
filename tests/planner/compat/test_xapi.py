"""xapi's rule: known answers, thresholds, and a plain retelling with every permutation spelled out."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from random import Random

import pytest

from bench.worlds import tiny
from planner.compat import xapi
from planner.model import SR, VM, Host, Network, Pool

MIB = 1 << 20


@pytest.mark.parametrize(
    ("free", "vms", "most"),
    [
        pytest.param([4, 4, 4], [], 3, id="nothing protected: all hosts"),
        pytest.param([4, 4], [(3, 0, None)], 1, id="two hosts, one VM"),
        pytest.param([4, 2], [(3, 0, None)], 0, id="no room elsewhere"),
        pytest.param(
            [7, 6, 0], [(6, 2, None), (4, 2, None), (3, 2, None)], 0, id="worst fit misses a packing"
        ),
        pytest.param([9, 9], [(3, 0, 1)], 0, id="a VM that is not agile"),
        pytest.param([9, 9], [(3, 0, 3)], 1, id="every host a candidate: agile"),
        pytest.param([2, 2], [(3, None, None)], 0, id="0 can mean not even 0"),
        pytest.param([9, 9, 9], [(3, None, None)], 2, id="down and startable"),
    ],
)
def test_known_pools(free, vms, most) -> None:
    assert xapi.max_failures(tiny(free, vms, unit=MIB)) == most


def test_what_exists() -> None:
    agile = tiny([9, 9, 9], [(3, 0, None)], unit=MIB)
    bound = tiny([9, 9, 9], [(3, 0, None), (1, 1, 2)], unit=MIB)
    down_and_bound = tiny([9, 9, 9], [(3, 0, None), (1, None, 2)], unit=MIB)
    assert [xapi.plan_exists(agile, n) for n in range(4)] == ["all", "all", "all", "none"]
    assert [xapi.plan_exists(bound, n) for n in range(4)] == ["excluding_non_agile"] * 3 + ["none"]
    assert xapi.plan_exists(down_and_bound, 0) == "none"
    assert xapi.plan_exists(agile, 4) == "none"
    assert xapi.plan_exists(agile, -1) == "none"


@pytest.mark.parametrize(
    ("failures", "hosts"), [(0, 32), (1, 32), (2, 32), (3, 16), (4, 9), (5, 7), (6, 6), (7, None)]
)
def test_up_to_how_many_hosts_every_order_is_tried(failures: int, hosts: int | None) -> None:
    tried = [n for n in range(failures, 40) if xapi.rule_for(n, failures) == "exhaustive"]
    assert (max(tried) if tried else None) == hosts


def test_approximation_takes_every_vm_for_the_biggest() -> None:
    """33 hosts: each has room for 3 of 1 or 1 of 2; two VMs a host, one big one: 1 slot a host."""
    vms = [(1, host, None) for host in range(33) for _ in range(2)] + [(2, 0, None)]
    pool = tiny([3] * 33, vms, unit=MIB)
    lost_and_left = [(1 + 2 * n, 33 - n) for n in range(1, 34)]
    assert xapi.max_failures(pool) == sum(lost <= left for lost, left in lost_and_left) == 10


def test_need_is_rounded_up_to_mib() -> None:
    vm = VM("v", memory_static_max_bytes=MIB + 1, memory_overhead_bytes=3)
    assert xapi.need_bytes(vm) == 2 * MIB + 3


def test_a_cluster_bounds_the_figure() -> None:
    pool = replace(tiny([9] * 5, [(1, 0, None)], unit=MIB), quorum="majority")
    assert xapi.max_failures(pool) == 2


@pytest.mark.parametrize(
    ("vm", "agile"),
    [
        (VM("v", 1), True),
        (VM("v", 1, srs=("everywhere",), networks=("all",)), True),
        (VM("v", 1, srs=("local",)), False),
        (VM("v", 1, srs=("not shared",)), False),
        (VM("v", 1, networks=("some",)), False),
        (VM("v", 1, candidate_hosts=("h0",)), False),
        (VM("v", 1, candidate_hosts=("h0", "h1")), True),
        (VM("v", 1, unagile_because=("VM_HAS_VGPU: VGPU 1",)), False),
        (VM("v", 1, candidate_hosts=("h0",), unagile_because=("VM_HAS_PCI_ATTACHED: 0000:1",)), True),
        (VM("v", 1, candidate_hosts=("h0",), unagile_because=("VM_HAS_PCI_ATTACHED", "VM_HAS_VUSBS")), False),
        (VM("v", 1, candidate_hosts=("h0",), unagile_because=("DEVICE_UNREADABLE",)), False),
    ],
)
def test_agile_is_everywhere_that_is_enabled(vm: VM, agile: bool) -> None:
    pool = Pool(
        "p",
        hosts=(Host("h0", 1), Host("h1", 1, live=False), Host("h2", 1, enabled=False)),
        srs=(
            SR("everywhere", hosts=("h0", "h1")),
            SR("local", hosts=("h0",)),
            SR("not shared", shared=False),
        ),
        networks=(Network("all"), Network("some", hosts=("h1", "h2"))),
    )
    assert xapi.is_agile(pool, vm) is agile


@pytest.mark.parametrize("seed", range(150))
def test_every_order_is_tried_as_told(seed: int) -> None:
    rng = Random(seed)
    free = [rng.randint(0, 12) for _ in range(rng.randint(1, 5))]
    vms = [(rng.randint(1, 6), rng.choice([*range(len(free)), None]), None) for _ in range(rng.randint(0, 7))]
    pool = tiny(free, vms, unit=MIB)
    for failures in range(len(free) + 1):
        assert (xapi.plan_exists(pool, failures) == "all") is told(pool, failures), (free, vms, failures)


def told(pool: Pool, failures: int) -> bool:
    """xapi's exhaustive rule with VMs by name and every permutation from the start."""
    free = {host.uuid: pool.free_bytes(host.uuid) for host in pool.hosts}
    home = {vm.uuid: vm.resident_on for vm in pool.vms if vm.resident_on is not None}
    down = [vm.uuid for vm in pool.vms if vm.resident_on is None]
    plan = worst_fit(pool, free, down)
    if len(plan) < len(down) or (failures == len(free) and pool.vms):
        return False
    home |= plan
    for vm, host in plan.items():
        free[host] -= pool.vm_by_uuid[vm].need_bytes
    return all(survives(pool, dict(free), dict(home), order) for order in permutations(free, failures))


def survives(pool: Pool, free: dict[str, int], home: dict[str, str], order: tuple[str, ...]) -> bool:
    for dead in order:
        del free[dead]
        failed = [vm for vm in home if home[vm] == dead]
        plan = worst_fit(pool, free, failed)
        if len(plan) < len(failed):
            return False
        home |= plan
        for vm, host in plan.items():
            free[host] -= pool.vm_by_uuid[vm].need_bytes
    return True


def worst_fit(pool: Pool, free: dict[str, int], vms: list[str]) -> dict[str, str]:
    hosts = sorted(free.items(), key=lambda host: -host[1])
    plan = {}
    for vm in sorted(vms, key=lambda vm: -pool.vm_by_uuid[vm].need_bytes):
        need = pool.vm_by_uuid[vm].need_bytes
        if not hosts or hosts[0][1] < need:
            continue
        name, room = hosts.pop(0)
        plan[vm] = name
        place = next((i for i, host in enumerate(hosts) if host[1] <= room - need), len(hosts))
        hosts.insert(place, (name, room - need))
    return plan
