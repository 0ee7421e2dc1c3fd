"""A watchdog device as a fake: fires W (and up to g) after its last ping, whatever its host does."""

from __future__ import annotations

from collections.abc import Callable

NEVER = -1


class FakeWatchdog:
    """One host's device. Its owner looks at `fires_ns`, and is told of every ping that is no opening."""

    __slots__ = ("_lasts_ns", "_now", "_pinged", "pinged_ns", "pings")

    def __init__(self, now: Callable[[], int], lasts_ns: int, pinged: Callable[[], None]) -> None:
        self._now = now
        self._pinged = pinged
        self._lasts_ns = lasts_ns
        self.pinged_ns = NEVER
        self.pings = 0

    @property
    def armed(self) -> bool:
        return self.pinged_ns != NEVER

    @property
    def fires_ns(self) -> int:
        """When it fires if it is not pinged again."""
        return self.pinged_ns + self._lasts_ns

    def open(self) -> None:
        """Arm it: opening the device starts it."""
        self.pinged_ns = self._now()

    def ping(self) -> None:
        """Put it off. Where it has fired already the host is down, and nobody pings."""
        self.pinged_ns = self._now()
        self.pings += 1
        self._pinged()

    def sleep(self, slept_ns: int) -> None:
        """Go on where it stood before its machine was suspended."""
        if self.armed:
            self.pinged_ns += slept_ns

    def disarm(self) -> None:
        self.pinged_ns = NEVER
