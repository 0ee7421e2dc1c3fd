"""What a follower of a pool reports, and how patient it is."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from random import Random

from planner.inventory.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Seen:
    """The pool was seen. The same `snapshot` object as before if nothing changed: compare with `is`."""

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Lost:
    """The pool cannot be seen now, `problem` says why, in one line; what was seen last is getting old."""

    problem: str


Update = Seen | Lost


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient to be."""

    poll_seconds: float = 5.0
    """How long event.from waits, hence how often an unchanged pool is reported at least."""
    file_seconds: float = 0.5
    """How often a pool file is looked at."""
    first_retry_seconds: float = 0.5
    longest_retry_seconds: float = 30.0


class Backoff:
    """Pauses between tries that double up to a limit, each shortened by up to half by chance.

    Chance keeps many watchers from coming back to a restarted API all at once.
    """

    def __init__(self, pace: Pace, random: Random) -> None:
        self._pace = pace
        self._random = random
        self._next_seconds = pace.first_retry_seconds

    def next_seconds(self) -> float:
        """Return the next pause."""
        longest = self._next_seconds
        self._next_seconds = min(2 * longest, self._pace.longest_retry_seconds)
        return longest * self._random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin anew: something worked."""
        self._next_seconds = self._pace.first_retry_seconds

    def pause(self, stop: threading.Event) -> None:
        """Wait until the next try is due, or until `stop` is set."""
        stop.wait(self.next_seconds())
