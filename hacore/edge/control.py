"""The control socket: one line of JSON a request, one line an answer. Decides nothing, blocks nobody.

    {"request": "status"}                               → the status snapshot (hacore.status)
    {"request": "arm"} or "disarm", "leave", "handover" → {"done": true}, or
                                                          {"error": "a sentence", "code": 2}
    {"request": "join", "force": true}
    {"request": "set-weight", "weight": 3}
    {"request": "propose-leader", "host": UUID}
    {"request": "confirm-dead", "host": UUID, "force": true}
    {"request": "emergency-disable", "force": true}

"done" means that the daemon has taken it up; what becomes of it is in the status and in the journal. "code"
is the exit code of DESIGN §5.6: 2, the request is wrong; 1, it is right and the answer is no. A client may
ask again on the same connection. One that does not read its answers, says nothing for a minute, or sends no
line is cut off; so is the longest silent one when too many come. The socket file is 0600 and may be reached
by its path from any network namespace.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import selectors
import socket
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hacore.clock import NS_PER_SECOND, Clock
from hacore.errors import DeviceUnreachable, InputError, Refused

REQUEST_BYTES_MAX = 4096
CLIENTS_MAX = 64
IDLE_NS = 60 * NS_PER_SECOND
_BACKLOG = 64
_READ_BYTES = 4096

Answer = Callable[[Mapping[str, Any]], bytes]
"""Takes a request, returns one line; raises InputError with what is wrong with it, Refused with why not."""


def lock_of(path: str) -> int:
    """Return the lock that a daemon holds as long as it lives.

    Raises Refused if another has it, DeviceUnreachable if there can be none.
    """
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o755, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DeviceUnreachable(f"{path}.lock", f"cannot be made: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise Refused(f"{path}: another xenhad runs here already") from None
    return lock


def listen(path: str) -> socket.socket:
    """Return the listening socket; one that a dead daemon left is replaced: hold the lock before.

    Raises InputError where something else has that name, which must not be lost, and DeviceUnreachable.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o177)
    try:
        _make_room(path)
        listener.bind(path)
        listener.listen(_BACKLOG)
    except InputError:
        listener.close()
        raise
    except OSError as error:
        listener.close()
        raise DeviceUnreachable(path, f"cannot listen there: {error.strerror or error}") from None
    finally:
        os.umask(before)
    return listener


def _make_room(path: str) -> None:
    """Remove the socket of a dead daemon, and nothing else. Raises InputError."""
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise InputError(f"{path}: is there and no socket; expected the path of a control socket to be made")
    os.unlink(path)


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    seen_ns: int
    asked: bytearray = field(default_factory=bytearray)
    to_send: bytes = b""


class ControlServer:
    """Serves the clients of the control socket from the daemon's one loop."""

    def __init__(
        self, listener: socket.socket, selector: selectors.BaseSelector, clock: Clock, answer: Answer
    ) -> None:
        self.listener = listener
        self._selector = selector
        self._clock = clock
        self._answer = answer
        self._clients: dict[int, _Client] = {}
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Cut everybody off."""
        for client in tuple(self._clients.values()):
            self._drop(client)
        self._selector.unregister(self.listener)
        self.listener.close()

    def cut_off_idle(self) -> None:
        """Cut off clients that have said nothing for long, or do not read what they asked for."""
        before_ns = self._clock.monotonic_ns() - IDLE_NS
        for client in tuple(self._clients.values()):
            if client.seen_ns < before_ns:
                self._drop(client)

    def send_what_is_left(self) -> None:
        """Try once more to get the answers out, before the daemon ends."""
        for client in tuple(self._clients.values()):
            if client.to_send:
                self._send(client)

    def _accept(self, _events: int) -> None:
        try:
            connection, _ = self.listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._drop_longest_silent()
            return
        if len(self._clients) >= CLIENTS_MAX:
            self._drop_longest_silent()
        connection.setblocking(False)
        client = _Client(connection, self._clock.monotonic_ns())
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ, lambda events: self._serve(client, events))

    def _serve(self, client: _Client, events: int) -> None:
        if events & selectors.EVENT_WRITE and not self._send(client):
            return
        if events & selectors.EVENT_READ and not self._read(client):
            return
        while not client.to_send and (end := client.asked.find(b"\n")) >= 0:
            line = bytes(client.asked[:end])
            del client.asked[: end + 1]
            client.to_send = self._answer_to(line)
            if not self._send(client):
                return
        if not client.to_send and len(client.asked) > REQUEST_BYTES_MAX:
            self._drop(client)
            return
        wanted = selectors.EVENT_WRITE if client.to_send else selectors.EVENT_READ
        self._selector.modify(client.connection, wanted, lambda found: self._serve(client, found))

    def _read(self, client: _Client) -> bool:
        try:
            data = client.connection.recv(_READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return False
        client.seen_ns = self._clock.monotonic_ns()
        client.asked += data
        return True

    def _answer_to(self, line: bytes) -> bytes:
        try:
            return self._answer(_request(line))
        except (InputError, Refused) as error:
            return encoded({"error": str(error), "code": error.exit_code})

    def _send(self, client: _Client) -> bool:
        """Send what goes, one answer at a time: nobody fills our memory. False: the client is gone."""
        try:
            client.to_send = client.to_send[client.connection.send(client.to_send) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return False
        return True

    def _drop_longest_silent(self) -> None:
        if self._clients:
            self._drop(min(self._clients.values(), key=lambda client: client.seen_ns))

    def _drop(self, client: _Client) -> None:
        if self._clients.pop(client.connection.fileno(), None) is not None:
            self._selector.unregister(client.connection)
            client.connection.close()


def encoded(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as a line."""
    return json.dumps(answer, ensure_ascii=False).encode() + b"\n"


def _request(line: bytes) -> Mapping[str, Any]:
    if len(line) > REQUEST_BYTES_MAX:
        raise InputError(f"expected at most {REQUEST_BYTES_MAX} bytes, got {len(line)}")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise InputError('expected one line of JSON such as {"request": "status"}') from None
    if not isinstance(found, dict) or not isinstance(found.get("request"), str):
        raise InputError('expected an object with a "request"')
    return found
