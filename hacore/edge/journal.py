"""The journal: one line key=value for every change of state, wall time and monotonic, to a file or stderr.

Lines are written by a thread of their own: a full disk, a hung file system or a terminal that nobody reads
must never hold up the brain. What cannot be written in time is dropped, counted, and the loss is written as
soon as writing works again. Before a fence the daemon waits for the lines to reach the disk, briefly.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from hacore.clock import NS_PER_SECOND, Clock
from hacore.edge.threads import start_thread

WAITING_LINES_MAX = 4096
_STDERR = 2
_TAIL_BYTES = 1 << 20

Value = str | int | float | bool


def line_of(wall_seconds: float, monotonic_ns: int, word: str, values: Mapping[str, Value]) -> str:
    """Return one line of the journal, without line feed."""
    pairs = {
        "time": _wall(wall_seconds),
        "mono": f"{monotonic_ns / NS_PER_SECOND:.6f}",
        "event": word,
        **values,
    }
    return " ".join(f"{key}={_shown(value)}" for key, value in pairs.items())


def parse_line(line: str) -> dict[str, str]:
    """Return the keys and values of a line of the journal; what is not key=value is passed over."""
    found: dict[str, str] = {}
    rest = line.strip()
    while rest:
        key, equals, rest = rest.partition("=")
        if not equals:
            break
        value, rest = _value(rest)
        found[key] = value
    return found


def remembered(path: str, word: str) -> Iterator[dict[str, str]]:
    """Yield what the last megabyte of a journal says of an event, oldest first; nothing if unreadable."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            lines = file.read(_TAIL_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return
    yield from (parse_line(line) for line in lines if f" event={word} " in f"{line} ")


class Journal:
    """Takes lines from the brain, writes them behind its back. `path` "": stderr."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._writing = False
        self._ended = False
        self._changed = threading.Condition()
        self._thread = start_thread(self._write_all, "journal")

    def note(self, word: str, /, **values: Value) -> None:
        """Add a line; never waits."""
        line = line_of(self._clock.wall_seconds(), self._clock.monotonic_ns(), word, values)
        with self._changed:
            if len(self._lines) < WAITING_LINES_MAX:
                self._lines.append(line)
            else:
                self._dropped += 1
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until everything noted is on the disk, but not for longer; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._writing, seconds)

    def close(self, seconds: float) -> None:
        """Write what is left, wait no longer than that."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(seconds)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._ended)
                if not self._lines:
                    return
                lines, dropped = list(self._lines), self._dropped
                self._lines.clear()
                self._writing = True
            worked = self._write(lines, dropped)
            with self._changed:
                self._dropped += -dropped if worked else len(lines)
                self._writing = False
                self._changed.notify_all()

    def _write(self, lines: list[str], dropped: int) -> bool:
        """Append the lines; opened each time, so that the file may be rotated away under us."""
        if dropped:
            wall_seconds, now_ns = self._clock.wall_seconds(), self._clock.monotonic_ns()
            lines = [line_of(wall_seconds, now_ns, "lines_lost", {"count": dropped}), *lines]
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        try:
            if not self._path:
                _write_whole(_STDERR, data)
                return True
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            file = os.open(self._path, flags, 0o640)
            try:
                _write_whole(file, data)
                _sync(file)
            finally:
                os.close(file)
        except OSError:
            return False
        return True


def _sync(file: int) -> None:
    """Wait for the disk, where there is one: a pipe or terminal has none."""
    try:
        os.fdatasync(file)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def _write_whole(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _wall(seconds: float) -> str:
    """Return UTC as 2026-01-31T23:59:59.123Z."""
    told = datetime.fromtimestamp(round(seconds * 1000) / 1000, UTC)
    return told.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(text: str) -> float | None:
    """Return the time of a line in seconds since the Unix epoch; None if it is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    if text and text.isprintable() and not any(letter in text for letter in ' "=\\'):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in escaped) + '"'


def _value(rest: str) -> tuple[str, str]:
    """Split off one value, in quotes or up to the next space."""
    if not rest.startswith('"'):
        value, _, rest = rest.partition(" ")
        return value, rest
    i, letters = 1, []
    while i < len(rest) and rest[i] != '"':
        i += rest[i] == "\\"
        letters.append(rest[i : i + 1])
        i += 1
    return "".join(letters), rest[i + 1 :].lstrip()
