"""What a daemon needs of its host to start: `run` refuses without it, `check-config` shows it.

Each look raises what `run` would end with. Must never change anything: to open a watchdog is to start it, and
a journal or socket belongs to whoever runs. That another daemon runs is no fault of a configuration, and not
looked at here; nor are networks, of which none has to be there at the start.
"""

from __future__ import annotations

import os
import selectors
import stat
from collections.abc import Callable
from functools import partial

from hacore.config import Config
from hacore.edge.slotdevice import StatefileOpener, open_statefile
from hacore.edge.watchdog import watchdog_of
from hacore.errors import ConfigError, DeviceUnreachable, InputError, XenhadError

ANSWER_SECONDS = 5.0
"""How long a statefile is waited for by who only looks."""

Look = Callable[[Config], str]
"""Returns in words what is there; raises XenhadError for what is not."""


def watchdog(config: Config) -> str:
    """Look for the watchdog. Raises DeviceUnreachable."""
    watchdog_of(config.watchdog, config.timing.watchdog_ns).check()
    return f"{config.watchdog.path}: can be opened" if config.fencing else "none (no_fencing)"


def control_socket(config: Config) -> str:
    """Look for room for the control socket and its lock. Raises InputError, DeviceUnreachable."""
    path = config.control_socket
    if os.path.lexists(path) and not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise InputError(f"{path}: is there and no socket; expected the path of a control socket to be made")
    folder = os.path.dirname(path) or "."
    while not os.path.lexists(folder):  # missing ones are made
        folder = os.path.dirname(folder) or "."
    if problem := _unwritable(folder):
        raise DeviceUnreachable(path, f"cannot be made in {folder}: {problem}")
    return f"{path}: can be made"


def journal(config: Config) -> str:
    """Look whether the journal can be written: nobody would learn what happened. Raises ConfigError."""
    path = config.journal
    if not path:
        return "stderr"
    problem = _unwritable_file(path)
    if problem:
        raise ConfigError((f"journal = {path!r}: {problem}; expected a file that can be written",))
    return f"{path}: can be written"


NEEDS: tuple[tuple[str, Look], ...] = (
    ("watchdog", watchdog),
    ("socket", control_socket),
    ("journal", journal),
)
"""In the order in which a start meets them."""


def expect_all(config: Config) -> None:
    """Raise XenhadError for the first need that this host does not meet."""
    for _, look in NEEDS:
        look(config)


def statefile(config: Config) -> str:
    """Look for the statefile, for some seconds, by reading only.

    Raises StatefileError where `run` would refuse, and DeviceUnreachable where it would wait.
    """
    path = config.statefile
    with selectors.DefaultSelector() as selector:
        opener = StatefileOpener(config, selector, partial(open_statefile, writable=False))
        found = opener.wait(ANSWER_SECONDS)
        opener.close()
    if found is None:
        raise DeviceUnreachable(path, f"has not answered for {ANSWER_SECONDS:g} s")
    if isinstance(found, XenhadError):
        raise found
    found.close()
    if not os.access(path, os.W_OK):
        raise DeviceUnreachable(path, "is of this pool, but cannot be written")
    return f"{path}: of this pool"


def _unwritable(folder: str) -> str:
    if not os.path.isdir(folder):
        return "no folder"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "no permission to write there"


def _unwritable_file(path: str) -> str:
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    if not os.path.lexists(path):
        return _unwritable(folder)
    if os.path.isdir(path):
        return "is a folder"
    return "" if os.access(path, os.W_OK) else "no permission to write it"
