"""The built-in pool keeps the promises of its head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import XenAPI

from hacore.clock import SystemClock
from lab.demo import demo_pool
from lab.xapi import readback
from lab.xapi.server import serve
from planner.agility import Reach
from planner.compat import xapi as xapi_rule
from planner.inventory import poolfile
from planner.tolerance.answer import tolerance


def test_what_it_is_made_of() -> None:
    pool = demo_pool()
    assert len(pool.hosts) == 5
    assert 55 <= len(pool.vms) <= 65
    priorities = Counter(vm.ha_restart_priority for vm in pool.vms if vm.power_state == "Running")
    assert min(priorities["restart"], priorities["best-effort"], priorities[""]) >= 5
    reach = Reach(pool)
    assert [vm.name for vm in pool.vms if not reach.agile(vm)] == ["licence-server"]
    assert len({vm.uuid for vm in pool.vms}) == len(pool.vms)
    assert all(pool.free_unclamped_bytes[host.uuid] > 0 for host in pool.hosts)


def test_it_is_a_valid_pool_file() -> None:
    pool = demo_pool()
    assert poolfile.read_pool(poolfile.dump_pool(pool).encode(), "demo") == pool
    assert demo_pool() == pool


def test_two_failures_are_survived_which_xapi_does_not_see() -> None:
    answer = tolerance(demo_pool(), clock=SystemClock())
    assert (answer.simultaneous.lower, answer.simultaneous.upper) == (2, 2)
    assert answer.overcommitted is False
    assert xapi_rule.max_failures(demo_pool()) == 1


def test_starting_reporting_db_overcommits_and_stopping_it_heals(
    connect: Callable[[str], XenAPI.Session],
) -> None:
    with serve(demo_pool()) as server:
        session = connect(server.url)
        session.login_with_password("root", "xenha")
        (vm,) = session.xenapi.VM.get_by_name_label("reporting-db")
        session.xenapi.VM.start(vm, False, False)
        assert tolerance(readback.pool(server.state.db), clock=SystemClock()).overcommitted is True
        session.xenapi.VM.clean_shutdown(vm)
        assert tolerance(readback.pool(server.state.db), clock=SystemClock()).overcommitted is False


@pytest.mark.parametrize("host", [host.uuid for host in demo_pool().hosts])
def test_wherever_reporting_db_is_started(connect: Callable[[str], XenAPI.Session], host: str) -> None:
    with serve(demo_pool()) as server:
        session = connect(server.url)
        session.login_with_password("root", "xenha")
        (vm,) = session.xenapi.VM.get_by_name_label("reporting-db")
        session.xenapi.VM.start_on(vm, session.xenapi.host.get_by_uuid(host), False, False)
        assert tolerance(readback.pool(server.state.db), clock=SystemClock()).overcommitted is True
