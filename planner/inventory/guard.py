"""Breaks off a call to an API when we are asked to stop, or when it takes too long altogether.

A time-out of the socket only bounds each silence; a server that sends a byte now and then would hold us for
ever. One thread a guard; it looks around a few times a second.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from hacore.clock import Clock, Deadline

LOOK_AROUND_SECONDS = 0.25


class Abortable(Protocol):
    """What a guard can break off, from its own thread."""

    def abort(self) -> None: ...


class Guard:
    """Guards the calls of one thread; a context manager."""

    def __init__(self, clock: Clock, stop: threading.Event) -> None:
        self._clock = clock
        self._stop = stop
        self._closed = False
        self._lock = threading.Lock()
        self._guarded: Abortable | None = None
        self._deadline: Deadline | None = None
        self._thread = threading.Thread(target=self._run, name="xenha-guard", daemon=True)

    def __enter__(self) -> Guard:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True

    def watch(self, guarded: Abortable) -> None:
        """Guard this from now on, instead of what was guarded before."""
        with self._lock:
            self._guarded = guarded

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Break off what is guarded if the block takes longer than `seconds`."""
        with self._lock:
            self._deadline = Deadline.after(self._clock, seconds)
        try:
            yield
        finally:
            with self._lock:
                self._deadline = None

    def _run(self) -> None:
        while not self._closed:
            stopping = self._stop.wait(LOOK_AROUND_SECONDS)
            with self._lock:
                late = self._deadline is not None and self._deadline.passed()
                if self._guarded is not None and (stopping or late):
                    self._guarded.abort()
            if stopping:
                return
