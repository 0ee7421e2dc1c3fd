"""The watchdog: what reboots this host when nobody pings it, and what reboots it at once (MEMBERSHIP §6).

The pump pings (one zero byte a time) as long as the lease allows; here it is opened, closed and, for a fence,
bypassed. Closing says 'V' first, so that the device does not fire; a killed daemon never says it. Nothing
here ever pings but the opening itself. Must never decide whether to do any of this.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import struct
from typing import Protocol

from hacore.clock import NS_PER_SECOND
from hacore.config import WatchdogSettings
from hacore.errors import DeviceUnreachable

DISARM = b"V"
REBOOT = b"B"
SYSRQ = "/proc/sysrq-trigger"

WDIOC_GETSUPPORT = 0x80285700
WDIOC_SETTIMEOUT = 0xC0045706
WDIOC_GETTIMEOUT = 0x80045707
WDIOF_MAGICCLOSE = 0x0100
_SUPPORT = struct.Struct("=II32s")
"""struct watchdog_info of linux/watchdog.h: options, firmware version, identity."""
_INT = struct.Struct("=i")


class Watchdog(Protocol):
    """A watchdog, real or the lab's."""

    driver: str

    @property
    def descriptor(self) -> int:
        """What the pump pings; −1 while it is not open."""
        ...

    def check(self) -> None:
        """Look whether it could be opened and closed, without doing it. Raises DeviceUnreachable."""
        ...

    def open(self, *, resumed: bool = False) -> int:
        """Open it, which starts it, and return what the pump must ping. Raises DeviceUnreachable.

        Where that fails it does not run, unless it is `resumed`: what a predecessor left running runs on.
        """
        ...

    def adopt(self, descriptor: int) -> None:
        """Take over what a predecessor in this process had opened."""
        ...

    def close(self) -> None:
        """Close it so that it does not fire; nothing to do if it is not open. Nobody may ping any more."""
        ...

    def fence(self) -> None:
        """Reboot this host now. Returns if that did not work: then only the unpinged device is left."""
        ...


def watchdog_of(settings: WatchdogSettings, timeout_ns: int) -> Watchdog:
    """Return the watchdog that the configuration names."""
    match settings.driver:
        case "device":
            return DeviceWatchdog(settings.path, timeout_ns)
        case "lab":
            return LabWatchdog(settings.path)
    return NullWatchdog()


