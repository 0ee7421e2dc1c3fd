"""From a daemon to its successor in the same process: what is open, and S (MEMBERSHIP §6).

The successor is a new program image (execve) that inherits the watchdog, the lock and the control socket by
their descriptors. While there is no pump, the watchdog is pinged at the steps of the change, under the very
condition of the pump: now + 3W + 2g ≤ S + T. Loads little: the sooner it runs in the successor the better.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass

from hacore.clock import Clock

VARIABLE = "XENHAD_HANDOVER"
NONE = -1
PING = b"\0"


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a successor takes over; descriptors, NONE where nothing was open."""

    pid: int
    watchdog: int
    lock: int
    listener: int
    since_ns: int  # S; 0: there was none
    ping_until_ns: int  # how long after S the watchdog may be pinged
    disarmed: bool  # an operator has disarmed this host
    bug_ns: int  # when its brain failed, by the monotonic clock; 0: it did not
    finished: bool  # no write to the statefile was out when it stopped


def inherited(environment: MutableMapping[str, str]) -> Inheritance | None:
    """Return what a predecessor left, and take it out of the environment; None: there was none."""
    text = environment.pop(VARIABLE, "")
    if not text:
        return None
    found = Inheritance(**json.loads(text))
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


def hand_over(inheritance: Inheritance, clock: Clock) -> None:
    """Become the successor. Returns never; raises OSError if the program is gone."""
    for descriptor in (inheritance.watchdog, inheritance.lock, inheritance.listener):
        if descriptor != NONE:
            os.set_inheritable(descriptor, True)
    environment = {**os.environ, VARIABLE: json.dumps(asdict(inheritance))}
    ping(inheritance, clock)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
