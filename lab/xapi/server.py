"""The simulated XAPI over HTTP/1.1: XML-RPC on /, /RPC2, /xmlrpc; JSON-RPC on /jsonrpc.

One thread a connection, kept alive between calls, so that long polls wait in threads of their own. Whatever
arrives is answered with XAPI's error or an HTTP status; a traceback never leaves here.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hacore.clock import Clock, SystemClock
from lab.xapi import ha, populate
from lab.xapi.codec import BadBody, Codec, JsonRpc, XmlRpc
from lab.xapi.errors import XapiError
from lab.xapi.sessions import Account
from lab.xapi.state import State
from lab.xapi.world import Lab
from planner.model import Pool

MAX_BODY_BYTES = 300 * 1024
"""xapi's own limit for a call (http_limit_max_rpc_size)."""

CODECS: dict[str, Codec] = {"/": XmlRpc(), "/RPC2": XmlRpc(), "/xmlrpc": XmlRpc(), "/jsonrpc": JsonRpc()}

_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "X-Requested-With"}


class RunningServer:
    """A simulated XAPI that listens; `state` reaches into it."""

    def __init__(self, lab: Lab, listen: str) -> None:
        self.lab = lab
        self._monitor = ha.Monitor(lab.db, lab.now)
        self.state = State(lab, self._monitor)
        host, port = parse_listen(listen)
        self._http = _Server((host, port), _Handler, lab)
        self.address = f"{host}:{self._http.server_address[1]}"
        self.url = f"http://{self.address}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="xapi-http", daemon=True
        )
        self._thread.start()
        lab.after_change = self._monitor.wake
        self._monitor.start()

    def stop(self) -> None:
        """Stop listening, cut every connection, end every thread; a second time does nothing."""
        if self.lab.stopping:
            return
        self.lab.stop()
        self._http.shutdown()
        self._http.server_close()
        self._http.cut_connections()
        self._thread.join()
        self._monitor.stop()

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


def serve(
    pool: Pool,
    *,
    listen: str = "127.0.0.1:0",
    user: str = "root",
    password: str = "xenha",
    clock: Clock | None = None,
    slave_of: str = "",
) -> RunningServer:
    """Start a simulated XAPI of `pool` in the background.

    With `slave_of`, an address, it is a slave: every call is answered with HOST_IS_SLAVE and that address.
    OSError if the address cannot be listened on.
    """
    account = Account(user, password)
    lab = Lab(populate.database(pool), account, clock or SystemClock(), slave_of=slave_of)
    return RunningServer(lab, listen)


def parse_listen(listen: str) -> tuple[str, int]:
    """Return host and port of "HOST:PORT"; ValueError if it is none."""
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("expected HOST:PORT, such as 127.0.0.1:8080")
    return host, int(port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], lab: Lab) -> None:
        self.lab = lab
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        """Cut the connections that are open; their threads end."""
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away in the middle of an answer."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "xapi/1.9"
    sys_version = ""
    timeout = 600
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        codec = CODECS.get(self.path.partition("?")[0])
        if codec is None:
            return self._refuse(HTTPStatus.NOT_FOUND, "calls go to /, /RPC2, /xmlrpc or /jsonrpc")
        body = self._body()
        if body is None:
            return None
        try:
            request = codec.parse(body)
        except BadBody as problem:
            return self._answer(HTTPStatus.BAD_REQUEST, "text/plain", str(problem).encode())
        return self._answer(
            HTTPStatus.OK, codec.content_type, answer(self.server.lab, codec, request), **_CORS
        )

    def do_OPTIONS(self) -> None:
        self._answer(HTTPStatus.OK, "text/plain", b"", Allow="POST, OPTIONS", **_CORS)

    def do_GET(self) -> None:
        if self.path == "/":
            return self._answer(HTTPStatus.OK, "text/plain", b"a simulated XAPI: POST calls here\n")
        return self._refuse(HTTPStatus.NOT_FOUND, "nothing here")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "calls are POSTed", Allow="POST, OPTIONS")

    do_DELETE = do_PATCH = do_PUT  # noqa: N815

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "a call says its Content-Length")
            return None
        if len(length) > 20 or int(length) > MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a call has at most {MAX_BODY_BYTES} bytes")
            return None
        return self.rfile.read(int(length))

    def _refuse(self, status: HTTPStatus, why: str, **headers: str) -> None:
        """Answer without having read the body, hence close."""
        self.close_connection = True
        self._answer(status, "text/plain", why.encode(), Connection="close", **headers)

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Log nothing: standard error belongs to the command."""


def answer(lab: Lab, codec: Codec, request: Any) -> bytes:
    """Carry out a parsed call and return the body of its answer."""
    try:
        return codec.success(request, lab.call(request.method, request.params))
    except XapiError as error:
        return codec.failure(request, error)
    except Exception as bug:
        return codec.failure(request, XapiError("INTERNAL_ERROR", type(bug).__name__))
