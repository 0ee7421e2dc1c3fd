"""Clients that keep the service waiting are cut; a client that waits for the service is not."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any, ClassVar

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from exporter.listening import bind
from exporter.patience import PatientProtocol

ENOUGH = 30.0
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
Connect = Callable[[], socket.socket]


class Hasty(PatientProtocol):
    """Cuts a client as soon as it has looked twice."""

    patience_seconds: ClassVar[float] = 0.02


class Asked(PatientProtocol):
    """Looks when a test says so, and serves three clients at most."""

    patience_seconds: ClassVar[float] = 3_600.0
    most_connections: ClassVar[int] = 3
    newest: ClassVar[Asked]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        type(self).newest = self
        self.paused = asyncio.Event()
        super().connection_made(transport)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.paused.set()


@pytest.fixture
def serving() -> Iterator[Callable[..., Connect]]:
    """Serve an application; return what connects to it."""
    with ExitStack() as stack:

        def serve(app: Any, http: type[PatientProtocol] = Asked) -> Connect:
            bound = stack.enter_context(bind("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(app, http=http, log_config=None, lifespan="off"))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
            thread.start()

            def end() -> None:
                server.should_exit = True
                thread.join(ENOUGH)
                assert not thread.is_alive()

            stack.callback(end)
            address = bound.getsockname()
            return lambda: stack.enter_context(socket.create_connection(address, ENOUGH))

        yield serve


def hung_up(connection: socket.socket) -> bool:
    """Wait until the other side hangs up; whatever it says before is passed over."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HT", HEAD, HEAD.replace(b"GET", b"POST") + b"Content-Length: 9\r\n\r\nhalf"],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
def test_a_request_that_never_gets_whole_is_cut(serving: Callable[..., Connect], said: bytes) -> None:
    async def takes_the_body(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive()).get("more_body"):
            pass

    connection = serving(takes_the_body, Hasty)()
    with suppress(ConnectionError):  # cut already
        connection.sendall(said)
    assert hung_up(connection)


def test_an_answer_that_nobody_takes_is_cut(serving: Callable[..., Connect]) -> None:
    gone = threading.Event()

    async def talks(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        talking = asyncio.create_task(_talk(send))
        await Asked.newest.paused.wait()
        Asked.newest.look(Asked.newest.owed())
        assert (await receive())["type"] == "http.disconnect"
        await talking
        gone.set()

    connection = serving(talks)()
    connection.sendall(HEAD + b"\r\n")
    assert gone.wait(ENOUGH)


async def _talk(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1_000):  # more than any socket takes unread
        await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})


def test_an_answer_may_take_as_long_as_it_takes(serving: Callable[..., Connect]) -> None:
    async def thinks(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(5):
            Asked.newest.look(Asked.newest.owed())
        await PlainTextResponse("thought")(scope, receive, send)

    connection = serving(thinks)()
    connection.sendall(HEAD + b"Connection: close\r\n\r\n")
    assert connection.makefile("rb").read().endswith(b"thought")


def test_one_client_too_many_is_cut_at_once_if_all_others_wait_for_us(
    serving: Callable[..., Connect],
) -> None:
    release, begun = threading.Event(), threading.Semaphore(0)

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        begun.release()
        await asyncio.get_running_loop().run_in_executor(None, release.wait, ENOUGH)
        await PlainTextResponse("here")(scope, receive, send)

    connect = serving(waits)
    served = [connect() for _ in range(Asked.most_connections)]
    for connection in served:
        connection.sendall(HEAD + b"Connection: close\r\n\r\n")
    assert all(begun.acquire(timeout=ENOUGH) for _ in served)
    assert hung_up(connect())
    release.set()
    assert all(connection.makefile("rb").read().endswith(b"here") for connection in served)


def test_clients_that_say_nothing_make_room_for_one_that_asks(serving: Callable[..., Connect]) -> None:
    connect = serving(PlainTextResponse("here"))
    silent = [connect() for _ in range(Asked.most_connections)]
    asking = connect()
    asking.sendall(HEAD + b"Connection: close\r\n\r\n")
    assert asking.makefile("rb").read().endswith(b"here")
    assert hung_up(silent[0])
