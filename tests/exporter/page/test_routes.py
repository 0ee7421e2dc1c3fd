"""The page over HTTP: every state has a page, nothing hostile gets through, thousands of VMs stay small."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from html.parser import HTMLParser

import httpx
import pytest
from fastapi import FastAPI

from exporter.page.routes import ASSETS, router
from exporter.state import PoolState
from planner.inventory.snapshot import Snapshot
from planner.model import VM
from planner.results import Reject

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{7777*7}}&amp;"""


@pytest.fixture
def ask(shown):
    """Return a function that asks for an address while some states are shown."""

    def asked(states, address: str = "/", headers: dict[str, str] | None = None) -> httpx.Response:
        app = FastAPI(openapi_url=None)
        app.include_router(router(shown(states)))

        async def get() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://xenha") as client:
                return await client.get(address, headers=headers)

        return asyncio.run(get())

    return asked


def test_the_page_tells_the_essentials_without_script(ask, pool, make_figures, make_state) -> None:
    answer = ask([make_state(pool, make_figures(pool))])
    assert answer.status_code == 200
    for text in (
        "Harbour",
        '<data value="2">2</data>',
        "target met",
        "Any two hosts may fail at once",
        "Why not 3?",
        "quay-5",
        "app-29",
        "all restart",
        "4 seconds ago",
        "SR local on quay-3 not reached from 4 hosts",
    ):
        assert text in answer.text, text
    assert "<title>2 · target met · Harbour</title>" in answer.text


@pytest.mark.parametrize("figures", [True, False])
def test_a_pool_that_cannot_be_reached_says_so_first(ask, pool, make_figures, make_state, figures) -> None:
    state = make_state(pool, make_figures(pool) if figures else None, up=False, problem="no route to host")
    page = ask([state]).text
    assert page.index("The pool cannot be reached.") < page.index('class="figure"')
    assert "no route to host" in page
    assert "tone-good" not in page


def test_a_pool_never_seen_has_a_page(ask) -> None:
    answer = ask([PoolState("https://root@gone", problem="connection refused")])
    assert answer.status_code == 200
    assert "https://root@gone" in answer.text
    assert 'class="vms"' not in answer.text
    assert 'id="vms" aria-labelledby="vms-head" hidden' in answer.text


def test_no_name_turns_the_sentence_it_stands_in(ask, pool, make_figures, make_state) -> None:
    """A mark that turns the direction of writing would turn all that follows, verdict included."""
    turning = "\u202eevil\u2067"
    named = replace(pool, name=turning, hosts=tuple(replace(h, name=turning + h.name) for h in pool.hosts))
    page = ask([make_state(named, make_figures(named))]).text
    assert page.count("\ufffdevil\ufffdquay-1") > 0
    assert not any(mark in page for mark in turning if not mark.isascii())


def test_no_name_gets_through_unescaped(ask, pool, make_figures, make_state) -> None:
    named = replace(
        pool,
        name=HOSTILE,
        hosts=tuple(replace(host, name=HOSTILE + host.uuid) for host in pool.hosts),
        srs=tuple(replace(sr, name=HOSTILE) for sr in pool.srs),
        vms=tuple(replace(vm, name=HOSTILE, unagile_because=(HOSTILE,)) for vm in pool.vms),
    )
    rejects = (Reject(HOSTILE, HOSTILE, HOSTILE),)
    state = make_state(
        named, make_figures(named), source=HOSTILE, up=False, problem=HOSTILE, plan_problem=HOSTILE
    )
    states = [replace(state, snapshot=Snapshot(named, rejects)), PoolState(HOSTILE, problem=HOSTILE)]
    for address in ("/", "/?pool=p1", "/?pool=source-2", "/?pool=p1&q=<script>", "/?pool=<script>alert(3)"):
        seen = _Seen(ask(states, address).text)
        assert not seen.tags & {"img", "style", "iframe"}
        assert seen.scripts == [True]
        assert not [name for name in seen.attributes if name.startswith("on") or name == "style"]
        assert "54439" not in seen.text
        assert HOSTILE in seen.text or "alert(3)" in seen.text


class _Seen(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[bool] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "script":
            self.scripts.append("src" in dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_nothing_is_inline_and_nothing_from_elsewhere(ask, pool, make_figures, make_state) -> None:
    page = ask([make_state(pool, make_figures(pool))]).text
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)", page)
    addresses = re.findall(r'(?:src|href|action)="([^"]*)"', page)
    assert addresses
    assert all(re.match(r"[/#](?!/)", address) for address in addresses)


def test_the_table_is_asked_for_by_address(ask, pool, make_state) -> None:
    page = ask([make_state(pool)], "/?q=app-7&show=restart&sort=-need").text
    assert re.findall(r'class="clip">(app-\d+)<', page) == []
    page = ask([make_state(pool)], "/?q=app-5&show=restart&sort=-need").text
    assert re.findall(r'class="clip">(app-\d+)<', page) == ["app-5"]
    assert 'value="app-5"' in page
    assert '<option value="restart" selected>' in page


def test_several_pools_have_a_list_and_a_page_each(ask, pool, make_figures, make_state) -> None:
    other = replace(pool, uuid="p2", name="Depot")
    states = [
        make_state(pool, make_figures(pool)),
        make_state(other, make_figures(other, 1, 1), source="b"),
        PoolState("https://root@gone", problem="refused"),
    ]
    overview = ask(states).text
    assert [name for name in ("Harbour", "Depot", "https://root@gone") if name not in overview] == []
    assert "overcommitted" in overview
    assert "<h1" in ask(states, "/?pool=p2").text
    assert "Why not 2?" in ask(states, "/?pool=p2").text
    assert "refused" in ask(states, "/?pool=source-3").text
    assert "Why not 2?" in ask(states, "/?pool=source-2").text


def test_a_pool_that_is_not_there_is_404_with_the_list(ask, pool, make_state) -> None:
    answer = ask([make_state(pool)], "/?pool=nope")
    assert answer.status_code == 404
    assert "No such pool" in answer.text
    assert "Harbour" in answer.text


def test_no_pool_at_all_is_a_page_too(ask) -> None:
    assert "No pool is watched" in ask([]).text


def test_a_page_of_thousands_of_vms_stays_small(ask, pool, make_figures, make_state) -> None:
    hosts = tuple(replace(pool.hosts[0], uuid=f"h{i}", name=f"host-{i}") for i in range(64))
    vms = tuple(VM(f"u{i}", 1 << 30, f"vm-{i}", resident_on=f"h{i % 64}") for i in range(3500))
    big = replace(pool, hosts=hosts, vms=vms, master="h0")
    answer = ask([make_state(big, make_figures(big))])
    assert answer.text.count('class="col-name"') <= 51
    assert len(answer.content) < 200_000
    assert "1–50 of 3" in answer.text


@pytest.mark.parametrize("name", ASSETS)
def test_assets_are_served_once_and_for_all(ask, name: str) -> None:
    answer = ask([], f"/page/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == ASSETS[name]
    assert "immutable" in answer.headers["cache-control"]


def test_an_asset_the_browser_has_is_not_sent_again(ask) -> None:
    tag = ask([], "/page/style.css").headers["etag"]
    assert ask([], "/page/style.css", {"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("name", ["none.css", "..%2froutes.py", "%2e%2e", "style.css%00", "templates"])
def test_nothing_but_the_assets_is_served(ask, name: str) -> None:
    assert ask([], f"/page/{name}").status_code == 404
