"""Predicted recovery of plans: its parts, whom it speaks of, what it rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.clocks import StillClock
from hacore.core.timing import NS, timing
from planner.model import VM, Host, Pool
from planner.restart import plan
from planner.results import Plan
from planner.schedule.detection import GRANULARITY_SECONDS, detection_of
from planner.schedule.pace import Pace, boot_seconds_of, tag_problems
from planner.schedule.prediction import Prediction

GIB = 1 << 30
QUICK = Pace(boot_seconds=10, boot_slots=1, detection_seconds=5)


def vm(uuid: str, home: str | None, **fields: object) -> VM:
    defaults: dict[str, object] = {
        "memory_static_max_bytes": GIB,
        "resident_on": home,
        "power_state": "Running" if home else "Halted",
        "ha_restart_priority": "restart",
    }
    defaults["ha_always_run"] = fields.get("ha_restart_priority", "restart") == "restart"
    return VM(uuid=uuid, **{**defaults, **fields})  # type: ignore[arg-type]


def two(*vms: VM) -> Pool:
    """Return a pool in which everything on `a` can restart on `b`."""
    return Pool("p", hosts=(Host("a", 64 * GIB), Host("b", 64 * GIB)), vms=vms)


def ask(pool: Pool, *failed: str, pace: Pace = QUICK) -> Plan:
    return plan(pool, failed, clock=StillClock(), pace=pace)


def predicted(pool: Pool, *failed: str, pace: Pace = QUICK) -> Prediction:
    found = ask(pool, *failed, pace=pace).prediction
    assert found is not None
    return found


@pytest.mark.parametrize("timeout_seconds", [10, 20, 60, 120, 300])
def test_detection_is_what_the_daemon_guarantees(timeout_seconds: int) -> None:
    pool = replace(two(), ha_timeout_seconds=timeout_seconds)
    daemons = timing(timeout_seconds * NS, int(GRANULARITY_SECONDS * NS))
    found = detection_of(pool, ["a"], Pace())
    assert found.seconds * NS == pytest.approx(daemons.silence_ns + daemons.beat_ns)
    assert found.fence_wait_seconds * NS == daemons.granularity_ns


def test_the_parts_sum_up_to_the_recovery() -> None:
    pool = two(vm("x", "a", start_delay_seconds=30), vm("y", "a", order=1))
    found = predicted(pool, "a", pace=Pace(boot_seconds=20))
    said = found.to_json()
    assert (said["detection_seconds"], said["fence_wait_seconds"]) == (63.6, 1.0)
    assert said["restart_seconds"] == 50
    assert found.recovery_seconds == pytest.approx(64.6 + 50)
    assert [wave["starts_seconds"] for wave in said["waves"]] == [64.6, 94.6]
    assert [wave["up_seconds"] for wave in said["waves"]] == [84.6, 114.6]


def test_what_is_down_already_needs_no_detection() -> None:
    pool = two(vm("x", None), vm("y", "a"))
    dead = replace(pool, hosts=(replace(pool.hosts[0], live=False), pool.hosts[1]))
    assert predicted(two(vm("x", None))).recovery_seconds == 10
    assert predicted(dead, "a").recovery_seconds == 20
    assert predicted(pool, "a").recovery_seconds == 25
    out_of_service = replace(pool, hosts=(replace(pool.hosts[0], enabled=False), pool.hosts[1]))
    assert predicted(out_of_service, "a").recovery_seconds == 25


def test_the_pool_waits_for_protected_vms_only() -> None:
    pool = two(vm("x", "a"), vm("effort", "a", ha_restart_priority="best-effort"))
    found = predicted(pool, "a")
    assert found.recovery_seconds == 15
    assert found.vm_up_seconds == {"x": 15, "effort": 25}


def test_a_pool_that_is_not_restarted_whole_never_recovers() -> None:
    made = ask(two(vm("x", "a"), vm("huge", "a", memory_static_max_bytes=99 * GIB)), "a")
    said = made.to_json()
    assert said["predicted_recovery_seconds"] is None
    assert said["prediction"]["restart_seconds"] is None
    assert [placement["predicted_seconds"] for placement in said["placements"]] == [15]


def test_with_nothing_to_restart_nobody_waits() -> None:
    assert predicted(two(vm("x", "b")), "a").recovery_seconds == 0


def test_a_tag_says_how_long_a_vm_boots() -> None:
    tags = ("production", "xenha:boot-seconds=120", "xenha:boot-seconds=90.5")
    assert boot_seconds_of(vm("x", "a", tags=tags), QUICK) == 120
    assert boot_seconds_of(vm("x", "a", tags=tags[:1]), QUICK) == 10
    assert predicted(two(vm("x", "a", tags=tags)), "a").recovery_seconds == 125


@pytest.mark.parametrize("text", ["", "soon", "-1", "nan", "inf", "86401"])
def test_a_tag_that_is_no_time_leaves_the_default_and_is_told(text: str) -> None:
    bad = vm("x", "a", name="db", tags=(f"xenha:boot-seconds={text}",))
    assert boot_seconds_of(bad, QUICK) == 10
    (told,) = tag_problems(two(bad, vm("y", "b", tags=("xenha:boot-seconds=3",))))
    assert told == (
        f"VM db: tag 'xenha:boot-seconds={text}': expected seconds from 0 to 86400; "
        "the default boot time is used"
    )
    assert list(tag_problems(two(replace(bad, ha_restart_priority="", ha_always_run=False)))) == []


def test_the_pace_changes_neither_plan_nor_id() -> None:
    pool = two(vm("x", "a"), vm("y", "a", order=3))
    slow, quick = ask(pool, "a", pace=Pace(boot_seconds=500)), ask(pool, "a")
    assert slow.plan_id == quick.plan_id
    assert slow.placements == quick.placements
    assert slow.prediction != quick.prediction
