"""How old slots are, learnt by looking: a slot bears no time, but one that is written changes.

What two reads show bounds the moment of a write from both sides. Must never call a slot older or younger than
that; reads nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from hacore.records import MAX_HOSTS
from hacore.statefile import written_between


@dataclass(frozen=True, slots=True)
class Age:
    """How long ago a slot was written last, as far as looking at it can tell."""

    at_least_ns: int
    at_most_ns: int | None  # None: it was not seen to change, so nobody knows


class Watch:
    """Learns the ages of slots from images read one after the other; times are the reader's own.

    A change that a read shows for the first time happened after the read before it began, and before this
    one was over.
    """

    def __init__(self, image: bytes, started_ns: int, completed_ns: int) -> None:
        self._image, self._started_ns = image, started_ns
        never: tuple[int | None, int] = (None, completed_ns)
        self._changed = dict.fromkeys(range(MAX_HOSTS), never)  # after, before

    def look(self, image: bytes, started_ns: int, completed_ns: int) -> None:
        """Take in the next image."""
        for host in written_between(self._image, image):
            self._changed[host] = (self._started_ns, completed_ns)
        self._image, self._started_ns = image, started_ns

    def ages(self, now_ns: int) -> tuple[Age, ...]:
        """Return the age of each slot, by host; all of the table, whether it is a host's or not."""
        return tuple(
            Age(now_ns - before_ns, None if after_ns is None else now_ns - after_ns)
            for after_ns, before_ns in self._changed.values()
        )