class DeviceWatchdog:
    """A Linux watchdog device: hardware, softdog, or Xen's domain watchdog through xen_wdt."""

    driver = "device"

    def __init__(self, path: str, timeout_ns: int, sysrq: str = SYSRQ) -> None:
        self._path = path
        self._seconds = timeout_ns // NS_PER_SECOND
        self._sysrq_path = sysrq
        self._sysrq = -1
        self._device = -1
        self._retired = -1

    @property
    def descriptor(self) -> int:
        return self._device

    def check(self) -> None:
        try:
            found = os.stat(self._path)
            os.stat(self._sysrq_path)
        except OSError as error:
            raise DeviceUnreachable(error.filename, f"cannot be used: {error.strerror}") from None
        if not stat.S_ISCHR(found.st_mode):
            raise DeviceUnreachable(self._path, "is no watchdog device")
        if _never_stops(found.st_rdev):
            raise DeviceUnreachable(
                self._path, "cannot be disarmed (nowayout): leaving would end in a reboot"
            )

    def open(self, *, resumed: bool = False) -> int:
        if self._device >= 0:
            return self._device
        try:
            self._sysrq = os.open(self._sysrq_path, os.O_WRONLY | os.O_CLOEXEC)
            device = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise DeviceUnreachable(error.filename, f"cannot be opened: {error.strerror}") from None
        give_up = os.close if resumed else _close_disarmed
        try:
            self._prepare(device)
        except OSError as error:
            give_up(device)
            raise DeviceUnreachable(self._path, f"no watchdog: {error.strerror}") from None
        except DeviceUnreachable:
            give_up(device)
            raise
        self._device = device
        return device

    def adopt(self, descriptor: int) -> None:
        self._device = descriptor
        self._sysrq = os.open(self._sysrq_path, os.O_WRONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close it; its number stays taken, by nothing, until the next one is closed.

        A thread of the pump that was held up for long just before its last ping must not write to what would
        be opened under that number next.
        """
        if self._device >= 0:
            device, self._device = self._device, -1
            if self._retired >= 0:
                os.close(self._retired)
            self._retired = _disarm_and_retire(device)

    def fence(self) -> None:
        """Reboot through sysrq: no file synced, no service stopped; in dom0 the whole machine goes down."""
        try:
            os.write(self._sysrq, b"b")
        except OSError:
            return

    def _prepare(self, device: int) -> None:
        """Set the timeout to W and look whether the device took it: one that is longer breaks the proof."""
        options, _, _ = _SUPPORT.unpack(fcntl.ioctl(device, WDIOC_GETSUPPORT, bytes(_SUPPORT.size)))
        if not options & WDIOF_MAGICCLOSE:
            raise DeviceUnreachable(self._path, "cannot be closed without a reboot (no magic close)")
        try:
            fcntl.ioctl(device, WDIOC_SETTIMEOUT, _INT.pack(self._seconds))
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL):
                raise
        (seconds,) = _INT.unpack(fcntl.ioctl(device, WDIOC_GETTIMEOUT, bytes(_INT.size)))
        if seconds != self._seconds:
            problem = f"fires after {seconds} s and takes no other time; expected {self._seconds} s"
            raise DeviceUnreachable(self._path, problem)


class LabWatchdog:
    """A process of the lab behind a Unix stream socket: any byte is a ping, 'V' disarms, 'B' reboots now."""

    driver = "lab"

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: socket.socket | None = None

    @property
    def descriptor(self) -> int:
        return -1 if self._connection is None else self._connection.fileno()

    def check(self) -> None:
        if not os.path.exists(self._path):
            raise DeviceUnreachable(self._path, "no lab watchdog listens there")

    def open(self, *, resumed: bool = False) -> int:
        if self._connection is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(self._path)
            except OSError as error:
                connection.close()
                raise DeviceUnreachable(self._path, f"no lab watchdog: {error.strerror}") from None
            connection.setblocking(False)
            self._connection = connection
        return self._connection.fileno()

    def adopt(self, descriptor: int) -> None:
        self._connection = socket.socket(fileno=descriptor)

    def close(self) -> None:
        if self._connection is not None:
            self._say(DISARM)
            self._connection.close()
            self._connection = None

    def fence(self) -> None:
        self._say(REBOOT)

    def _say(self, word: bytes) -> None:
        try:
            if self._connection is not None:
                self._connection.send(word)
        except OSError:
            return


class NullWatchdog:
    """No watchdog: this host can never be declared dead by silence. For --no-fencing."""

    driver = "null"

    def __init__(self) -> None:
        self._nothing = -1

    @property
    def descriptor(self) -> int:
        return self._nothing

    def check(self) -> None:
        """Find nothing wrong with nothing."""

    def open(self, *, resumed: bool = False) -> int:
        if self._nothing < 0:
            self._nothing = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        return self._nothing

    def adopt(self, descriptor: int) -> None:
        self._nothing = descriptor

    def close(self) -> None:
        if self._nothing >= 0:
            os.close(self._nothing)
            self._nothing = -1

    def fence(self) -> None:
        """Do nothing: nobody relies on it."""


def _never_stops(device: int) -> bool:
    """Tell whether the driver was loaded with nowayout; where the kernel does not say, it was not."""
    try:
        with open(f"/sys/dev/char/{os.major(device)}:{os.minor(device)}/nowayout", encoding="ascii") as file:
            return file.read().strip() == "1"
    except OSError:
        return False


def _close_disarmed(device: int) -> None:
    """Close the device so that it stops. The kernel takes a close without 'V' for a crash."""
    try:
        os.write(device, DISARM)
    finally:
        os.close(device)


def _disarm_and_retire(device: int) -> int:
    """Close the device so that it stops, and keep its number for /dev/null; −1: there is no room for that."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        _close_disarmed(device)
        return -1
    try:
        os.write(device, DISARM)
    finally:
        os.dup2(nothing, device, inheritable=False)
        os.close(nothing)
    return device
