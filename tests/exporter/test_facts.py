"""What is counted in a pool without planning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.facts import Facts, priority
from planner.model import VM, Pool

GIB = 2**30


def test_memory_is_counted_on_every_host_a_vm_occupies(pool: Pool) -> None:
    used = Facts(pool).memory_used_bytes
    assert used["host-1", "control-domain"] == 4 * GIB
    assert used["host-1", "restart"] == 10 * GIB
    assert used["host-1", "unprotected"] == 1 * GIB, "the migrating VM takes its memory on both"
    assert used["host-2", "unprotected"] == 4 * GIB
    assert used["host-2", "best-effort"] == 1 * GIB
    assert used["host-3", "restart"] == 0


def test_vm_that_stays_where_it_is_counts_once(pool: Pool) -> None:
    here = VM("vm", GIB, power_state="Running", resident_on="host-3", scheduled_to_be_resident_on="host-3")
    assert Facts(replace(pool, vms=(here,))).memory_used_bytes["host-3", "unprotected"] == GIB


@pytest.mark.parametrize("host", ["host-1", "host-2", "host-3"])
def test_memory_of_a_host_adds_up(pool: Pool, host: str) -> None:
    used = Facts(pool).memory_used_bytes
    shown = sum(used[key] for key in list(used) if key[0] == host)
    found = pool.host_by_uuid[host]
    assert shown + pool.free_bytes(host) + found.memory_overhead_bytes == found.memory_total_bytes


@pytest.mark.parametrize(
    ("vm", "shown"),
    [
        (VM("a", 1, ha_restart_priority="restart", ha_always_run=True), "restart"),
        (VM("a", 1, ha_restart_priority="restart", ha_always_run=False), "unprotected"),
        (VM("a", 1, ha_restart_priority="best-effort"), "best-effort"),
        (VM("a", 1), "unprotected"),
        (VM("a", 1, is_control_domain=True, ha_restart_priority="best-effort"), "control-domain"),
    ],
)
def test_priority(vm: VM, shown: str) -> None:
    assert priority(vm) == shown


def test_protected_vms_in_trouble(pool: Pool) -> None:
    facts = Facts(pool)
    assert [vm.uuid for vm in facts.protected_halted] == ["vm-off"]
    assert [vm.uuid for vm in facts.protected_not_agile] == ["vm-local"]
    assert facts.protected_down == 1
    alone = replace(pool, hosts=tuple(replace(host, live=host.uuid != "host-1") for host in pool.hosts))
    assert Facts(alone).protected_down == 3
