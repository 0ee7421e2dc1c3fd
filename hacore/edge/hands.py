"""Carries out what the machine asks for, in the order given. Decides nothing.

Every fence stops the pings first, then waits briefly for the journal to reach the disk, then reboots: should
the journal hang, the unpinged watchdog fires all the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from hacore.clock import NS_PER_SECOND
from hacore.core.effects import (
    CloseWatchdog,
    Effect,
    Fence,
    Lease,
    Note,
    OpenWatchdog,
    Publish,
    Say,
    Stop,
)
from hacore.core.timing import Timing
from hacore.core.words import Name, spoken
from hacore.edge.doors import Pump
from hacore.edge.journal import Journal
from hacore.edge.watchdog import Watchdog
from hacore.errors import DeviceUnreachable
from hacore.records import FenceCause


class Hands:
    """Pump, watchdog and journal as the machine's effects move them."""

    def __init__(
        self,
        pump: Pump,
        watchdog: Watchdog,
        journal: Journal,
        timing: Timing,
        name_of: Name,
        since_ns: int = 0,
    ) -> None:
        self._pump = pump
        self._watchdog = watchdog
        self._journal = journal
        self._timing = timing
        self._name_of = name_of
        self._since_ns = since_ns
        """S as a predecessor left it: what that allowed is allowed still, whatever the machine knows yet."""
        self.stopped = ""
        """Why the machine has nothing left to do; "" while it has."""
        self.fenced = FenceCause.NONE
        self.unusable = ""
        """Why the watchdog could not be opened when it should have been."""
        self.armed = False
        """The watchdog is open."""
        self._failed = False
        self.version = 0
        """Of the newest publication."""

    def carry_out(self, effects: Iterable[Effect]) -> None:
        """Carry out effects one after the other."""
        for effect in effects:
            self._one(effect)

    def adopt(self, watchdog: int) -> None:
        """Go on pinging a watchdog that a predecessor opened, as long as its S allows."""
        self._watchdog.adopt(watchdog)
        self._pump.lease(False, self._since_ns)
        self._pump.check_in()
        self._pump.watch(watchdog)
        self.armed = True

    def take_failure(self) -> bool:
        """Tell, once, that the watchdog could not be opened."""
        failed, self._failed = self._failed, False
        return failed

    def fence(self, cause: FenceCause) -> None:
        """Reboot this host at once; returns only where that is left to the unpinged watchdog."""
        self._pump.watch(None)
        self.fenced = cause
        self._journal.note("fence", cause=cause.name.lower(), watchdog=self._watchdog.driver)
        self._journal.flush(self._timing.watchdog_ns / NS_PER_SECOND)
        self._watchdog.fence()

    def _one(self, effect: Effect) -> None:
        match effect:
            case Publish(version, body, at_once):
                self.version = version
                self._pump.publish(version, body, at_once)
            case Say(body, at_once):
                self._pump.say(body, at_once)
            case Lease(disk, granted_ns):
                self._pump.lease(disk, max(granted_ns, self._since_ns))
            case Note(word, values):
                self._journal.note(word, **{key: spoken(value, self._name_of) for key, value in values})
            case OpenWatchdog(resumed):
                self._open(resumed=resumed)
            case CloseWatchdog():
                self._close()
            case Fence(cause):
                self.fence(cause)
            case Stop(reason):
                self.stopped = reason

    def _open(self, *, resumed: bool) -> None:
        try:
            self._pump.watch(self._watchdog.open(resumed=resumed))
            self.unusable = ""
            self.armed = True
        except DeviceUnreachable as error:
            self.unusable = str(error)
            self._failed = True
            self._journal.note("watchdog_unusable", problem=str(error))
            if resumed:
                self.fence(FenceCause.BRAIN)

    def _close(self) -> None:
        self._pump.watch(None)
        self.armed = False
        try:
            self._watchdog.close()
        except OSError as error:
            self._journal.note("watchdog_not_closed", problem=str(error))
