"""Following a simulated API over real HTTP, through everything that can go wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import XenAPI

from lab.demo import demo_pool
from lab.xapi.populate import spelled_out
from lab.xapi.server import RunningServer, serve
from planner.inventory.follow import Lost, Seen
from planner.model import Pool
from tests.held import held_address

Following = Callable[[str], Any]


@pytest.fixture
def api() -> Iterator[RunningServer]:
    with held_address() as address, serve(demo_pool(), listen=address) as server:
        yield server


def without_reasons(pool: Pool) -> Pool:
    """Return the pool without `unagile_because`, which only clients find out."""
    return replace(pool, vms=tuple(replace(vm, unagile_because=()) for vm in pool.vms))


def call(server: RunningServer, act: Callable[[XenAPI.Session], None]) -> None:
    """Carry out calls in a session of its own, as an operator would."""
    with XenAPI.Session(server.url) as session:
        session.login_with_password("root", "xenha", "1.0", "test")
        act(session)
        session.xenapi.session.logout()


def start_vm(server: RunningServer, name: str) -> None:
    def act(session: XenAPI.Session) -> None:
        ref = session.xenapi.VM.get_by_name_label(name)[0]
        session.xenapi.VM.start(ref, False, False)

    call(server, act)


def test_the_pool_that_is_seen_is_the_pool_that_is_served(api: RunningServer, following: Following) -> None:
    snapshot = following(api.url).snapshot()
    assert without_reasons(snapshot.pool) == without_reasons(spelled_out(demo_pool()))
    assert snapshot.rejects == ()
    assert snapshot.xapi is not None


def test_an_unchanged_pool_is_reported_as_the_same_object(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    first = listener.snapshot()
    listener.wait(lambda update: update is listener.updates[-1], since=3)
    assert all(isinstance(update, Seen) and update.snapshot is first for update in listener.updates)


def test_a_started_vm_is_seen(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    listener.snapshot()
    start_vm(api, "reporting-db")
    changed = listener.snapshot(
        lambda snapshot: any(
            vm.name == "reporting-db" and vm.power_state == "Running" for vm in snapshot.pool.vms
        )
    )
    assert changed.pool.protected_vms[-1].protected


def test_a_removed_vm_is_no_longer_seen(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    before = listener.snapshot()
    dropped = api.state.drop_records(0.5, seed=1)
    after = listener.snapshot(lambda snapshot: len(snapshot.pool.vms) == len(before.pool.vms) - len(dropped))
    assert not {vm.uuid for vm in after.pool.vms} & set(dropped)


def test_a_restarted_api_is_found_again(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    first = listener.snapshot()
    api.stop()
    assert listener.lost() == f"{api.url}: connection refused" or listener.lost().startswith(api.url)
    listener.wait(lambda update: update == Lost(f"{api.url}: connection refused"))
    seen = len(listener.updates)
    with serve(demo_pool(), listen=api.address):
        again = listener.snapshot(since=seen)
        assert again.pool == first.pool


def test_a_change_while_the_api_was_away_is_seen(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    listener.snapshot()
    api.stop()
    listener.lost()
    smaller = replace(demo_pool(), vms=demo_pool().vms[:-1])
    with serve(smaller, listen=api.address):
        listener.snapshot(lambda snapshot: len(snapshot.pool.vms) == len(smaller.vms))


def test_expired_sessions_are_renewed_in_silence(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    listener.snapshot()
    for _ in range(3):
        while api.state.expire_sessions() == 0:  # that of before is not renewed yet
            listener.snapshot(since=len(listener.updates))
        listener.snapshot(since=len(listener.updates))
    start_vm(api, "reporting-db")
    listener.snapshot(lambda snapshot: any(vm.name == "reporting-db" and vm.home for vm in snapshot.pool.vms))
    assert not any(isinstance(update, Lost) for update in listener.updates)


def test_a_flood_of_events_that_change_nothing(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    first = listener.snapshot()
    for _ in range(5):
        api.state.flood(2_000)
    seen = len(listener.updates)
    assert listener.snapshot(since=seen + 1) is first


def test_half_of_all_records_gone(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    listener.snapshot()
    api.state.drop_records(0.5, seed=7, class_name="*")
    snapshot = listener.snapshot(lambda snapshot: bool(snapshot.rejects))
    assert all(reject.reason and "\n" not in reject.reason for reject in snapshot.rejects)
    assert snapshot.pool.hosts


@pytest.mark.parametrize(
    ("class_name", "field"),
    [
        ("VM", "memory_static_max"), ("VM", "power_state"), ("VM", "resident_on"), ("VM", "VBDs"),
        ("VM", "order"), ("VM", "ha_restart_priority"), ("VM", "ha_always_run"), ("VM", "other_config"),
        ("host", "enabled"), ("host", "metrics"), ("host_metrics", "memory_total"), ("host_metrics", "live"),
        ("SR", "shared"), ("PBD", "currently_attached"), ("PIF", "network"), ("VM_group", "placement"),
        ("pool", "ha_configuration"), ("pool", "ha_host_failures_to_tolerate"),
    ],
)  # fmt: skip
def test_a_corrupt_record_is_named_and_stops_nothing(
    class_name: str, field: str, api: RunningServer, following: Following
) -> None:
    record = next(iter(api.state.db.records(class_name).values()))
    api.state.corrupt(class_name, record["uuid"], field)
    snapshot = following(api.url).snapshot()
    assert len(snapshot.pool.hosts) == 5
    named = "host" if class_name == "host_metrics" else class_name
    assert [reject.record_class for reject in snapshot.rejects] == [named]
    assert field in snapshot.rejects[0].reason or field == "metrics"


def test_a_corrupt_record_that_is_mended_is_welcome_again(api: RunningServer, following: Following) -> None:
    ref, record = next(iter(api.state.db.records("SR").items()))
    api.state.corrupt("SR", record["uuid"], "shared")
    listener = following(api.url)
    listener.snapshot(lambda snapshot: len(snapshot.rejects) == 1)
    api.state.db.replace("SR", ref, record)
    listener.snapshot(lambda snapshot: not snapshot.rejects)


def test_a_slave_leads_to_its_master(api: RunningServer, following: Following) -> None:
    with serve(demo_pool(), slave_of=api.address) as slave:
        listener = following(slave.url)
        assert listener.snapshot().pool.uuid == demo_pool().uuid
        assert not any(isinstance(update, Lost) for update in listener.updates)


def test_the_master_is_found_again_without_the_slave(api: RunningServer, following: Following) -> None:
    with serve(demo_pool(), slave_of=api.address) as slave:
        listener = following(slave.url)
        listener.snapshot()
    api.stop()
    listener.lost()
    seen = len(listener.updates)
    with serve(demo_pool(), listen=api.address):
        listener.snapshot(since=seen)


def test_a_change_that_is_none_for_the_pool_is_reported_as_the_same_object(
    api: RunningServer, following: Following
) -> None:
    listener = following(api.url)
    first = listener.snapshot()
    api.state.db.update("host", api.state.db.refs("host")[0], address="127.0.9.9")
    seen = len(listener.updates)
    assert listener.snapshot(since=seen + 2) is first


def test_slaves_that_name_each_other(following: Following) -> None:
    with (
        serve(demo_pool(), slave_of="127.0.0.1:1") as first,
        serve(demo_pool(), slave_of=first.address) as second,
    ):
        first.lab.slave_of = second.address
        problem = following(first.url).lost()
    assert problem == f"{first.url}: no master found: {first.url} says {second.url} says {first.url}"


def test_a_master_that_becomes_a_slave(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    listener.snapshot()
    smaller = replace(demo_pool(), vms=demo_pool().vms[:-1])
    with serve(smaller) as master:
        api.lab.slave_of = master.address
        listener.snapshot(lambda snapshot: len(snapshot.pool.vms) == len(smaller.vms))
        assert not any(isinstance(update, Lost) for update in listener.updates)
        api.stop()
        seen = len(listener.updates)
        listener.snapshot(since=seen + 2)


def test_a_pool_without_a_pool_record(api: RunningServer, following: Following) -> None:
    listener = following(api.url)
    listener.snapshot()
    for ref in api.state.db.refs("pool"):
        api.state.db.delete("pool", ref, unlink=False)
    assert listener.lost() == f"{api.url}: the API shows no pool record"
