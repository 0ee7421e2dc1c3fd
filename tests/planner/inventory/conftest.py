"""What the tests of the inventory share: a listener for updates, and servers that answer wrongly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import pytest

from hacore.clock import SystemClock
from planner.inventory.follow import Lost, Pace, Seen, Update, follow
from planner.inventory.snapshot import Snapshot
from planner.inventory.source import Credentials, Source, parse_source

PATIENCE_SECONDS = 60.0

QUICK = Pace(poll_seconds=0.3, file_seconds=0.02, first_retry_seconds=0.02, longest_retry_seconds=0.1)


class Listener:
    """Keeps every update and lets tests wait for one."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self._changed = threading.Condition()

    def __call__(self, update: Update) -> None:
        with self._changed:
            self.updates.append(update)
            self._changed.notify_all()

    def wait(self, wanted: Callable[[Update], bool], *, since: int = 0) -> Update:
        """Return the first update after number `since` that is wanted; fail if none comes."""

        def first() -> Update | None:
            return next((update for update in self.updates[since:] if wanted(update)), None)

        with self._changed:
            if not self._changed.wait_for(lambda: first() is not None, PATIENCE_SECONDS):
                raise AssertionError(
                    f"no such update within {PATIENCE_SECONDS} s; the last: {self.updates[-3:]}"
                )
            found = first()
            assert found is not None
            return found

    def snapshot(self, wanted: Callable[[Snapshot], bool] = lambda _: True, *, since: int = 0) -> Snapshot:
        """Return the first wanted snapshot after update number `since`."""
        found = self.wait(lambda update: isinstance(update, Seen) and wanted(update.snapshot), since=since)
        assert isinstance(found, Seen)
        return found.snapshot

    def lost(self, *, since: int = 0) -> str:
        """Return the first problem after update number `since`."""
        found = self.wait(lambda update: isinstance(update, Lost), since=since)
        assert isinstance(found, Lost)
        return found.problem


Following = Callable[[str], Listener]


@pytest.fixture
def following() -> Iterator[Following]:
    """Follow sources in the background until the test is over."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start(url: str) -> Listener:
        listener = Listener()
        thread = threading.Thread(target=_follow, args=(parse_source(url), listener, stop))
        threads.append(thread)
        thread.start()
        return listener

    yield start
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive(), "the follower did not stop"


def _follow(source: Source, listener: Listener, stop: threading.Event) -> None:
    follow(
        source,
        Credentials(password="xenha"),
        clock=SystemClock(),
        stop=stop,
        seen=listener,
        pace=QUICK,
        random=Random(1),
    )


@dataclass
class Wrong:
    """A server that answers every request with the same bytes; `asked` is set once it was asked something."""

    url: str
    asked: threading.Event


WrongServer = Callable[[bytes], Wrong]


@pytest.fixture
def wrong_server() -> Iterator[WrongServer]:
    """Start servers that answer every request with given bytes, b"" with silence."""
    running: list[socket.socket] = []

    def start(answer: bytes) -> Wrong:
        listening = socket.create_server(("127.0.0.1", 0))
        running.append(listening)
        wrong = Wrong(f"http://127.0.0.1:{listening.getsockname()[1]}", threading.Event())
        threading.Thread(target=_answer_all, args=(listening, answer, wrong.asked), daemon=True).start()
        return wrong

    yield start
    for listening in running:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _answer_all(listening: socket.socket, answer: bytes, asked: threading.Event) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_answer, args=(connection, answer, asked), daemon=True).start()


def _answer(connection: socket.socket, answer: bytes, asked: threading.Event) -> None:
    with connection, suppress(OSError):
        while data := connection.recv(65536):
            asked.set()
            if answer and b"</methodCall>" in data:
                connection.sendall(answer)
                return
