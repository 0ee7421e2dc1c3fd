"""How this host stands to the world: armed or not, about to fence, leaving. Decides when a deed may follow.

Must never say that it is safe before it is: the lease is cut before a confirmation is published, and what
others rely on (disarmed, left) has to be on two copies of the slot before it is acted upon.
"""

from __future__ import annotations

from hacore.core.effects import CloseWatchdog, Effect, Fence, Lease, Note, OpenWatchdog, Stop
from hacore.core.events import DiskCycle
from hacore.core.living import MEMBERS, NO_LEASE, Living
from hacore.core.says import Says
from hacore.core.setup import Setup
from hacore.core.telling import Telling
from hacore.core.words import Value
from hacore.records import FenceCause, State


class Posture:
    """The watchdog, the lease, and what is about to be done."""

    def __init__(self, setup: Setup, says: Says, living: Living, telling: Telling) -> None:
        self._setup, self._says, self._living, self._telling = setup, says, living, telling
        self.out: list[Effect] = []
        """The effects of this event."""
        self.since_ns = 0
        """When the present state began."""
        self.open = False
        """The watchdog is open, or left running by a predecessor."""
        self._left_running = False
        """It runs, and this daemon has not opened it yet: only what a predecessor handed over is pinged."""
        self.armable = setup.fencing
        """This host is to be armed, as soon as it is a member whose S is young enough."""
        self.said_member = False
        """The slot has said MEMBER; before, nobody may run anything here."""
        self.stopped = False
        self._fence_ns = self._stop_ns = 0  # when to do it at the latest; 0: not at all
        self._stopping = ""  # why
        self._awaited = 0  # the publication that has to be written
        self._stands_on = 0  # mask: the clean copies of my slot that show it
        self._copies_left = 0
        self._lease = NO_LEASE

    def note(self, word: str, *values: tuple[str, Value]) -> None:
        """Add a line to the journal."""
        self.out.append(Note(word, values))

    def enter(self, state: State, now_ns: int) -> None:
        """Be in this state from now on."""
        if state is not self._says.state:
            self._says.state, self.since_ns = state, now_ns
            because = (("cause", self._says.fence.name.lower()),) if state is State.FENCING else ()
            self.note("state", ("state", state.name.lower()), *because)

    def take(self, cycle: DiskCycle) -> None:
        """Note on which copies stands what is waited for."""
        if cycle.written and cycle.version >= self._awaited:
            self._stands_on = (self._stands_on | 1 << cycle.copy) & ~cycle.burnt
            self._copies_left = cycle.copies_left

    def arm(self) -> None:
        """Open the watchdog under the lease."""
        self._says.armed = True
        if not self.open:
            self.open = True
            self.renew_lease()
            self.out.append(OpenWatchdog())
            self.note("armed")

    def resume(self) -> None:
        """Go on as armed, under a watchdog that a predecessor has left running.

        To open it is to ping it: a daemon that is killed and started again and again would live for ever and
        be silent. So it stays as it is until a good cycle has shown me as a member.
        """
        self._says.armed = self.open = self._left_running = True
        self.renew_lease()

    def disarm(self) -> None:
        """Close the watchdog."""
        self._says.armed = False
        if self.open:
            if self._left_running:
                self._take_in_hand()
            self.open = False
            self.out.append(CloseWatchdog())
            self.note("disarmed")

    def want_disarmed(self) -> None:
        """Say first, do then: who reads `armed` must not take a host for dead that will not fence."""
        self.armable = self._says.armed = False
        self._await()

    def join(self, now_ns: int) -> None:
        """Become a member."""
        self.enter(State.MEMBER, now_ns)
        self.note("joined", ("epoch", self._says.decided.epoch))
        self._await()
        if self.armable:
            self.arm()

    def as_member(self, now_ns: int) -> None:
        """Do what waited for the slot to say it."""
        if self._stands_on:
            self.said_member = True
        if self._left_running and self._says.armed and self._living.proven(now_ns):
            self._take_in_hand(resumed=True)
        if self.armable and not self._says.armed and self._living.well(now_ns):
            self.arm()
        if self.open and not self._says.armed and self._twice():
            self.disarm()

    def fence(self, cause: FenceCause, now_ns: int) -> None:
        """Cut the lease, then say so, then reboot."""
        self._says.fence, self._says.grants = cause, 0
        self.enter(State.FENCING, now_ns)
        self.renew_lease()
        self._await()
        self._fence_ns = now_ns + self._setup.timing.beat_ns

    def fence_now(self, cause: FenceCause, now_ns: int) -> None:
        """Reboot without waiting for the disk."""
        self.fence(cause, now_ns)
        self._fence_ns = now_ns
        self.as_fencing(now_ns)

    def as_fencing(self, now_ns: int) -> None:
        """Reboot once the confirmation is on the disk, or a beat later."""
        if self._fence_ns and (self._stands_on or now_ns >= self._fence_ns):
            self._fence_ns = 0
            self.out.append(Fence(self._says.fence))

    def leave(self, reason: str, patience_ns: int, now_ns: int, *, say_first: bool = False) -> None:
        """Disarm, say so, then stop; `say_first`: disarm only when others can read that it left."""
        if not say_first:
            self.disarm()
        self.enter(State.EXCLUDED, now_ns)
        self._says.grants = 0
        self._await()
        self._stop_ns, self._stopping = now_ns + patience_ns, reason

    def as_excluded(self, now_ns: int) -> None:
        """Stop once it is known that this host left, or nobody can be told."""
        if self._twice():
            self.disarm()
        if self._stop_ns and not self.open and (self._twice() or now_ns >= self._stop_ns):
            self.stop(self._stopping)

    @property
    def stopping(self) -> bool:
        """Tell whether it only waits for its last word to be written."""
        return bool(self._stop_ns)

    def stop(self, reason: str) -> None:
        """Have nothing left to do."""
        self.stopped = True
        self.out.append(Stop(reason))

    def renew_lease(self) -> None:
        """Say what the watchdog is pinged by, if that changed."""
        says, living = self._says, self._living
        lease = NO_LEASE
        if self.open and says.state is not State.FENCING:
            lease = Lease(living.by_disk, living.granted_ns)
        if lease != self._lease:
            self._lease = lease
            self.out.append(lease)

    @property
    def waits_for_another_write(self) -> bool:
        """Tell whether something others rely on stands on one copy only, and there is another."""
        says = self._says
        due = self.open and not says.armed and says.state in MEMBERS
        once = self._stands_on.bit_count() == 1 and self._copies_left > 1
        return once and (due or says.state is State.EXCLUDED)

    def _take_in_hand(self, *, resumed: bool = False) -> None:
        self._left_running = False
        self.out.append(OpenWatchdog(resumed=resumed))
        self.note("armed")

    def _await(self) -> None:
        self._awaited, self._stands_on = self._telling.coming, 0

    def _twice(self) -> bool:
        return self._stands_on.bit_count() >= 2
