"""Listens on a TCP address and serves one app there until a signal says stop.

The URL is the first line on standard output, printed when the first request can be answered. SIGTERM and
SIGINT end it within about a second, open requests or not.
"""

from __future__ import annotations

import signal
import socket
from contextlib import AbstractContextManager, nullcontext
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from exporter.errors import ListenError
from exporter.patience import PatientProtocol

GRACE_SECONDS = 1
"""What open requests get when it is time to stop."""
BACKLOG = 128


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to a name or address; port 0: any free one. Raises ListenError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise ListenError(host, port, f"not an address of this machine: {problem}") from None
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise ListenError(host, port, error.strerror or str(error)) from None
    return bound


def url_of(bound: socket.socket) -> str:
    """Return the URL under which a bound socket is reached."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve_until_signal(
    app: ASGIApp, bound: socket.socket, meanwhile: AbstractContextManager[object] | None = None
) -> None:
    """Serve `app` on a bound socket; return after SIGTERM or SIGINT. Must run in the main thread.

    `meanwhile` is entered and left while signals are heeded already, and still: one that comes that early
    must not be lost, nor break off what is being ended.
    """
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=512,
    )
    server = _Announcing(config, url_of(bound))

    def stop(_number: int, _frame: FrameType | None) -> None:
        """Heed a signal before uvicorn does, and bear the one that it raises again when it has stopped."""
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with meanwhile or nullcontext():
            server.run(sockets=[bound])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Announcing(uvicorn.Server):
    """Says where it listens as soon as it does."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._url, flush=True)
