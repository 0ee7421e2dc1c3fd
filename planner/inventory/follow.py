"""Follow a pool: look once, then report every change as it happens, through every kind of trouble.

The loop ends only when it is asked to. It never decides what a change means.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

from hacore.clock import Clock
from planner.errors import PoolFileError
from planner.inventory.poolfile import load_pool
from planner.inventory.snapshot import Snapshot
from planner.inventory.source import ApiSource, Credentials, DemoSource, FileSource, Source, demo_refused
from planner.inventory.update import Backoff, Lost, Pace, Seen, Update

__all__ = ["Lost", "Pace", "Seen", "Update", "follow"]


def follow(
    source: Source,
    credentials: Credentials,
    *,
    clock: Clock,
    stop: threading.Event,
    seen: Callable[[Update], None],
    pace: Pace | None = None,
    random: Random | None = None,
) -> None:
    """Report what is seen of the pool to `seen`, in this thread, until `stop` is set.

    Ends within about a second after that. Raises SourceError for `demo:`, a missing password and a CA file
    that is none; everything else is reported as Lost and tried again.
    """
    pace = pace or Pace()
    match source:
        case FileSource():
            _follow_file(source, stop, seen, pace)
        case ApiSource():
            from planner.inventory.api import (
                follow_api,  # XML-RPC and TLS cost 30 ms that a file need not pay
            )

            backoff = Backoff(pace, random or Random())
            follow_api(source, credentials, clock=clock, stop=stop, seen=seen, pace=pace, backoff=backoff)
        case DemoSource():
            raise demo_refused()


def _follow_file(
    source: FileSource, stop: threading.Event, seen: Callable[[Update], None], pace: Pace
) -> None:
    """Read the file again whenever its time, size or inode changes; standard input is read once."""
    version: object = None
    update: Update | None = None
    while not stop.is_set():
        now = None if source.is_stdin else source.version()
        if update is None or now != version:
            version, update = now, _read(source)
        seen(update)
        stop.wait(None if source.is_stdin else pace.file_seconds)


def _read(source: FileSource) -> Update:
    try:
        return Seen(Snapshot(load_pool(source.path)))
    except PoolFileError as error:
        return Lost(str(error))
