"""From a daemon to its successor in the same process: what is open, and S (MEMBERSHIP §6).

The successor is a new program image (execve) that inherits the watchdog, the lock and the control socket by
their descriptors. While there is no pump, the watchdog is pinged at the steps of the change, under the very
condition of the pump: now + 3W + 2g ≤ S + T. Between two steps lies the start of an interpreter: as long as
nothing pings by itself, the process has real-time priority, or a busy host would be fenced for being busy.
Loads little: the sooner it runs in the successor the better.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import asdict, dataclass

from hacore.clock import Clock
from hacore.core.numbering import UNFINISHED, Finished

VARIABLE = "XENHAD_HANDOVER"
NONE = -1
PING = b"\0"


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a successor takes over; descriptors, NONE where nothing was open.

    Predecessor and successor may be of different versions: what is added needs a default, the rest stays.
    """

    pid: int
    watchdog: int
    lock: int
    listener: int
    since_ns: int  # S; 0: there was none
    ping_until_ns: int  # how long after S the watchdog may be pinged
    disarmed: bool  # an operator has disarmed this host
    bug_ns: int  # when its brain failed, by the monotonic clock; 0: it did not
    finished: int  # what `Finished` holds; 0: its last write did not work, or one is out
    hurried: bool = False  # it gave itself real-time priority
    failed_ns: tuple[int, ...] = UNFINISHED.failed_ns
    returned_ns: int = UNFINISHED.returned_ns

    @property
    def writes(self) -> Finished:
        """Return what it says of its writes."""
        return Finished(self.finished, tuple(self.failed_ns), self.returned_ns)


def inherited(environment: MutableMapping[str, str]) -> Inheritance | None:
    """Return what a predecessor left, and take it out of the environment; None: there was none."""
    text = environment.pop(VARIABLE, "")
    if not text:
        return None
    told = json.loads(text)
    found = Inheritance(**{key: told[key] for key in told if key in Inheritance.__slots__})
    if found.pid != os.getpid():
        return None  # a child of ours that was given our environment
    for descriptor in (found.watchdog, found.lock, found.listener):
        if descriptor != NONE:
            os.set_inheritable(descriptor, False)
    return found


def ping(inheritance: Inheritance, clock: Clock) -> None:
    """Ping once if that is allowed."""
    may = inheritance.watchdog != NONE and inheritance.since_ns > 0
    if may and clock.monotonic_ns() <= inheritance.since_ns + inheritance.ping_until_ns:
        try:
            os.write(inheritance.watchdog, PING)
        except OSError:
            return  # it fires, then


def hurry() -> bool:
    """Go before everything that is not real-time; return whether that was granted and is to be undone.

    Threads and processes made meanwhile do not inherit it.
    """
    if os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    try:
        lowest = os.sched_param(os.sched_get_priority_min(os.SCHED_RR))
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, lowest)
    except OSError:
        return False
    return True


def be_at_ease(inheritance: Inheritance) -> None:
    """Undo the predecessor's hurry: the pump pings again."""
    if inheritance.hurried:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def hand_over(inheritance: Inheritance, clock: Clock) -> None:
    """Become the successor. Returns never; raises OSError if the program is gone."""
    for descriptor in (inheritance.watchdog, inheritance.lock, inheritance.listener):
        if descriptor != NONE:
            os.set_inheritable(descriptor, True)
    environment = {**os.environ, VARIABLE: json.dumps(asdict(inheritance))}
    ping(inheritance, clock)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
