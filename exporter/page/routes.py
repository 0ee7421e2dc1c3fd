"""The page over HTTP: one address for the reader, one folder for stylesheet, script and icons.

The server renders everything; the script only fetches the same address again and swaps what changed. Reads
states and nothing else: asking for the page never plans and never waits for a pool. The strict headers of
every answer (`exporter.asgi`) allow nothing inline and nothing from elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from exporter.daemons.state import DaemonState
from exporter.page import vms
from exporter.page.daemons import alarms, daemons_views, of_pool
from exporter.page.view import keys_of, link_view, pool_view
from exporter.state import PoolState
from hacore.clock import Clock

ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "icon-good.svg": "image/svg+xml",
    "icon-bad.svg": "image/svg+xml",
    "icon-unknown.svg": "image/svg+xml",
    "icon-plain.svg": "image/svg+xml",
}
REFRESH_SECONDS = 3


class Watched(Protocol):
    """What the page reads: `exporter.service.Service`, or a stand-in with states made by hand."""

    @property
    def clock(self) -> Clock: ...

    def states(self) -> Sequence[PoolState]: ...

    def daemons(self) -> Sequence[DaemonState]: ...


def router(service: Watched) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    def page(pool: str = "", q: str = "", show: str = "", sort: str = "", page: str = "") -> HTMLResponse:
        query = vms.query_of(q, show, sort, page)
        return _page(service.states(), service.daemons(), pool, query, service.clock.wall_seconds())

    @routes.get("/page/{name}")
    def asset(name: str, request: Request) -> Response:
        return _asset(name, request.headers.get("if-none-match", ""))

    return routes


def _page(
    states: Sequence[PoolState],
    daemons: Sequence[DaemonState],
    key: str,
    query: vms.Query,
    now_seconds: float,
) -> HTMLResponse:
    """Return the page of the pool asked for; of several pools their list if none is."""
    found = [
        i for i, state in enumerate(states) if key in keys_of(state, i) or (not key and len(states) == 1)
    ]
    values: dict[str, Any] = {
        "links": [link_view(state, i, now_seconds) for i, state in enumerate(states)],
        "now_seconds": now_seconds,
    }
    if found:
        state = states[found[0]]
        shown = daemons_views(of_pool(daemons, state, states), now_seconds, states)
        view = pool_view(state, found[0], now_seconds, tuple(alarms(shown)))
        table = vms.vm_table(state.pool, query, view.key) if state.pool else None
        return html(
            "pool.html",
            200,
            view=view,
            daemons=shown,
            table=table,
            query=query,
            shown=vms.SHOWN,
            current_key=view.key,
            **values,
        )
    others = daemons_views(of_pool(daemons, None, states), now_seconds, states)
    return html("pools.html", 404 if key else 200, asked=key, daemons=others, current_key="", **values)


def html(template: str, status: int, **values: Any) -> HTMLResponse:
    """Return a template filled with values."""
    values |= {"refresh_seconds": REFRESH_SECONDS, "asset": asset_address}
    text = _environment().get_template(template).render(values)
    return HTMLResponse(text, status)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("exporter.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_in_its_place,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\N{REPLACEMENT CHARACTER}")
"""Marks that turn the direction of whatever follows: a name must not rewrite the sentence it stands in."""


def _in_its_place(value: object) -> object:
    return value.translate(_TURNING) if isinstance(value, str) else value


# Stylesheet, script, icons


@cache
def _content(name: str) -> bytes:
    return files("exporter.page").joinpath("static", name).read_bytes()


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_content(name)).hexdigest()[:16]


def asset_address(name: str) -> str:
    """Return where a file of the page is; another address as soon as its content is another."""
    return f"/page/{name}?v={_digest(name)}"


def _asset(name: str, known: str) -> Response:
    if name not in ASSETS:
        return Response("no such file\n", 404, media_type="text/plain")
    tag = f'"{_digest(name)}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=31536000, immutable"}
    if known == tag:
        return Response(status_code=304, headers=headers)
    return Response(_content(name), headers=headers, media_type=ASSETS[name])
