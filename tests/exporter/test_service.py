"""The service with the real planner, over the simulated XAPI's real HTTP and over pool files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from exporter.http import create_app
from exporter.ownplanner import OwnPlanner
from exporter.service import Service
from exporter.state import PoolState
from exporter.watch import PoolWatcher, Watched
from hacore.clock import SystemClock
from lab.demo import demo_pool
from lab.xapi.server import RunningServer
from lab.xapi.server import serve as serve_xapi
from planner.inventory.follow import Pace, Update, follow
from planner.inventory.poolfile import dump_pool
from planner.inventory.source import ApiSource, Credentials, FileSource, Source
from tests.held import held_address

ENOUGH = 60.0
CLOCK = SystemClock()
HURRY = Pace(poll_seconds=1.0, file_seconds=0.05, first_retry_seconds=0.05, longest_retry_seconds=0.2)


def watched(source: Source) -> Watched:
    credentials = Credentials("root", "xenha")

    def watch(stop: threading.Event, seen: Callable[[Update], None]) -> None:
        follow(source, credentials, clock=CLOCK, stop=stop, seen=seen, pace=HURRY)

    return Watched(str(source), watch)


Watching = Callable[..., Service]


@pytest.fixture
def watching() -> Iterator[Watching]:
    with ExitStack() as stack:
        yield lambda *sources: stack.enter_context(
            Service([watched(source) for source in sources], planner=OwnPlanner(CLOCK), clock=CLOCK)
        )


@pytest.fixture
def xapi() -> Iterator[RunningServer]:
    with held_address() as address, serve_xapi(demo_pool(), listen=address) as server:
        yield server


@pytest.fixture
def service(watching: Watching, xapi: RunningServer) -> Service:
    """The demo pool, seen and planned for."""
    service = watching(ApiSource(xapi.url))
    becomes(service.watchers[0], lambda state: state.figures is not None)
    return service


def becomes(watcher: PoolWatcher, holds: Callable[[PoolState], bool]) -> PoolState:
    assert watcher.wait_for(holds, ENOUGH), watcher.state
    return watcher.state


def planned_hosts(count: int) -> Callable[[PoolState], bool]:
    """Tell whether the figures are about so many hosts in service."""
    return lambda state: state.figures is not None and state.figures.tolerance.hosts == count


def test_pool_of_an_api_gets_its_figures(service: Service) -> None:
    (state,) = service.states()
    assert state.figures is not None
    assert state.up
    assert state.figures.tolerance.simultaneous.lower == 2
    assert state.snapshot is not None
    assert state.snapshot.xapi is not None


def test_dead_host_changes_the_figures(service: Service, xapi: RunningServer) -> None:
    xapi.state.kill_host("host-1")
    state = becomes(service.watchers[0], planned_hosts(4))
    assert state.facts is not None
    assert state.facts.protected_down > 0
    xapi.state.revive_host("host-1")
    becomes(service.watchers[0], planned_hosts(5))


def test_dead_api_leaves_the_last_figures_and_comes_back(
    service: Service, xapi: RunningServer, browsing: Callable[[FastAPI], httpx.Client]
) -> None:
    client = browsing(create_app(service))
    xapi.stop()
    state = becomes(service.watchers[0], lambda state: not state.up)
    assert state.problem
    assert "\n" not in state.problem
    scrape = client.get("/metrics").text
    assert f'source="{xapi.url}"}} 0.0' in scrape
    assert "xenha_tolerance_lower_hosts{" in scrape
    assert client.get("/api/v1/tolerance").headers["x-xenha-up"] == "0"
    assert client.get("/").status_code == 200
    fewer = demo_pool()
    fewer = replace(fewer, hosts=(*fewer.hosts[:-1], replace(fewer.hosts[-1], enabled=False)))
    with serve_xapi(fewer, listen=xapi.address):
        becomes(service.watchers[0], lambda state: state.up and planned_hosts(4)(state))


def test_lost_sessions_are_no_event(service: Service, xapi: RunningServer) -> None:
    assert xapi.state.expire_sessions() > 0
    xapi.state.kill_host("host-2")
    assert becomes(service.watchers[0], planned_hosts(4)).up


def test_half_of_all_records_lost_breaks_nothing(
    service: Service, xapi: RunningServer, browsing: Callable[[FastAPI], httpx.Client]
) -> None:
    client = browsing(create_app(service))
    before = service.watchers[0].state.snapshot
    xapi.state.drop_records(0.5, seed=3, class_name="*")
    becomes(
        service.watchers[0],
        lambda state: (
            state.snapshot is not before and state.figures is not None and state.lag_seconds(1e12) == 0
        ),
    )
    for path in ("/metrics", "/", "/api/v1/pool", "/api/v1/tolerance"):
        assert client.get(path).status_code == 200
    broken = [line for line in client.get("/metrics").text.splitlines() if line.endswith("} 0.0")]
    assert not [line for line in broken if line.startswith("xenha_collector_success")]


def test_flood_of_events_costs_a_handful_of_plannings(service: Service, xapi: RunningServer) -> None:
    before = service.watchers[0].state.counts.plans
    xapi.state.flood(5_000)
    xapi.state.kill_host("host-3")
    state = becomes(service.watchers[0], planned_hosts(4))
    assert state.counts.plans - before <= 5


def test_plan_names_every_protected_vm_of_the_host(
    service: Service, browsing: Callable[[FastAPI], httpx.Client]
) -> None:
    pool = demo_pool()
    lost = {vm.uuid for vm in pool.protected_vms if vm.home == pool.hosts[0].uuid}
    plan = browsing(create_app(service)).get("/api/v1/plan?fail=host-1").json()
    assert plan["complete"]
    assert lost <= {placement["vm"] for placement in plan["placements"]}


def test_pool_file_that_changes(watching: Watching, tmp_path: Path) -> None:
    path = tmp_path / "pool.json"
    pool = demo_pool()
    path.write_text(dump_pool(pool))
    watcher = watching(FileSource(str(path))).watchers[0]
    becomes(watcher, planned_hosts(5))
    path.write_text("{")
    state = becomes(watcher, lambda state: not state.up)
    assert str(path) in state.problem
    assert planned_hosts(5)(state)
    path.write_text(dump_pool(replace(pool, hosts=(replace(pool.hosts[0], live=False), *pool.hosts[1:]))))
    becomes(watcher, lambda state: state.up and planned_hosts(4)(state))


def test_second_source_of_one_pool_is_named_as_such(
    watching: Watching, xapi: RunningServer, tmp_path: Path
) -> None:
    path = tmp_path / "pool.json"
    path.write_text(dump_pool(demo_pool()))
    service = watching(ApiSource(xapi.url), FileSource(str(path)), FileSource(str(tmp_path / "nowhere.json")))
    for watcher in service.watchers:
        becomes(watcher, lambda state: state.settled)
    api, file, nowhere = service.states()
    assert (api.duplicate_of, file.duplicate_of, nowhere.duplicate_of) == ("", xapi.url, "")
    assert "nowhere.json" in nowhere.problem


def test_service_ends_while_an_api_hangs(watching: Watching, xapi: RunningServer) -> None:
    service = watching(ApiSource(xapi.url))
    becomes(service.watchers[0], lambda state: state.up)
    assert service.stop(ENOUGH)
