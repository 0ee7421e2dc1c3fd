"""What the machine asks of the shell, carried out in the order given. The shell decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from hacore.core.words import Value
from hacore.records import FenceCause, PacketBody, SlotBody


@dataclass(frozen=True, slots=True)
class Publish:
    """Write this body from now on; `at_once`: start a cycle now rather than at the next beat."""

    version: int  # rises by one with every Publish
    body: SlotBody
    at_once: bool


@dataclass(frozen=True, slots=True)
class Say:
    """Send this body from now on; `at_once`: also now."""

    body: PacketBody
    at_once: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """What the watchdog is pinged by: S = the later of the last good cycle (if `disk`) and `granted_ns`."""

    disk: bool
    granted_ns: int  # the oldest stamp among the grants this host lives on; 0: none


@dataclass(frozen=True, slots=True)
class OpenWatchdog:
    """Arm: open the watchdog; it is pinged while the lease allows."""

    resumed: bool = False  # others rely on it already: where it cannot be had, this host must reboot


@dataclass(frozen=True, slots=True)
class CloseWatchdog:
    """Disarm: close the watchdog so that it does not fire."""


@dataclass(frozen=True, slots=True)
class Fence:
    """Reboot this host at once."""

    cause: FenceCause


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the journal: a word and its values."""

    word: str
    values: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """The daemon has nothing left to do."""

    reason: str


Effect = Publish | Say | Lease | OpenWatchdog | CloseWatchdog | Fence | Note | Stop
