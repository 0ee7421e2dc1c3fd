"""Room for a change is what the operator's rules leave: what is refused has no room under the same rules."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from bench.clocks import StillClock
from bench.worlds import tiny
from planner.constraints.rules import NO_RULES, Rules
from planner.model import Pool, VMGroup
from planner.whatif import whatif

MIB = 1 << 20
BALLOONS = Rules(memory="dynamic-min")
RESERVE = Rules(reserve_bytes=2 * MIB)
ONE_VCPU = Rules(vcpus_per_core=Fraction(1))


def pool() -> Pool:
    """h0 and h1 with 4 MiB free; v0 on h0 and v1, halted, take 6 MiB or, ballooned, 3."""
    made = tiny((4, 4), [(6, 0, None), (6, None, None)], unit=MIB)
    vms = tuple(replace(vm, memory_dynamic_min_bytes=3 * MIB, vcpus=2, groups=("g",)) for vm in made.vms)
    hosts = tuple(replace(host, cpus=3) for host in made.hosts)
    return replace(made, hosts=hosts, vms=vms, groups=(VMGroup("g", "anti_affinity", "web"),))


def refusals(change: str, rules: Rules, there: Pool) -> tuple[str, ...]:
    return whatif(there, [change], clock=StillClock(), rules=rules).errors


@pytest.mark.parametrize(
    ("change", "rules", "lacks"),
    [
        ("start=v1@h1", NO_RULES, "h1 lacks 2 MiB of free memory for it"),
        ("start=v1@h1", BALLOONS, ""),
        ("migrate=v0@h1", NO_RULES, "h1 lacks 2 MiB of free memory for it"),
        ("migrate=v0@h1", BALLOONS, ""),
        ("migrate=v0@h1", replace(BALLOONS, reserve_bytes=2 * MIB), "h1 lacks 1 MiB of free memory for it"),
        ("memory=v0:11MiB", NO_RULES, "h0 lacks 1 MiB of free memory for it"),
        ("memory=v0:11MiB", BALLOONS, ""),
        ("new=n:4MiB@h1", NO_RULES, ""),
        ("new=n:4MiB@h1", RESERVE, "h1 lacks 2 MiB of free memory for it"),
        ("new=n:4MiB@h0", ONE_VCPU, ""),
        ("start=v1@h0", replace(BALLOONS, vcpus_per_core=Fraction(1)), "h0 lacks 1 vCPUs for it"),
        ("start=v1@h1", replace(BALLOONS, vcpus_per_core=Fraction(1)), ""),
    ],
)
def test_room_is_what_the_rules_leave(change, rules, lacks):
    assert refusals(change, rules, pool()) == ((f"{change}: {lacks}",) if lacks else ())


def test_an_enforced_group_has_one_place_a_host():
    there = pool()
    assert refusals("start=v1@h0", BALLOONS, there) == ()
    there = replace(there, groups=(replace(there.groups[0], enforced=True),))
    expected = "start=v1@h0: h0 has a VM of the enforced group web already"
    assert refusals("start=v1@h0", BALLOONS, there) == (expected,)


def test_what_a_vm_takes_already_it_may_keep():
    """v0 arrives on h1, which is overfull: that it is there takes nothing more."""
    there = pool()
    arriving = replace(there.vms[0], scheduled_to_be_resident_on="h1")
    there = replace(there, vms=(arriving, *there.vms[1:]))
    assert refusals("migrate=v0@h1", NO_RULES, there) == ()
    assert refusals("memory=v0:5MiB", NO_RULES, there) == ()
    assert refusals("memory=v0:7MiB", NO_RULES, there) == (
        "memory=v0:7MiB: h1 lacks 3 MiB of free memory for it",
    )
