"""The other end of the control socket: one request, one answer, in bounded time."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Mapping
from typing import Any

from hacore.clock import Clock, Deadline
from hacore.errors import DaemonUnreachable, InputError, Refused
from hacore.status import SNAPSHOT_BYTES_MAX, STATUS_REQUEST, Status, StatusError, decode

ANSWER_SECONDS = 5.0
_READ_BYTES = 65_536
HINTS = {
    errno.ENOENT: " (none runs, or it listens elsewhere)",
    errno.ECONNREFUSED: " (nobody listens there)",
    errno.EACCES: " (expected to be run as root)",
}
"""What an error of the control socket means to people."""


def ask(path: str, request: Mapping[str, Any], clock: Clock) -> None:
    """Ask the daemon for something. Raises DaemonUnreachable, and InputError or Refused with what it says."""
    answer = exchange(path, json.dumps(request).encode() + b"\n", Deadline.after(clock, ANSWER_SECONDS))
    try:
        found = json.loads(answer)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not ({"done", "error"} & found.keys()):
        raise DaemonUnreachable(path, f"it answers with {answer[:60]!r}")
    if "error" in found:
        wrong = found.get("code") == InputError.exit_code
        raise (InputError if wrong else Refused)(str(found["error"]))


def fetch(path: str, clock: Clock) -> tuple[Status, bytes]:
    """Return the daemon's snapshot, and the line it came in. Raises DaemonUnreachable."""
    line = exchange(path, STATUS_REQUEST, Deadline.after(clock, ANSWER_SECONDS))
    try:
        return decode(line), line
    except StatusError as error:
        raise DaemonUnreachable(path, f"its answer is no snapshot: {error}") from None


def exchange(path: str, request: bytes, deadline: Deadline) -> bytes:
    """Send a line, return the line that comes back. Raises DaemonUnreachable."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.settimeout(max(deadline.left_seconds(), 0.001))
            connection.connect(path)
            connection.sendall(request)
            return _line(connection, path, deadline)
        except TimeoutError:
            raise DaemonUnreachable(path, f"no answer within {ANSWER_SECONDS:g} s") from None
        except OSError as error:
            said = os.strerror(error.errno) if error.errno else str(error)
            raise DaemonUnreachable(path, said + HINTS.get(error.errno or 0, "")) from None


def _line(connection: socket.socket, path: str, deadline: Deadline) -> bytes:
    answer = bytearray()
    while not answer.endswith(b"\n"):
        connection.settimeout(max(deadline.left_seconds(), 0.001))
        data = connection.recv(_READ_BYTES)
        if not data or len(answer) > SNAPSHOT_BYTES_MAX:
            raise DaemonUnreachable(path, "it hung up in the middle of its answer")
        answer += data
    return bytes(answer)
