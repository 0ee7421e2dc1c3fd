"""Ask a daemon's control socket, from any namespace: sockets of the file system know no network."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from hacore.status import SNAPSHOT_BYTES_MAX, STATUS_REQUEST, Status, StatusError, decode

PATIENCE_SECONDS = 1.0


def ask(path: Path, request: bytes, patience_seconds: float = PATIENCE_SECONDS) -> bytes:
    """Send one line and return the line that comes back; empty if the daemon hung up.

    Raises:
        OSError: Nobody listens, or nobody answers in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(patience_seconds)
        door.connect(str(path))
        door.sendall(request)
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < SNAPSHOT_BYTES_MAX:
            more = door.recv(1 << 16)
            if not more:
                break
            answer += more
        return answer


def command(path: Path, request: str, **values: str | int | bool) -> str:
    """Make a request other than `status` and return the answer as it came."""
    return ask(path, (json.dumps({"request": request, **values}) + "\n").encode()).decode().strip()


def status(path: Path, patience_seconds: float = PATIENCE_SECONDS) -> Status | None:
    """Return what the daemon says of itself; None: no answer, or none that is understood."""
    try:
        return decode(ask(path, STATUS_REQUEST, patience_seconds))
    except (OSError, StatusError):
        return None
