"""Asks daemons for their status over their control sockets, all at once and within a bounded time.

A daemon that hangs, talks nonsense or is gone costs its own answer and nobody else's. Decides nothing; must
never send anything but the question for the status.
"""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack

from hacore.clock import Clock, Deadline
from hacore.status import SNAPSHOT_BYTES_MAX, STATUS_REQUEST, Status, StatusError, decode

Answer = Status | str
"""What a daemon said, or one line why it said nothing of use."""
_READ_BYTES = 1 << 16


def ask_all(paths: Iterable[str], *, clock: Clock, limit_seconds: float) -> Mapping[str, Answer]:
    """Return the answer of the daemon behind each socket; takes `limit_seconds` at most."""
    deadline = Deadline.after(clock, limit_seconds)
    answers: dict[str, Answer] = {}
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for path in dict.fromkeys(paths):
            try:
                selector.register(stack.enter_context(_asked(path)), selectors.EVENT_READ, _Line(path))
            except (OSError, ValueError) as error:  # ValueError: no path at all
                answers[path] = _problem(error)
        over = False
        while selector.get_map() and not over:
            over = deadline.passed()  # one last look then: we may have been elsewhere, and not the daemons
            for key, _ in selector.select(deadline.left_seconds()):
                if (answer := _read(key)) is not None:
                    answers[key.data.path] = answer
                    selector.unregister(key.fileobj)
        for key in selector.get_map().values():
            answers[key.data.path] = f"no answer within {limit_seconds:g} s"
    return answers


class _Line:
    """The answer of one daemon, as far as it has come."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = bytearray()


def _asked(path: str) -> socket.socket:
    """Return a connection over which the question is under way; on an error none is left open."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.connect(path)
        connection.send(STATUS_REQUEST)  # an empty socket takes so few bytes whole
    except BaseException:
        connection.close()
        raise
    return connection


def _read(key: selectors.SelectorKey) -> Answer | None:
    """Take what has come; None while the line is not whole."""
    line, connection = key.data, key.fileobj
    assert isinstance(connection, socket.socket)
    try:
        part = connection.recv(_READ_BYTES)
    except BlockingIOError:
        return None
    except OSError as error:
        return _problem(error)
    line.text += part
    if b"\n" in part or not part or len(line.text) > SNAPSHOT_BYTES_MAX:
        return _understood(bytes(line.text))
    return None


def _understood(text: bytes) -> Answer:
    line, end, _ = text.partition(b"\n")
    if not end and len(text) <= SNAPSHOT_BYTES_MAX:
        return "hung up before its answer was whole" if text else "hung up without an answer"
    try:
        return decode(line)
    except StatusError as error:
        return f"no status: {error}"


def _problem(error: OSError | ValueError) -> str:
    if isinstance(error, BlockingIOError):
        return "busy: too many others are waiting to be served"
    return (os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)) or "?"
