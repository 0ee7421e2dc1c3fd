"""One pool, one answer: commands, API, metrics and page say the same (DESIGN §1.4, REQUIREMENTS B9)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bench.clocks import StillClock
from bench.pools import pool as bench_pool
from bench.worlds import tiny
from exporter.cli import main
from exporter.cli.lab import demo_api, demo_snapshot
from exporter.http import create_app
from exporter.ownplanner import OwnPlanner
from exporter.service import Service
from exporter.watch import Watched
from hacore.clock import SystemClock
from lab.demo import demo_pool
from planner.constraints.rules import NO_RULES, Rules
from planner.inventory.follow import Seen, Update
from planner.inventory.poolfile import dump_pool
from planner.inventory.snapshot import Snapshot
from planner.inventory.source import load
from planner.model import Pool

ENOUGH = 300.0
NO_LIMIT_SECONDS = "3600"
"""What is said must not depend on how fast this machine is."""
TIMES = ("elapsed_seconds",)

POOLS: dict[str, Callable[[], Pool]] = {
    "demo": demo_pool,
    "where the order of failures matters": lambda: tiny(
        [4, 3, 2, 0, 2], [(2, 3, 14), (2, 2, 26), (2, 0, 21)]
    ),
    "of six hosts": lambda: bench_pool(20_001, hosts=6, vms=330, load=0.7),
    "of many hosts": lambda: bench_pool(20_004, hosts=24, vms=1_300, load=0.85),
}
RULES = Rules(Fraction(4), "dynamic-min", 2 << 30)
RULE_OPTIONS = "--vcpus-per-core 4 --memory-policy dynamic-min --reserve 2GiB"
QUESTIONS = {
    "plan": ("plan --fail {host}", "plan?fail={host}"),
    "plan for two": ("plan --fail {other} --fail {host}", "plan?fail={host}&fail={other}"),
    "headroom": ("headroom", "headroom"),
    "headroom for a size": ("headroom --memory 4GiB --target 1", "headroom?memory=4GiB&target=1"),
    "drain": ("drain --host {host}", "drain?host={host}"),
    "rolling": ("rolling --skip {host} --floor 0", "rolling?skip={host}&floor=0"),
    "repair": ("repair --target 1", "repair?target=1"),
    "explain": ("explain", "explain"),
}


@dataclass(frozen=True)
class Side:
    """A pool as commands and as clients of the service see it."""

    pool: Pool
    path: str
    client: httpx.Client

    def asked(self, text: str) -> str:
        first, second, *_ = sorted(host.uuid for host in self.pool.hosts)
        return text.format(host=first, other=second)


Sides = Callable[..., Side]


@pytest.fixture
def sides(tmp_path: Path, browsing: Callable[[FastAPI], httpx.Client]) -> Iterator[Sides]:
    """Show a pool to both sides, the service with rules."""
    with ExitStack() as stack:

        def show(pool: Pool, rules: Rules = NO_RULES) -> Side:
            path = tmp_path / "pool.json"
            path.write_text(dump_pool(pool), encoding="utf-8")

            def watch(stop: threading.Event, report: Callable[[Update], None]) -> None:
                report(Seen(Snapshot(pool)))
                stop.wait()

            clock = SystemClock()
            watched = Watched("source", watch, rules=rules)
            service = Service([watched], planner=OwnPlanner(StillClock()), clock=clock)
            client = browsing(create_app(service))
            stack.enter_context(service)
            (watcher,) = service.watchers
            assert watcher.wait_for(lambda state: state.figures is not None and state.figures.final, ENOUGH)
            return Side(pool, str(path), client)

        yield show


@pytest.fixture(params=POOLS)
def side(request: pytest.FixtureRequest, sides: Sides) -> Side:
    return sides(POOLS[request.param]())


def commanded(capsys: pytest.CaptureFixture[str], command: str, path: str) -> dict[str, Any]:
    name, *options = command.split()
    capsys.readouterr()
    main([name, path, *options, "--limit", NO_LIMIT_SECONDS, "--json"])
    return timeless(json.loads(capsys.readouterr().out))


def timeless(answer: Any) -> Any:
    """Return an answer without what clocks said."""
    if isinstance(answer, dict):
        return {key: timeless(value) for key, value in answer.items() if key not in TIMES}
    return [timeless(item) for item in answer] if isinstance(answer, list) else answer


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two answers are the same, byte for byte."""
    return json.dumps(one) == json.dumps(other)


def test_figures_are_the_same_everywhere(side: Side, capsys: pytest.CaptureFixture[str]) -> None:
    told = timeless(side.client.get("/api/v1/tolerance").json())
    assert same(told, commanded(capsys, "tolerance", side.path))
    assert same(told, commanded(capsys, "check", side.path))
    metrics = side.client.get("/metrics").text
    for kind in ("simultaneous", "sequential"):
        for bound in ("lower", "upper"):
            series = f'xenha_tolerance_{bound}_hosts{{kind="{kind}",pool="{side.pool.uuid}"}}'
            assert f"{series} {told[kind][bound]}.0\n" in metrics
    changed = {"changes": []}
    thought = timeless(side.client.post("/api/v1/whatif", json=changed).json())
    assert same(thought["before"], told)
    assert same(thought["after"], told)


def test_answers_are_the_same(side: Side, capsys: pytest.CaptureFixture[str]) -> None:
    differing = []
    for question, texts in QUESTIONS.items():
        command, address = map(side.asked, texts)
        told = timeless(side.client.get(f"/api/v1/{address}").json())
        if not same(told, commanded(capsys, command, side.path)):
            differing.append(question)
    change = side.asked("disable={host}")
    told = timeless(side.client.post("/api/v1/whatif", json={"changes": [change]}).json())
    if not same(told, commanded(capsys, f"whatif --change {change}", side.path)):
        differing.append("whatif")
    assert not differing


def test_rules_count_alike(sides: Sides, capsys: pytest.CaptureFixture[str]) -> None:
    """The demo pool with fewer cores: vCPUs, ballooning and a reserve change what is said, on both sides."""
    pool = demo_pool()
    hosts = tuple(replace(host, cpus=24) for host in pool.hosts)
    vms = tuple(replace(vm, memory_dynamic_min_bytes=vm.memory_static_max_bytes // 2) for vm in pool.vms)
    side = sides(replace(pool, hosts=hosts, vms=vms), RULES)
    told = timeless(side.client.get("/api/v1/tolerance").json())
    assert same(told, commanded(capsys, f"tolerance {RULE_OPTIONS}", side.path))
    assert not same(told, commanded(capsys, "tolerance", side.path))
    for name in ("plan", "headroom for a size", "drain", "explain"):
        command, address = map(side.asked, QUESTIONS[name])
        told = timeless(side.client.get(f"/api/v1/{address}").json())
        assert same(told, commanded(capsys, f"{command} {RULE_OPTIONS}", side.path)), name
    assert 'reserve_bytes="2147483648",vcpus_per_core="4"' in side.client.get("/metrics").text
    counted = "at most 4 vCPUs per core, memory ballooned down and 2 GiB of every host kept back"
    assert counted in side.client.get("/").text


def test_the_demo_pool_is_the_one_that_its_api_shows() -> None:
    with demo_api() as (source, credentials):
        assert demo_snapshot().pool == load(source, credentials, SystemClock()).pool
