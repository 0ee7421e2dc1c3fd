"""When a starting daemon may take its slot over: certain of what it says, and that nobody else writes it.

Must never let a slot be overwritten at the first odd read: a Paxos promise in it would be lost. Where no copy
is valid any more, what a predecessor granted or denied is unknown: it has to be over before I say anything.
"""

from __future__ import annotations

from hacore.core.seen import Disk
from hacore.core.setup import Setup
from hacore.core.words import NOT_WAITING, Waiting
from hacore.records import SlotBody

WATCH_BEATS = 3
"""How long a slot that another boot wrote is watched: another daemon that uses it would move it."""
FIRST_READ = Waiting("the first read of the statefile")


class Takeover:
    """What is known of the own slot before the first publication."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._since_ns = self._sequence = 0
        self._readable = False
        self.pending = True
        self.asked_to_join = False
        self.refused = ""
        """Why this daemon must not run; "": it may."""

    def look(self, disk: Disk) -> Waiting:
        """Take in the newest read; return what is waited for."""
        me = self._setup.me
        if not disk.known:
            return FIRST_READ
        sequence, own = disk.sequences[me], disk.bodies[me]
        if not self._since_ns or (own is not None and not self._readable):
            self._since_ns, self._sequence = disk.read_completed_ns, sequence
        self._readable = self._readable or own is not None
        odd = own is None or bool(disk.doubted >> me & 1)
        foreign = own is not None and own.incarnation not in (0, self._setup.incarnation)
        if foreign and sequence != self._sequence:
            self.refused = "another daemon writes the slot of this host"
        if disk.read_completed_ns - self._since_ns < self._patience_ns(own, odd=odd, foreign=foreign):
            words = "its damaged slot to be read again" if odd else "its slot to stand still"
            return Waiting(words, 1 << me)
        self.pending = False
        return NOT_WAITING

    def _patience_ns(self, own: SlotBody | None, *, odd: bool, foreign: bool) -> int:
        timing = self._setup.timing
        if own is None:
            return timing.silence_ns
        if odd:
            return timing.storage_lost_ns
        return WATCH_BEATS * timing.beat_ns if foreign else 0
