"""HA as xapi sees it: on and off, its own figures, the guards of §3.8."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import XenAPI

from lab.pools import GIB, small_pool
from lab.xapi.classes import CLASSES
from lab.xapi.server import RunningServer, serve
from planner.model import Pool

Refused = Callable[..., list[str]]


def figures(server: RunningServer, xapi: Any) -> tuple[str, bool]:
    """Return ha_plan_exists_for and ha_overcommitted once they are up to date."""
    assert server.state.settle()
    pool = xapi.pool.get_record(xapi.pool.get_all()[0])
    return pool["ha_plan_exists_for"], pool["ha_overcommitted"]


def tight_pool() -> Pool:
    """Return the small pool with one protected VM a host: of 41, 22 and 40 GiB.

    Whichever host fails, its VM fits elsewhere; not so if the spare VM of 40 GiB takes host b's 42 GiB, nor
    if host c had another one of 23 GiB to restart.
    """
    pool = small_pool()
    protected = [vm for vm in pool.vms if vm.protected][:3]
    spare = next(vm for vm in pool.vms if vm.name == "spare")
    sizes = zip((*protected, spare), (41, 22, 40, 40), strict=True)
    vms = tuple(replace(vm, memory_static_max_bytes=gib * GIB) for vm, gib in sizes)
    return replace(pool, ha_allow_overcommit=False, vms=vms)


@pytest.fixture
def tight() -> Iterator[RunningServer]:
    with serve(tight_pool()) as running:
        yield running


@pytest.fixture
def strict(tight: RunningServer, connect: Callable[[str], XenAPI.Session]) -> Any:
    session = connect(tight.url)
    session.login_with_password("root", "xenha")
    assert figures(tight, session.xenapi) == ("1", False)
    return session.xenapi


def test_off_and_on(server: RunningServer, xapi: Any, refused: Refused) -> None:
    pool = xapi.pool.get_all()[0]
    assert figures(server, xapi) == ("1", False)
    assert refused(xapi.pool.enable_ha, [], {}) == ["HA_IS_ENABLED"]
    xapi.pool.disable_ha()
    assert refused(xapi.pool.disable_ha) == ["HA_NOT_ENABLED"]
    assert figures(server, xapi) == ("0", False)
    assert xapi.pool.get_ha_statefiles(pool) == []
    local = xapi.SR.get_by_uuid("sr-local")
    assert refused(xapi.pool.enable_ha, [local], {}) == ["SR_NO_PBDS", local]
    xapi.pool.enable_ha([xapi.SR.get_by_uuid("sr-spare")], {"timeout": "90"})
    assert xapi.pool.get_ha_configuration(pool) == {"timeout": "90"}
    (statefile,) = xapi.pool.get_ha_statefiles(pool)
    assert xapi.VDI.get_SR(statefile) == xapi.SR.get_by_uuid("sr-spare")
    assert figures(server, xapi) == ("1", False)


def test_ha_wants_every_host_alive(server: RunningServer, xapi: Any, refused: Refused) -> None:
    xapi.pool.disable_ha()
    server.state.kill_host("host-c")
    assert refused(xapi.pool.enable_ha, [], {}) == ["HOST_OFFLINE", xapi.host.get_by_uuid("host-c")]


def test_xapis_own_figure(xapi: Any, refused: Refused) -> None:
    assert xapi.pool.ha_compute_max_host_failures_to_tolerate() == "2"
    assert xapi.pool.ha_failover_plan_exists("2") is True
    assert xapi.pool.ha_failover_plan_exists("3") is False
    assert refused(xapi.pool.ha_failover_plan_exists, "-1") == ["INVALID_VALUE", "n", "-1"]
    usb = xapi.VM.get_by_uuid("vm-usb")
    compute = xapi.pool.ha_compute_hypothetical_max_host_failures_to_tolerate
    assert compute({}) == "3"
    assert compute({usb: "restart"}) == "0"
    assert compute({usb: "best-effort"}) == "3"
    assert refused(compute, {"OpaqueRef:x": "restart"}) == ["HANDLE_INVALID", "VM", "OpaqueRef:x"]
    assert refused(compute, {usb: "perhaps"})[0] == "INVALID_VALUE"


def test_becoming_overcommitted_is_told_once(server: RunningServer, xapi: Any) -> None:
    pool = xapi.pool.get_all()[0]
    assert figures(server, xapi) == ("1", False)
    xapi.pool.set_ha_host_failures_to_tolerate(pool, "3")
    assert figures(server, xapi) == ("2", True)
    xapi.pool.set_ha_host_failures_to_tolerate(pool, "4")
    assert figures(server, xapi) == ("2", True)
    messages = list(xapi.message.get_all_records().values())
    assert [(m["name"], m["cls"], m["obj_uuid"], m["priority"]) for m in messages] == [
        ("HA_POOL_OVERCOMMITTED", "Pool", "pool-small", "3")
    ]
    xapi.pool.set_ha_host_failures_to_tolerate(pool, "2")
    assert figures(server, xapi) == ("2", False)


def test_a_dead_host_shows_in_the_figure(server: RunningServer, xapi: Any) -> None:
    assert figures(server, xapi) == ("1", False)
    server.state.kill_host("host-c")
    assert figures(server, xapi) == ("1", False)
    server.state.kill_host("host-b")
    assert figures(server, xapi) == ("0", True)
    server.state.revive_host("host-b")
    assert figures(server, xapi) == ("1", False)


def test_guards(strict: Any, tight: RunningServer, refused: Refused) -> None:
    """Refuse what would break the plan that exists."""
    broken = ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"]
    spare = strict.VM.get_by_uuid("vm-spare")
    host = strict.host.get_by_uuid("host-c")
    pool = strict.pool.get_all()[0]
    assert refused(strict.VM.start, spare, False, False) == broken
    assert refused(strict.VM.start_on, spare, strict.host.get_by_uuid("host-b"), False, False) == broken
    assert refused(strict.host.disable, host) == broken
    assert refused(strict.host.evacuate, host) == broken
    assert refused(strict.pool.set_ha_host_failures_to_tolerate, pool, "2") == broken
    assert refused(strict.pool.set_ha_host_failures_to_tolerate, pool, "-1")[0] == "INVALID_VALUE"
    assert strict.VM.get_power_state(spare) == "Halted"
    assert strict.host.get_enabled(host) is True
    strict.pool.set_ha_allow_overcommit(pool, True)
    strict.VM.start(spare, False, False)
    assert figures(tight, strict) == ("0", True)


def test_guard_of_protection(strict: Any, tight: RunningServer, refused: Refused) -> None:
    """A running VM of no priority takes memory only; protecting it would break the plan."""
    spare = strict.VM.get_by_uuid("vm-spare")
    strict.pool.set_ha_allow_overcommit(strict.pool.get_all()[0], True)
    strict.VM.set_ha_restart_priority(spare, "")
    strict.VM.set_memory(spare, str(23 * GIB))
    strict.VM.start_on(spare, strict.host.get_by_uuid("host-c"), False, False)
    strict.pool.set_ha_allow_overcommit(strict.pool.get_all()[0], False)
    assert figures(tight, strict) == ("1", False)
    found = refused(strict.VM.set_ha_restart_priority, spare, "restart")
    assert found == ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"]


def test_a_pool_that_is_overcommitted_already_is_not_guarded(strict: Any, tight: RunningServer) -> None:
    """If there is no plan now, nothing is blocked (§3.8)."""
    pool = strict.pool.get_all()[0]
    strict.pool.set_ha_allow_overcommit(pool, True)
    strict.VM.start(strict.VM.get_by_uuid("vm-spare"), False, False)
    assert figures(tight, strict) == ("0", True)
    tight.state.db.update("pool", pool, ha_allow_overcommit=False, ha_plan_exists_for=1)
    strict.host.disable(strict.host.get_by_uuid("host-c"))


@pytest.mark.parametrize("missing", [False, True])
def test_damaged_records_do_not_end_the_planning(server: RunningServer, xapi: Any, missing: bool) -> None:
    assert figures(server, xapi) == ("1", False)
    for name, uuid in (("VM", "vm-0"), ("host", "host-c"), ("SR", "sr-san")):
        ref = getattr(xapi, name).get_by_uuid(uuid)
        for field in CLASSES[name].fields:
            server.state.corrupt(name, ref, field, missing=missing)
    assert figures(server, xapi) != ("1", True)
    server.state.drop_records(1.0, 0, class_name="*")
    assert server.state.settle()


def test_a_new_master_only_without_ha(xapi: Any, refused: Refused) -> None:
    host = xapi.host.get_by_uuid("host-b")
    assert refused(xapi.pool.designate_new_master, host) == ["HA_IS_ENABLED"]
    xapi.pool.disable_ha()
    xapi.pool.designate_new_master(host)
    assert xapi.pool.get_master(xapi.pool.get_all()[0]) == host


def test_calls_that_do_nothing_here(xapi: Any) -> None:
    pool = xapi.pool.get_all()[0]
    assert xapi.pool.ha_schedule_plan_recomputation() == ""
    assert xapi.pool.ha_prevent_restarts_for("60") == ""
    assert xapi.pool.sync_database() == ""
    assert xapi.pool.has_extension(pool, "x") is False
    assert xapi.pool.get_license_state(pool)["expiry"] == "never"
    message = xapi.message.create("NAME", "5", "Pool", "pool-small", "body")
    assert xapi.message.get_body(message) == "body"
    xapi.message.destroy(message)
    assert message not in xapi.message.get_all()
