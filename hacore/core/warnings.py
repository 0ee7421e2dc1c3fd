"""Early warnings: each channel of each member and the own deadline, at 25 % and 50 % of T; long waits; slots.

Each crossing is said once. Decides nothing.
"""

from __future__ import annotations

from hacore.core.cliques import hosts_in
from hacore.core.effects import Note
from hacore.core.seen import Disk, Net
from hacore.core.timing import Timing
from hacore.core.view import View
from hacore.core.words import NOT_WAITING, Hosts, Name, Waiting, one
from hacore.kernel.native import COPIES

USUAL_COPIES = COPIES - 1
"""One is set aside at each start: a predecessor may have died writing it."""
FEW_COPIES = 2
WAITING_BEATS = 2
"""What comes about sooner is not worth a line that somebody waited for it."""


class Warnings:
    """What was said already."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._said = (0, 0, 0, 0)
        self._own = 0
        self.degraded = False
        self._storage_lost = False
        self._copies_left, self._foreign, self._doubted = USUAL_COPIES, False, 0
        self._waiting, self._waiting_since_ns, self._waiting_said = NOT_WAITING, 0, False

    def look(self, peers: int, disk: Disk, net: Net) -> list[Note]:
        """Return what is new about the members (mask) but me."""
        late = (disk.quarter & peers, disk.half & peers, net.quarter & peers, net.lost & peers)
        if late == self._said:
            return []
        names = (("disk", 25), ("disk", 50), ("network", 25), ("network", 50))
        notes = [
            Note("late", (("channel", channel), ("host", one(host)), ("percent", percent)))
            for (channel, percent), now, before in zip(names, late, self._said, strict=True)
            for host in hosts_in(now & ~before)
        ]
        self._said = late
        return notes

    def degrade(self, *, degraded: bool) -> list[Note]:
        """Return whether members began or ceased not to hear each other."""
        if degraded == self.degraded:
            return []
        self.degraded = degraded
        return [Note("network_degraded" if degraded else "network_connected")]

    def storage(self, *, had: bool, has: bool) -> list[Note]:
        """Return whether storage was lost, or is back after that: a start is neither."""
        if had and not has:
            self._storage_lost = True
            return [Note("storage_lost")]
        if has and self._storage_lost:
            self._storage_lost = False
            return [Note("storage_back")]
        return []

    def slots(self, disk: Disk) -> list[Note]:
        """Return what is new about copies left, slots that are not believed, and what became of mine."""
        if not disk.known:
            return []
        notes = []
        if disk.copies_left != self._copies_left:
            self._copies_left = disk.copies_left
            notes.append(Note("copies_left", (("copies", disk.copies_left),)))
        if disk.foreign is not self._foreign:
            self._foreign = disk.foreign
            notes.append(Note("slot_overwritten" if disk.foreign else "slot_as_written"))
        if disk.doubted != self._doubted:
            self._doubted = disk.doubted
            notes.append(Note("slots_doubted", (("hosts", Hosts(disk.doubted)),)))
        return notes

    def own(self, age_ns: int) -> list[Note]:
        """Return what is new about the own deadline, whose S is so old; 0: there is none."""
        share = age_ns * 4 // self._timing.timeout_ns
        percent = 0 if share < 1 else 25 if share < 2 else 50
        if age_ns > self._timing.ping_until_ns:
            percent = 100
        if percent <= self._own:
            self._own = percent
            return []
        self._own = percent
        if percent == 100:
            return [Note("hopeless", (("seconds", age_ns // 10**9),))]
        return [Note("late", (("channel", "deadline"), ("percent", percent)))]

    def waits(self, waiting: Waiting, now_ns: int) -> list[Note]:
        """Return for what it waits, once it has waited for a while."""
        if waiting != self._waiting:
            self._waiting, self._waiting_since_ns, self._waiting_said = waiting, now_ns, False
        waited_ns = now_ns - self._waiting_since_ns
        if self._waiting_said or not waiting.words or waited_ns < WAITING_BEATS * self._timing.beat_ns:
            return []
        self._waiting_said = True
        return [Note("waiting", (("for", waiting),))]


def sentences(view: View, name: Name) -> list[str]:
    """Return what an operator should know of the slots as they are now."""
    found = []
    if view.doubted:
        whose = ", ".join(name(host) for host in hosts_in(view.doubted))
        found.append(
            f"slots that cannot be believed: {whose}: nothing is decided until they are written anew"
        )
    if view.foreign:
        found.append("the own slot shows something other than what was written: who else writes to it?")
    if view.copies_left < FEW_COPIES:
        cost = "proposes nothing" if view.copies_left else "writes nothing, as if it had no storage,"
        found.append(
            f"clean copies of the own slot: {view.copies_left} of {COPIES}: failed writes may still land on "
            f"the others; {cost} until one comes back, an hour after its last failure"
        )
    return found
