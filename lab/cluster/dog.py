"""The lab's watchdog as a rule: told of bytes and of time, it says when to pull the plug. Reads no clock.

It does what Linux' watchdog devices do (drivers/watchdog/watchdog_dev.c): opening starts it and pings; every
byte pings; closing stops it only if the last thing said was `V`, else closing pings once more and it runs on,
with nobody there to ping it. `B` is not the device's but the reboot button's: fire now.
"""

from __future__ import annotations

from dataclasses import dataclass

DISARM, REBOOT = ord("V"), ord("B")


@dataclass(slots=True)
class Dog:
    """One watchdog with a fixed timeout."""

    timeout_ns: int
    armed: bool = False
    pinged_ns: int = 0
    told: bool = False  # to reboot now
    _disarming: bool = False

    def opened(self, now_ns: int) -> None:
        """Start, or go on if it runs."""
        self.armed, self.pinged_ns, self._disarming = True, now_ns, False

    def heard(self, said: bytes, now_ns: int) -> None:
        """Take what was written to it."""
        self.pinged_ns = now_ns
        self._disarming = said[-1] == DISARM
        self.told = self.told or REBOOT in said

    def closed(self, now_ns: int) -> None:
        """Stop if the last word was `V`, else run on."""
        self.armed = not self._disarming
        self.pinged_ns = now_ns

    def due_ns(self) -> int | None:
        """Return when it fires if nobody pings; None: never."""
        return self.pinged_ns + self.timeout_ns if self.armed else None

    def fires(self, now_ns: int) -> str:
        """Return why it fires now; empty: it does not."""
        if self.told:
            return "told"
        due_ns = self.due_ns()
        return "unpinged" if due_ns is not None and now_ns >= due_ns else ""

    def reset(self) -> None:
        """Come back from a reboot: off."""
        self.armed, self.told, self._disarming = False, False, False
