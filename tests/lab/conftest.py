"""A small simulated pool and clients of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import XenAPI

from lab.pools import small_pool
from lab.xapi.server import RunningServer, serve

Call = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with serve(small_pool()) as running:
        yield running


@pytest.fixture
def connect() -> Iterator[Callable[[str], XenAPI.Session]]:
    """Open sessions of the vendor's client without logging in; they are closed at the end."""
    opened: list[XenAPI.Session] = []

    def open_session(url: str) -> XenAPI.Session:
        opened.append(XenAPI.Session(url))
        return opened[-1]

    yield open_session
    for session in opened:
        session("close")()


@pytest.fixture
def xapi(server: RunningServer, connect: Callable[[str], XenAPI.Session]) -> Any:
    """The vendor's client, logged in: `xapi.VM.get_all()`."""
    session = connect(server.url)
    session.login_with_password("root", "xenha", "1.0", "tests")
    return session.xenapi


@pytest.fixture
def refused() -> Callable[..., list[str]]:
    """Call and return ErrorDescription; the call must fail."""

    def call(function: Call, *params: Any) -> list[str]:
        with pytest.raises(XenAPI.Failure) as failure:
            function(*params)
        details: list[str] = failure.value.details
        return details

    return call


class JsonClient:
    """A client of JSON-RPC 2.0 that keeps its connection, as XenCenter and Xen Orchestra do."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=60)
        self._ids = itertools.count()
        self.session = self.call("session.login_with_password", "root", "xenha")["result"]

    def call(self, method: str, *params: Any) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "method": method, "params": list(params), "id": next(self._ids)}
        answer = self.http.post("/jsonrpc", json=body)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        assert found["id"] == body["id"]
        return found

    def __call__(self, method: str, *params: Any) -> Any:
        answer = self.call(method, self.session, *params)
        return answer.get("result", answer.get("error"))


@pytest.fixture
def json_rpc(server: RunningServer) -> Iterator[JsonClient]:
    client = JsonClient(server.url)
    yield client
    client.http.close()
