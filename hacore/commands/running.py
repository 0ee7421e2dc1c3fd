"""`xenhad run` and `xenhad check-config`."""

from __future__ import annotations

import os
import stat
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hacore.clock import SystemClock
from hacore.edge.handover import inherited, ping
from hacore.errors import InputError, XenhadError

if TYPE_CHECKING:
    from hacore.config import Config


def run(chosen: Namespace) -> int:
    """Run the daemon, in a predecessor's place if there is one."""
    left = inherited(os.environ)
    if left is not None:
        ping(left, SystemClock())
    from hacore.configfile import load_config

    config = load_config(chosen.config, lab=chosen.lab, no_fencing=chosen.no_fencing)
    from hacore.edge import start

    return start.run(config, left, lambda line: print(f"xenhad: {line}", file=sys.stderr, flush=True))


def check_config(chosen: Namespace) -> int:
    """Print what a configuration means, interval by interval, and what is behind its paths just now."""
    from hacore.configfile import load_config
    from hacore.core.inequalities import seconds
    from hacore.core.worked import WORDS

    path = chosen.file or chosen.config
    config = load_config(path, lab=chosen.lab, no_fencing=chosen.no_fencing)
    print(f"{path}: can be used. This is {config.me.name}, host {config.host} of {len(config.hosts)}.")
    for word, field, use in WORDS:
        print(f"  {word:<12} {seconds(getattr(config.timing, field)):>8} s  {use}")
    for word, found in _behind(config):
        print(f"  {word:<12} {found}")
    return 0


def _behind(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what is behind each path; that something is not there yet does not make a configuration wrong."""
    from hacore.edge.slotdevice import open_statefile
    from hacore.edge.watchdog import watchdog_of

    yield from _networks(config)
    if problem := _in_the_way(config):
        yield "files", f"{problem}; `run` would refuse"
    try:
        open_statefile(config, writable=False).close()
        yield "statefile", f"{config.statefile}: of this pool"
    except XenhadError as error:
        yield "statefile", f"{error}; `run` would {'refuse' if isinstance(error, InputError) else 'wait'}"
    if config.metadata:
        yield "metadata", _metadata(config)
    if config.fencing:
        try:
            watchdog_of(config.watchdog, config.timing.watchdog_ns).check()
            yield "watchdog", f"{config.watchdog.path}: can be opened"
        except XenhadError as error:
            yield "watchdog", f"{error}; `run` would refuse"


def _networks(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what this host has on each network, and who is pinged to tell whose links are at fault."""
    from hacore.edge.evidence import places_of
    from hacore.edge.transport import lack

    for network, address in zip(config.networks, config.me.addresses, strict=True):
        problem = lack(network, address)
        found = f"{problem}; nobody would hear this host there" if problem else f"{address} is of this host"
        yield "network", f"{network.name}: {found}"
    arbiters = ", ".join(place.address for place in places_of(config))
    yield "arbiters", arbiters or "none: only carrier tells whose links are at fault (docs/survival.md)"


def _in_the_way(config: Config) -> str:
    """Return why the journal or the control socket cannot be made; "": perhaps they can."""
    folder = os.path.dirname(config.journal) or "."
    if config.journal and not os.path.isdir(folder):
        return f"journal {config.journal}: there is no folder {folder}"
    if os.path.isdir(config.journal):
        return f"journal {config.journal}: is a folder"
    socket = config.control_socket
    if os.path.lexists(socket) and not stat.S_ISSOCK(os.lstat(socket).st_mode):
        return f"control_socket {socket}: is there and no socket"
    return ""


def _metadata(config: Config) -> str:
    from hacore.edge.slotdevice import words
    from hacore.kernel.native import SlotDevice
    from hacore.metadata import MetadataVolume

    try:
        with SlotDevice(config.metadata, writable=False, lab=config.lab) as device:
            MetadataVolume.open(device, config.key, config.generation)
    except OSError as error:
        return f"{config.metadata}: {words(error)}"
    except InputError as error:
        return str(error)
    return f"{config.metadata}: of this pool"
