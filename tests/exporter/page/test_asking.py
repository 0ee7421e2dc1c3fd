"""The page on which people ask: each question has its answer in words, each slip its line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from exporter.http import create_app
from exporter.ownplanner import OwnPlanner
from exporter.page.asking import CHANGES
from exporter.service import Service
from exporter.watch import Watched
from hacore.clock import SystemClock
from lab.demo import demo_pool
from planner.changes.change import parse_change
from planner.inventory.follow import Lost, Seen, Update
from planner.inventory.snapshot import Snapshot
from planner.model import Pool

ENOUGH = 60.0
HOSTILE = "<script>alert(1)</script>\"'{{7777*7}}"


@pytest.fixture
def asking(browsing: Callable[[FastAPI], httpx.Client]) -> Iterator[Callable[..., httpx.Client]]:
    """Serve pools, or sources that report something else; return a client."""
    services: list[Service] = []

    def serve(*told: Pool | Update) -> httpx.Client:
        updates = [Seen(Snapshot(each)) if isinstance(each, Pool) else each for each in told]
        watched = [Watched(f"source-{i}", _telling(update)) for i, update in enumerate(updates)]
        clock = SystemClock()
        services.append(Service(watched, planner=OwnPlanner(clock), clock=clock))
        client = browsing(create_app(services[-1]))
        services[-1].start()
        for watcher in services[-1].watchers:
            assert watcher.wait_for(lambda state: state.settled, ENOUGH)
        return client

    yield serve
    for service in services:
        assert service.stop(ENOUGH)


def _telling(update: Update) -> Callable[[threading.Event, Callable[[Update], None]], None]:
    def watch(stop: threading.Event, report: Callable[[Update], None]) -> None:
        report(update)
        stop.wait()

    return watch


ANSWERS = {
    "kind=whatif&change=disable%3Dhost-1%0D%0A%0D%0Astop%3Ddns-1": [
        "BREAKS THE TARGET",
        "one after the other",
        "disable=host-1\r\n\r\nstop=dns-1</textarea>",
    ],
    "kind=whatif&change=stop%3Dnobody&target=1": ["stop=nobody: ", "OK: survives any 2", 'value="1"'],
    "kind=plan&host=host-1": ["COMPLETE: 7 VMs restart", "mysql-erp", "Afterwards"],
    "kind=drain&host=host-1": ["host-1 can be emptied", "Meanwhile"],
    "kind=rolling&host=host-3&floor=0": ["POSSIBLE: 4 hosts in this order", 'value="0"'],
    "kind=headroom&memory=16GiB": [
        "The largest VM that can start",
        "VMs of 16GiB that can start",
        'value="16GiB"',
    ],
    "kind=repair": ["OK: the pool survives any 2 host failures at once already"],
    "kind=explain": ["host-2, host-3, host-4"],
}


def test_every_question_is_answered_in_words(asking: Callable[..., httpx.Client]) -> None:
    client = asking(demo_pool())
    for question, said in ANSWERS.items():
        answer = client.get(f"/ask?{question}")
        assert answer.status_code == 200, answer.text
        for text in said:
            assert text.replace("'", "&#39;") in answer.text, (question, text)


SLIPS = {
    "kind=fly": (400, "fly: expected one of whatif, plan, drain, rolling, headroom, repair, explain"),
    "kind=whatif&change=%20": (400, "what if: 0 changes; expected 1 to 100, each on a line"),
    "kind=whatif&change=fly%3Dvm": (400, "fly=vm: "),
    "kind=whatif&change=stop%3Ddns-1&target=two": (400, "two: expected a number"),
    "kind=rolling&floor=few": (400, "few: expected a number"),
    "kind=rolling&host=host-9": (404, "host-9: no such host"),
    "kind=plan": (400, "no host is chosen; expected one or more"),
    "kind=plan&host=host-9": (404, "host-9: no such host"),
    "kind=headroom&memory=16GB": (400, "expected a size above 0"),
    f"kind=headroom&memory={'9' * 5_000}": (400, "expected a size above 0"),
    f"kind=whatif&change=memory%3Dx:{'9' * 5_000}": (400, "expected a size above 0"),
    "pool=none": (404, "No pool none is watched."),
}


def test_every_slip_is_said_and_the_form_stays(asking: Callable[..., httpx.Client]) -> None:
    client = asking(demo_pool())
    for question, (status, said) in SLIPS.items():
        answer = client.get(f"/ask?{question}")
        assert (answer.status_code, said in answer.text) == (status, True), (question, answer.text)
        assert ("What can be written here" in answer.text) == (status != 404 or "host-9" in question)


def test_without_a_question_there_are_forms_alone(asking: Callable[..., httpx.Client]) -> None:
    page = asking(demo_pool()).get("/ask").text
    assert page.count("<form") == 3
    assert page.count('type="checkbox"') == 5
    assert "nothing was carried out" not in page
    assert "<script" not in page, "nothing may be asked again by itself"


def test_pool_that_was_never_seen_cannot_be_asked_about(asking: Callable[..., httpx.Client]) -> None:
    answer = asking(Lost("connection refused")).get("/ask?kind=repair")
    assert (answer.status_code, "source-0: connection refused" in answer.text) == (503, True)


def test_one_of_several_pools_is_chosen(asking: Callable[..., httpx.Client]) -> None:
    other = replace(demo_pool(), uuid="other", name="other")
    client = asking(demo_pool(), other)
    assert "About which pool?" in client.get("/ask").text
    assert 'name="pool" value="other"' in client.get("/ask?pool=other").text


def test_nothing_hostile_gets_through(asking: Callable[..., httpx.Client]) -> None:
    pool = demo_pool()
    named = replace(pool, name=HOSTILE, hosts=tuple(replace(h, name=HOSTILE + h.name) for h in pool.hosts))
    client = asking(named)
    host, typed = pool.hosts[0].uuid, quote(HOSTILE)
    for question in (
        "",
        f"kind=plan&host={host}",
        f"kind={typed}",
        f"kind=whatif&change=stop%3D{typed}",
        f"kind=headroom&memory={typed}&target={typed}",
        f"pool={typed}",
    ):
        page = client.get(f"/ask?{question}").text
        assert "<script" not in page, question
        assert "54439" not in page, question


def test_the_list_of_changes_names_changes_that_exist() -> None:
    for change in (change for row in CHANGES for change in row):
        parse_change(change.replace("SIZE", "1GiB").split("|")[0])
