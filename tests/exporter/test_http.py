"""The application as a client sees it: answers, errors, headers, and what OpenAPI promises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from exporter.answers import WAITING, WORKERS
from exporter.asgi import BODY_BYTES_MAX
from exporter.contracts import (
    DaemonsAnswer,
    DrainAnswer,
    ExplainAnswer,
    HeadroomAnswer,
    PlanAnswer,
    RepairAnswer,
    RollingAnswer,
    ToleranceAnswer,
    WhatIfAnswer,
)
from exporter.http import create_app
from exporter.questions import PlanQuestion
from exporter.service import Service
from exporter.watch import Watched
from hacore.clock import SystemClock
from hacore.status import plain
from lab.demo import demo_pool
from planner.changes.errors import ChangeError
from planner.errors import UnknownHostError
from planner.inventory.follow import Lost, Seen, Update
from planner.inventory.poolfile import read_pool
from planner.inventory.snapshot import Snapshot

if TYPE_CHECKING:
    from conftest import FakePlanner, Gate

ENOUGH = 60.0


@dataclass(frozen=True)
class Site:
    """A running service and a client of it."""

    client: httpx.Client
    service: Service


Serving = Callable[..., Site]
Browsing = Callable[[FastAPI], httpx.Client]


@pytest.fixture
def serving(planner: FakePlanner, gate: Gate, browsing: Browsing) -> Iterator[Serving]:
    """Serve sources that report these updates, one each; None: a source that says nothing."""
    sites: list[Site] = []

    def serve(*updates: Update | None, settle: bool = True, daemons: Sequence[str] = ()) -> Site:
        watched = [Watched(f"source-{i}", telling(update)) for i, update in enumerate(updates)]
        service = Service(watched, planner=planner, clock=SystemClock(), daemons=daemons)
        sites.append(Site(browsing(create_app(service)), service))
        service.start()
        for watcher, update in zip(service.watchers, updates, strict=True):
            if settle and update is not None:
                assert watcher.wait_for(lambda state: state.settled, ENOUGH)
        return sites[-1]

    yield serve
    gate.open()
    for site in sites:
        assert site.service.stop(ENOUGH)


@pytest.fixture
def client(serving: Serving, snapshot: Snapshot) -> httpx.Client:
    """One pool, seen and planned for."""
    return serving(Seen(snapshot)).client


def telling(update: Update | None) -> Callable[[threading.Event, Callable[[Update], None]], None]:
    def watch(stop: threading.Event, report: Callable[[Update], None]) -> None:
        if update is not None:
            report(update)
        stop.wait()

    return watch


def error_of(client: httpx.Client, address: str, status: int) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    problem = answer.json()
    assert list(problem) == ["error"]
    assert "\n" not in problem["error"]
    return str(problem["error"])


# Contracts


def test_tolerance_is_the_contract_and_its_age_stands_in_headers(
    client: httpx.Client, planner: FakePlanner
) -> None:
    answer = client.get("/api/v1/tolerance")
    assert answer.json() == planner.answer.to_json()
    ToleranceAnswer.model_validate(answer.json(), strict=True)
    assert answer.headers["x-xenha-up"] == "1"
    assert answer.headers["x-xenha-plan-lag"] == "0.000"
    assert float(answer.headers["x-xenha-plan-timestamp"]) >= float(
        answer.headers["x-xenha-snapshot-timestamp"]
    )
    assert abs(float(answer.headers["x-xenha-snapshot-timestamp"]) - SystemClock().wall_seconds()) < 3_600


def test_pool_is_a_pool_file(client: httpx.Client, snapshot: Snapshot) -> None:
    answer = client.get("/api/v1/pool")
    assert answer.headers["content-type"] == "application/json"
    assert read_pool(answer.content, "the API") == snapshot.pool


def test_daemons_tell_what_they_said(
    serving: Serving, snapshot: Snapshot, daemon_at: Callable[..., Any], make_status: Any, tmp_path: Path
) -> None:
    daemon_at(tmp_path / "1.sock", make_status())
    daemon_at(tmp_path / "2.sock", make_status())
    site = serving(Seen(snapshot), daemons=[f"{tmp_path}/{name}.sock" for name in ("1", "2", "none")])
    watcher = site.service.daemon_watcher
    assert watcher.wait_for(
        lambda states: states[0].up and bool(states[1].duplicate_of and states[2].problem), ENOUGH
    )
    watcher.stop()
    answer = site.client.get("/api/v1/daemons").json()
    DaemonsAnswer.model_validate(answer, strict=True)
    first, second, third = answer["daemons"]
    assert (first["host"], first["pool"], first["up"], first["problem"]) == ("host-1", "pool-1", True, None)
    assert first["status"] == plain(make_status())
    assert second["problem"] == f"the same host as {tmp_path}/1.sock"
    assert (second["host"], second["status"], second["up"]) == (None, None, False)
    assert (third["host"], third["problem"]) == (None, "No such file or directory")
    assert "xenha_daemon_up" in site.client.get("/metrics").text
    assert "Heartbeats" in site.client.get("/").text


def test_without_daemons_there_is_no_word_of_them(client: httpx.Client) -> None:
    assert client.get("/api/v1/daemons").json() == {"format": "xenha-daemons/1", "daemons": []}
    assert "xenha_daemon" not in client.get("/metrics").text
    assert "Heartbeats" not in client.get("/").text


def test_plan_is_the_contract(client: httpx.Client) -> None:
    answer = client.get("/api/v1/plan?fail=host-2&fail=host-1&fail=host-1")
    assert answer.json()["failed_hosts"] == ["host-1", "host-2"]
    PlanAnswer.model_validate(answer.json(), strict=True)


QUESTIONS = {
    "headroom": (HeadroomAnswer, "headroom None 1"),
    "headroom?memory=16GiB&vcpus=4&target=2": (HeadroomAnswer, f"headroom {16 << 30} 4"),
    "drain?host=host-2&host=host-1": (DrainAnswer, "drain host-1 host-2"),
    "repair?target=2": (RepairAnswer, "repair"),
    "rolling?floor=1&skip=host-2&skip=host-1": (RollingAnswer, "rolling 1 host-1 host-2"),
    "rolling": (RollingAnswer, "rolling None "),
    "orders": (ToleranceAnswer, "orders"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_are_answered_by_contract(
    client: httpx.Client, planner: FakePlanner, question: str
) -> None:
    answer = client.get(f"/api/v1/{question}")
    shape, asked = QUESTIONS[question]
    shape.model_validate(answer.json(), strict=True)
    assert planner.asked[-1] == asked
    assert answer.headers["x-xenha-up"] == "1"


def test_explanation_keeps_to_its_contract(client: httpx.Client) -> None:
    ExplainAnswer.model_validate(client.get("/api/v1/explain").json(), strict=True)


def test_changes_are_posted(client: httpx.Client, planner: FakePlanner) -> None:
    answer = client.post("/api/v1/whatif", json={"changes": ["stop=a", "disable=host-1"], "target": 1})
    WhatIfAnswer.model_validate(answer.json(), strict=True)
    assert planner.asked[-1] == "whatif stop=a disable=host-1"


def test_pools_lists_every_source(serving: Serving, snapshot: Snapshot, planner: FakePlanner) -> None:
    client = serving(Seen(snapshot), Lost("connection refused"), None, Seen(snapshot)).client
    answer = client.get("/api/v1/pools").json()
    first, second, third, fourth = answer["pools"]
    assert answer["format"] == "xenha-pools/1"
    assert (first["uuid"], first["up"], first["problem"]) == ("pool-1", True, None)
    assert first["tolerance"] == planner.answer.to_json()
    assert (second["uuid"], second["up"], second["problem"]) == (None, False, "connection refused")
    assert (third["uuid"], third["up"], third["problem"]) == (None, False, None)
    assert (fourth["uuid"], fourth["problem"]) == (None, "the same pool as source-0")


# Which pool


def test_pool_must_be_named_among_several(serving: Serving, snapshot: Snapshot) -> None:
    other = replace(snapshot, pool=replace(snapshot.pool, uuid="pool-2", name="other"))
    client = serving(Seen(snapshot), Seen(other)).client
    assert client.get("/api/v1/tolerance?pool=pool-2").json()["pool"]["name"] == "other"
    problem = error_of(client, "/api/v1/tolerance", 400)
    assert problem == "pool: 2 pools are served; expected the UUID of one of them"
    assert error_of(client, "/api/v1/pool?pool=pool-9", 404) == "pool: no pool pool-9 is served"


def test_second_source_of_a_pool_is_no_second_pool(serving: Serving, snapshot: Snapshot) -> None:
    client = serving(Seen(snapshot), Seen(snapshot)).client
    assert client.get("/api/v1/tolerance").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["pool", "tolerance", "plan?fail=host-1", "headroom", "drain?host=host-1", "repair", "rolling", "orders"],
)
def test_pool_that_was_never_seen_is_not_there_yet(serving: Serving, path: str) -> None:
    client = serving(Lost("connection refused")).client
    assert error_of(client, f"/api/v1/{path}", 503) == "source-0: connection refused"
    assert client.get(f"/api/v1/{path}").headers["retry-after"] == "2"


def test_unknown_pool_may_still_appear_while_a_source_is_silent(serving: Serving, snapshot: Snapshot) -> None:
    error_of(serving(Seen(snapshot), None).client, "/api/v1/pool?pool=pool-2", 503)


# Wrong questions


def test_plan_without_a_host(client: httpx.Client) -> None:
    assert error_of(client, "/api/v1/plan", 400) == "fail: required key is missing"


BAD_BODIES = {
    "[]": "body: expected an object, got a list",
    "{}": "changes: required key is missing",
    '{"changes": "stop=a"}': 'changes: expected a list, got "stop=a"',
    '{"changes": [], "target": -1}': "target: expected at least 0, got -1",
    '{"changes": [], "targets": 1}': "targets: unknown key; did you mean target?",
    '{"changes": [], "else": 1}': "else: unknown key; expected changes, target",
    "{": "body: not JSON: Expecting property name enclosed in double quotes",
}


@pytest.mark.parametrize("body", BAD_BODIES)
def test_body_that_is_no_question(client: httpx.Client, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/api/v1/whatif", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error": BAD_BODIES[body]})


def test_body_that_is_too_long_is_not_read(client: httpx.Client) -> None:
    answer = client.post("/api/v1/whatif", content=b" " * (BODY_BYTES_MAX + 1))
    problem = f"expected a body of at most {BODY_BYTES_MAX} bytes"
    assert (answer.status_code, answer.json()) == (413, {"error": problem})


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ("headroom?memory=16GB", "memory: '16GB': expected a size above 0 and up to 1024 TiB, such as 16GiB"),
        ("repair?target=-1", 'target: expected at least 0, got "-1"'),
        ("repair?target=two", 'target: expected an integer, got "two"'),
        ("drain", "host: required key is missing"),
        ("headroom?memory=16GiB&vcpu=4", "vcpu: unknown key; did you mean vcpus?"),
        ("plan?host=host-1", "host: unknown key; expected fail, pool"),
        ("repair?target=1&target=2", "target: given 2 times; expected once"),
        ("tolerance?target=1", "target: unknown key; expected pool"),
        ("pools?pool=pool-1", "pool: unknown key; expected none"),
        ("rolling?floor=-1", 'floor: expected at least 0, got "-1"'),
    ],
)
def test_question_that_makes_no_sense(client: httpx.Client, question: str, problem: str) -> None:
    assert error_of(client, f"/api/v1/{question}", 400).startswith(problem)


def test_change_that_is_none(client: httpx.Client, planner: FakePlanner) -> None:
    def refuse(question: str) -> None:
        if question.startswith("whatif"):
            raise ChangeError("fly=vm", "expected KIND=…")

    planner.before = refuse
    answer = client.post("/api/v1/whatif", json={"changes": ["fly=vm"]})
    assert (answer.status_code, answer.json()) == (400, {"error": "fly=vm: expected KIND=…"})


@pytest.mark.parametrize(("candidates", "status"), [((), 404), (("uuid-1", "uuid-2"), 400)])
def test_host_that_is_unknown_or_not_unique(
    client: httpx.Client, planner: FakePlanner, candidates: tuple[str, ...], status: int
) -> None:
    def refuse(question: str) -> None:
        if question.startswith("plan"):
            raise UnknownHostError("host-9", "office", candidates=candidates)

    planner.before = refuse
    assert error_of(client, "/api/v1/plan?fail=host-9", status).startswith("fail host-9: ")


@pytest.mark.parametrize("path", ["/api/v1/pool?pool=a%0Ab%00", "/nowhere%0d%1b[31m", "/%ff%ed%a0%80"])
def test_question_comes_back_on_one_line(client: httpx.Client, path: str) -> None:
    assert error_of(client, path, 404).isprintable()


def test_plan_that_breaks_is_one_line(client: httpx.Client, planner: FakePlanner) -> None:
    def breaks(question: str) -> None:
        if question.startswith("plan"):
            raise ZeroDivisionError("secret detail")

    planner.before = breaks
    problem = error_of(client, "/api/v1/plan?fail=host-1", 500)
    assert problem == "internal error: ZeroDivisionError"


def test_nothing_there(serving: Serving) -> None:
    client = serving(None).client
    assert error_of(client, "/api/v2/pool", 404) == "there is nothing at /api/v2/pool"
    assert error_of(client, "/docs", 404) == "there is nothing at /docs"


def test_only_reading(client: httpx.Client) -> None:
    answer = client.post("/api/v1/pool")
    assert (answer.status_code, answer.json()) == (405, {"error": "Method Not Allowed"})


def test_too_many_plans_are_refused(serving: Serving, snapshot: Snapshot, gate: Gate) -> None:
    site = serving(Seen(snapshot))
    (state,) = site.service.states()
    gate.shut("plan")
    for i in range(WORKERS):
        site.service.ask(state, PlanQuestion((f"running-{i}",)))
    gate.await_waiting(WORKERS)
    for i in range(WAITING):
        site.service.ask(state, PlanQuestion((f"waiting-{i}",)))
    problem = error_of(site.client, "/api/v1/plan?fail=one-too-many", 429)
    assert problem == "too many questions are being answered already; ask again in a few seconds"
    gate.open()


# Health


def test_ready_once_every_source_has_settled(serving: Serving, snapshot: Snapshot) -> None:
    ready = serving(Seen(snapshot), Lost("connection refused")).client.get("/-/ready")
    assert (ready.status_code, ready.text) == (200, "xenha is ready.\n")


def test_not_ready_while_a_source_is_silent(serving: Serving, snapshot: Snapshot) -> None:
    client = serving(Seen(snapshot), None).client
    ready = client.get("/-/ready")
    assert (ready.status_code, ready.text) == (503, "waiting for source-1\n")
    assert client.get("/-/healthy").status_code == 200


@pytest.mark.parametrize(
    "path", ["/metrics", "/-/healthy", "/-/ready", "/", "/api/v1/pools", "/api/v1/pool", "/openapi.json"]
)
def test_nobody_waits_for_a_planning(
    serving: Serving, snapshot: Snapshot, planner: FakePlanner, gate: Gate, path: str
) -> None:
    gate.shut()
    client = serving(Seen(snapshot), settle=False).client
    gate.await_waiting()
    assert client.get(path).status_code == (503 if path == "/-/ready" else 200)
    assert 'xenha_protected_vms{pool="pool-1"} 3.0' in client.get("/metrics").text
    assert error_of(client, "/api/v1/tolerance", 503) == "source-0: the first figures are being worked out"
    assert len(planner.asked) == 1, "only the planner's own thread asks"


# Metrics


def test_scraper_gets_the_format_it_asks_for(client: httpx.Client) -> None:
    plain = client.get("/metrics", headers={"Accept": "text/plain;version=0.0.4"})
    openmetrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.text.endswith("# EOF\n")
    assert "process_resident_memory_bytes" in plain.text


# Headers


@pytest.mark.parametrize("path", ["/metrics", "/-/healthy", "/api/v1/tolerance", "/nowhere", "/api/v1/plan"])
def test_every_answer_is_strict_with_browsers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/ready", "/api/v1/pool", "/nowhere"])
def test_head_is_get_without_a_body(client: httpx.Client, path: str) -> None:
    get, head = client.get(path), client.head(path)
    assert head.status_code == get.status_code
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.content == b""


def test_long_answers_are_compressed_for_those_who_ask(client: httpx.Client) -> None:
    packed = client.get("/metrics", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/metrics", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "xenha_up" in packed.text


# OpenAPI


@pytest.fixture
def demo(planner: FakePlanner, serving: Serving) -> httpx.Client:
    """The demo pool; plans know its hosts and no others."""
    pool = demo_pool()

    def check(question: str) -> None:
        for host in question.split(" ")[1:] if question.startswith(("plan", "drain")) else ():
            if host not in pool.host_by_uuid:
                raise UnknownHostError(host, pool.name)

    planner.before = check
    return serving(Seen(Snapshot(pool))).client


PATHS = (
    "/api/v1/pools",
    "/api/v1/daemons",
    "/api/v1/pool",
    "/api/v1/tolerance",
    "/api/v1/plan",
    "/api/v1/headroom",
    "/api/v1/drain",
    "/api/v1/repair",
    "/api/v1/rolling",
    "/api/v1/orders",
    "/api/v1/explain",
    "/metrics",
    "/-/healthy",
    "/-/ready",
)


NOT_PROMISED = {"/api/v1/headroom": [positive_data_acceptance]}
"""No schema says which texts are sizes; those that are none are 400."""


def test_openapi_names_every_address_of_the_api(client: httpx.Client) -> None:
    assert set(client.get("/openapi.json").json()["paths"]) == {*PATHS, "/api/v1/whatif"}


@pytest.mark.parametrize(("path", "method"), [*[(path, "GET") for path in PATHS], ("/api/v1/whatif", "POST")])
def test_api_keeps_the_promises_of_its_schema(demo: httpx.Client, path: str, method: str) -> None:
    promised = schemathesis.openapi.from_url(f"{demo.base_url}openapi.json")[path][method]

    @settings(max_examples=20)
    @given(case=promised.as_strategy())
    def keeps(case: Any) -> None:
        case.call_and_validate(excluded_checks=NOT_PROMISED.get(path, []))

    keeps()
