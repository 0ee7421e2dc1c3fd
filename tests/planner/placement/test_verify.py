"""The judge: good answers pass, and each rule, broken once, is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.clocks import StillClock
from planner.model import SR, VM, Host, Network, Pool
from planner.placement.packing import Instance, Item, Packed
from planner.placement.verify import verify_packing, verify_plan
from planner.restart import plan
from planner.results import Placement, Plan, Unplaced

GIB = 1 << 30

INSTANCE = Instance((5, 4), (Item(2, 0b11, 3), Item(3, 0b01, 1)))
GOOD = Packed(((1, 2), (1, 0)), "greedy")


def test_a_good_packing_passes() -> None:
    assert verify_packing(INSTANCE, GOOD) == ()


@pytest.mark.parametrize(
    ("counts", "complaint"),
    [
        (((1, 2),), "1 rows for 2 items"),
        (((1, 2), (1, 0), (0, 0)), "3 rows for 2 items"),
        (((1, 2, 0), (1, 0)), "item 0: 3 counts for 2 bins"),
        (((1, 1), (1, 0)), "item 0: 2 placed of 3"),
        (((1, 3), (1, 0)), "item 0: 4 placed of 3"),
        (((1, 2), (0, 1)), "item 1: bin 1 is not allowed"),
        (((2, 1), (1, 0)), "bin 0: load 7 exceeds 5"),
        (((4, -1), (1, 0)), "item 0: a count is no integer ≥ 0"),
        (((1.5, 1.5), (1, 0)), "item 0: a count is no integer ≥ 0"),
        (((True, 2), (1, 0)), "item 0: a count is no integer ≥ 0"),
    ],
)
def test_a_bad_packing_is_refused(counts: tuple[tuple[int, ...], ...], complaint: str) -> None:
    assert complaint in "; ".join(verify_packing(INSTANCE, Packed(counts, "greedy")))


def vm(uuid: str, gib: int, home: str | None, **fields: object) -> VM:
    state = "Running" if home else "Halted"
    protection = {"ha_restart_priority": "restart", "ha_always_run": True, "power_state": state}
    return VM(uuid=uuid, memory_static_max_bytes=gib * GIB, resident_on=home, **{**protection, **fields})  # type: ignore[arg-type]


def make_pool() -> Pool:
    """a fails; b, c and d survive; e is disabled, f dead. SR s misses d, network n misses c."""
    return Pool(
        uuid="p",
        hosts=(
            Host("a", 64 * GIB),
            Host("b", 16 * GIB, memory_overhead_bytes=2 * GIB),
            Host("c", 12 * GIB),
            Host("d", 10 * GIB),
            Host("e", 64 * GIB, enabled=False),
            Host("f", 64 * GIB, live=False),
        ),
        srs=(SR("s", hosts=("a", "b", "c", "e", "f")),),
        networks=(Network("n", hosts=("a", "b", "d", "e", "f")),),
        vms=(
            vm("a1", 4, "a", order=1, start_delay_seconds=30),
            vm("a2", 4, "a", srs=("s",), networks=("n",)),
            vm("a3", 3, "a", order=-1),
            vm("a4", 2, "a", ha_restart_priority="best-effort", ha_always_run=False),
            vm("a5", 9, "a", ha_restart_priority="", ha_always_run=False),
            vm("b1", 6, "b", ha_restart_priority="", ha_always_run=False),
            vm("c1", 3, "c"),
            vm("d1", 1, None),
            vm("d2", 1, None, scheduled_to_be_resident_on="c", power_state="Suspended"),
            vm("e1", 2, "e"),
            vm("f1", 2, "f", candidate_hosts=("d",)),
        ),
    )


POOL = make_pool()
SCARCE = replace(POOL, vms=(*POOL.vms, vm("a6", 30, "a", order=2), vm("a7", 2, "a", candidate_hosts=())))


def good() -> Plan:
    return plan(POOL, ["a"], clock=StillClock())


def partial() -> Plan:
    return plan(SCARCE, ["a"], clock=StillClock())


def with_placement(made: Plan, uuid: str, **fields: object) -> Plan:
    return replace(
        made,
        placements=tuple(replace(p, **fields) if p.vm == uuid else p for p in made.placements),  # type: ignore[arg-type]
    )


def without(made: Plan, uuid: str) -> Plan:
    return replace(
        made,
        placements=tuple(p for p in made.placements if p.vm != uuid),
        unplaced=tuple(u for u in made.unplaced if u.vm != uuid),
    )


def extra(made: Plan, uuid: str, to: str) -> Plan:
    more = Placement(uuid, None, to, "restart", 0, 1, 0)
    return replace(made, placements=(more, *made.placements))


def test_good_plans_pass() -> None:
    assert good().complete
    assert verify_plan(POOL, good()) == ()
    assert not partial().complete
    assert {u.vm: u.reason for u in partial().unplaced} == {"a6": "memory", "a7": "reach"}
    assert verify_plan(SCARCE, partial()) == ()


def target(made: Plan, uuid: str) -> str:
    return next(p.to_host for p in made.placements if p.vm == uuid)


def test_the_plan_is_what_the_judge_expects() -> None:
    """Where VMs come from and when they start, written down by hand."""
    seen = {
        p.vm: (p.from_host, p.priority, p.order, p.wave, p.start_delay_seconds) for p in good().placements
    }
    assert seen == {
        "a1": ("a", "restart", 1, 2, 30),
        "a2": ("a", "restart", 0, 1, 0),
        "a3": ("a", "restart", -1, 3, 0),
        "a4": ("a", "best-effort", 0, 4, 0),
        "d1": (None, "restart", 0, 1, 0),
        "e1": (None, "restart", 0, 1, 0),
        "f1": (None, "restart", 0, 1, 0),
    }
    assert target(good(), "a2") == "b"
    assert target(good(), "f1") == "d"


Mutation = Callable[[Plan], Plan]

MUTATIONS: list[tuple[str, Mutation]] = [
    ("VM a1 appears 2 times", lambda p: replace(p, placements=(*p.placements, p.placements[-3]))),
    (
        "VM a1 appears 2 times",
        lambda p: replace(p, unplaced=(Unplaced("a1", "memory", "x"),), complete=False),
    ),
    ("VM a1 had to restart and is forgotten", lambda p: without(p, "a1")),
    ("VM a4 had to restart and is forgotten", lambda p: without(p, "a4")),
    ("VM d1 had to restart and is forgotten", lambda p: without(p, "d1")),
    ("VM e1 had to restart and is forgotten", lambda p: without(p, "e1")),
    ("VM c1 had no reason to restart", lambda p: extra(p, "c1", "b")),
    ("VM a5 had no reason to restart", lambda p: extra(p, "a5", "b")),
    ("VM d2 had no reason to restart", lambda p: extra(p, "d2", "b")),
    ("VM zz is not in the pool", lambda p: extra(p, "zz", "b")),
    ("VM a1: target a failed or is not in service", lambda p: with_placement(p, "a1", to_host="a")),
    ("VM a1: target e failed or is not in service", lambda p: with_placement(p, "a1", to_host="e")),
    ("VM a1: target f failed or is not in service", lambda p: with_placement(p, "a1", to_host="f")),
    ("VM a1: target zz is not in the pool", lambda p: with_placement(p, "a1", to_host="zz")),
    ("VM a2: target d is not one of its candidate hosts", lambda p: with_placement(p, "a2", to_host="d")),
    ("VM a2: target c is not one of its candidate hosts", lambda p: with_placement(p, "a2", to_host="c")),
    ("VM f1: target b is not one of its candidate hosts", lambda p: with_placement(p, "f1", to_host="b")),
    ("VM a1: from is None", lambda p: with_placement(p, "a1", from_host=None)),
    ("VM d1: from is 'a'", lambda p: with_placement(p, "d1", from_host="a")),
    ("VM e1: from is 'e'", lambda p: with_placement(p, "e1", from_host="e")),
    ("VM a1: priority is 'best-effort'", lambda p: with_placement(p, "a1", priority="best-effort")),
    ("VM a1: order is 0", lambda p: with_placement(p, "a1", order=0)),
    ("VM a1: start_delay_seconds is 0", lambda p: with_placement(p, "a1", start_delay_seconds=0)),
    ("VM a1: wave is 1, expected 2", lambda p: with_placement(p, "a1", wave=1)),
    ("VM a3: wave is 1, expected 3", lambda p: with_placement(p, "a3", wave=1)),
    ("VM a4: wave is 3, expected 4", lambda p: with_placement(p, "a4", wave=3)),
    ("not in the order of their waves", lambda p: replace(p, placements=tuple(reversed(p.placements)))),
    ("complete is False with 0 protected VMs left", lambda p: replace(p, complete=False)),
    ("a complete plan cannot be bettered", lambda p: replace(p, optimal=False)),
    ("failed host a appears 2 times", lambda p: replace(p, failed_hosts=("a", "a"))),
    ("failed host zz is not in the pool", lambda p: replace(p, failed_hosts=("zz",))),
    ("VM c1 had to restart and is forgotten", lambda p: replace(p, failed_hosts=("a", "c"))),
    ("VM a1 had no reason to restart", lambda p: replace(p, failed_hosts=())),
    ("is no sha256", lambda p: replace(p, plan_id="1")),
    ("elapsed_seconds is -1", lambda p: replace(p, elapsed_seconds=-1.0)),
    ("elapsed_seconds is nan", lambda p: replace(p, elapsed_seconds=float("nan"))),
]


@pytest.mark.parametrize(("complaint", "mutate"), MUTATIONS, ids=[text for text, _ in MUTATIONS])
def test_each_broken_rule_is_named(complaint: str, mutate: Mutation) -> None:
    assert complaint in "; ".join(verify_plan(POOL, mutate(good())))


def left(made: Plan, uuid: str, **fields: object) -> Plan:
    return replace(made, unplaced=tuple(replace(u, **fields) if u.vm == uuid else u for u in made.unplaced))  # type: ignore[arg-type]


def given_up(made: Plan, uuid: str) -> Plan:
    return replace(without(made, uuid), unplaced=(*made.unplaced, Unplaced(uuid, "memory", "because")))


PARTIAL_MUTATIONS: list[tuple[str, Mutation]] = [
    ("complete is True with 2 protected VMs left", lambda p: replace(p, complete=True)),
    ("VM a6 had to restart and is forgotten", lambda p: without(p, "a6")),
    ("VM a6: no detail", lambda p: left(p, "a6", detail="")),
    ("VM a6: reason is 'reach' with 3 candidate hosts", lambda p: left(p, "a6", reason="reach")),
    ("VM a7: reason is 'memory' with 0 candidate hosts", lambda p: left(p, "a7", reason="memory")),
    ("VM d1 is left although host", lambda p: given_up(p, "d1")),
    ("VM a4 is left although host", lambda p: given_up(p, "a4")),
]


@pytest.mark.parametrize(
    ("complaint", "mutate"), PARTIAL_MUTATIONS, ids=[text for text, _ in PARTIAL_MUTATIONS]
)
def test_each_broken_rule_of_an_incomplete_plan_is_named(complaint: str, mutate: Mutation) -> None:
    assert complaint in "; ".join(verify_plan(SCARCE, mutate(partial())))


def test_memory_is_counted_to_the_byte() -> None:
    hosts = (Host("a", 9), Host("b", 6, memory_overhead_bytes=1))
    guests = (
        VM(
            "x",
            3,
            memory_overhead_bytes=1,
            power_state="Running",
            resident_on="a",
            ha_restart_priority="restart",
        ),
        VM("y", 1, power_state="Running", resident_on="a", scheduled_to_be_resident_on="b"),
    )
    pool = Pool("p", hosts=hosts, vms=tuple(replace(v, ha_always_run=v.uuid == "x") for v in guests))
    made = plan(pool, ["a"], clock=StillClock())
    assert made.complete
    assert verify_plan(pool, made) == ()
    full = replace(pool, hosts=(hosts[0], replace(hosts[1], memory_overhead_bytes=2)))
    assert "host b: 4 bytes placed, 3 free" in verify_plan(full, made)


def test_nobody_of_a_later_turn_may_sit_where_an_earlier_one_would_fit() -> None:
    hosts = (Host("a", 9), Host("b", 4))
    guests = (
        VM("x", 4, power_state="Running", resident_on="a", ha_restart_priority="restart", ha_always_run=True),
        VM("y", 4, power_state="Running", resident_on="a", ha_restart_priority="best-effort"),
    )
    pool = Pool("p", hosts=hosts, vms=guests)
    made = plan(pool, ["a"], clock=StillClock())
    assert [p.vm for p in made.placements] == ["x"]
    unfair = replace(
        made,
        complete=False,
        placements=(Placement("y", "a", "b", "best-effort", 0, 1, 0),),
        unplaced=(Unplaced("x", "memory", "because"),),
    )
    assert "VM x is left although host b has room once those of later turns step back" in verify_plan(
        pool, unfair
    )
