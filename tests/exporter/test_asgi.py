"""What is added to every answer, without a server that might do it as well."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.asgi import HEADERS, HeadLikeGet, StrictHeaders


def answer(app: ASGIApp, method: str = "GET", kind: str = "http") -> list[Message]:
    """Return what the application sends for one request."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app({"type": kind, "method": method, "path": "/", "headers": []}, receive, send))
    return sent


async def says_method(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(scope["method"], headers={"Cache-Control": "public"})(scope, receive, send)


def header(message: Message, name: bytes) -> Any:
    return dict(message["headers"]).get(name)


def test_head_reaches_the_application_as_get_and_loses_its_body() -> None:
    start, body = answer(HeadLikeGet(says_method), "HEAD")
    assert header(start, b"content-length") == b"3", "of GET"
    assert body["body"] == b""


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_methods_pass(method: str) -> None:
    _, body = answer(HeadLikeGet(says_method), method)
    assert body["body"] == method.encode()


def test_headers_are_added_unless_the_route_has_its_own() -> None:
    start, _ = answer(StrictHeaders(says_method))
    assert header(start, b"cache-control") == b"public"
    for name, value in HEADERS.items():
        if name != "Cache-Control":
            assert header(start, name.lower().encode()) == value.encode()


def test_what_is_not_http_passes_untouched() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "of": scope["type"]})

    assert answer(StrictHeaders(app), kind="lifespan")[0]["headers"] == []
