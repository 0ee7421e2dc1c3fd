"""The statefile as an open device: opened apart from the brain, opened anew when it was gone.

Opening and reading the header may hang as long as the storage does, so a thread does it. What is opened is
given away only if it is this pool's statefile, with this very host table. Must never write.
"""

from __future__ import annotations

import os
import select
import selectors
import stat
from collections.abc import Callable

from hacore.config import Config
from hacore.edge.threads import start_thread
from hacore.errors import DeviceUnreachable, StatefileError, XenhadError
from hacore.kernel.native import SlotDevice
from hacore.statefile import Header, read_header

Found = SlotDevice | XenhadError
"""DeviceUnreachable: perhaps later; StatefileError: never, as things are."""


def open_statefile(config: Config, *, writable: bool = True) -> SlotDevice:
    """Return this pool's statefile. Raises DeviceUnreachable and StatefileError."""
    try:
        device = SlotDevice(config.statefile, writable=writable, lab=config.lab)
    except OSError as error:
        if _is_no_volume(config.statefile):
            problem = "is neither a block device nor a file; expected the shared volume"
            raise StatefileError(config.statefile, problem) from None
        raise DeviceUnreachable(config.statefile, f"heartbeat disk not accessible: {words(error)}") from None
    try:
        check_header(config, read_header(device, config.key))
    except OSError as error:
        device.close()
        raise DeviceUnreachable(config.statefile, f"heartbeat disk not accessible: {words(error)}") from None
    except XenhadError:
        device.close()
        raise
    return device


def _is_no_volume(path: str) -> bool:
    """Tell whether there is something that no path coming back turns into a volume: a folder, a terminal."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISBLK(mode) or stat.S_ISREG(mode))


def check_header(config: Config, header: Header) -> None:
    """Raise StatefileError unless the header speaks of this pool, these hosts and this time-out."""
    problem = difference(header, header_of(config))
    if problem:
        raise StatefileError(config.statefile, problem)


def difference(header: Header, expected: Header) -> str:
    """Say in what a header is another one than that of the configuration; "": in nothing."""
    if header.generation != expected.generation:
        return f"is of generation {header.generation}; expected {expected.generation}"
    if header.hosts != expected.hosts:
        return "has another host table; expected that of the configuration"
    if header.timeout_ns != expected.timeout_ns:
        told, ours = header.timeout_ns / 1e9, expected.timeout_ns / 1e9
        return f"is for a time-out of {told:g} s; expected {ours:g} s"
    return ""


def header_of(config: Config) -> Header:
    """Return the header that the statefile of this configuration must have."""
    return Header(config.generation, tuple(host.uuid for host in config.hosts), config.timing.timeout_ns)


def words(error: OSError) -> str:
    """Return what the system says of an error."""
    return os.strerror(error.errno) if error.errno else str(error)


class StatefileOpener:
    """Tries to open the statefile whenever asked to, one try at a time; `done` gets what came of it."""

    def __init__(
        self,
        config: Config,
        selector: selectors.BaseSelector,
        opened: Callable[[Config], SlotDevice] = open_statefile,
    ) -> None:
        self._config = config
        self._opened = opened
        self.done: Callable[[Found], None] = lambda _found: None
        self._found: Found | None = None
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector = selector
        self._running = False
        selector.register(self._reader, selectors.EVENT_READ, lambda _events: self._take())

    def want(self) -> None:
        """Try, unless a try is under way."""
        if self._running:
            return
        self._running = True
        start_thread(self._try, "statefile")

    def wait(self, seconds: float) -> Found | None:
        """Return what came of a try, None if that takes longer; then `done` gets it."""
        self.want()
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return self._taken() if ready else None

    def close(self) -> None:
        """Wait for nobody: a try that hangs ends with the process."""
        self._selector.unregister(self._reader)

    def _try(self) -> None:
        try:
            self._found = self._opened(self._config)
        except XenhadError as error:
            self._found = error
        os.write(self._writer, b"\0")

    def _take(self) -> None:
        found = self._taken()
        if found is not None:
            self.done(found)

    def _taken(self) -> Found | None:
        os.read(self._reader, 1)
        found, self._found, self._running = self._found, None, False
        return found
