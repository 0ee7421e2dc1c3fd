"""`xenhad run` and `xenhad check-config`."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hacore.clock import SystemClock
from hacore.edge.handover import inherited, ping
from hacore.errors import InputError, XenhadError

if TYPE_CHECKING:
    from hacore.config import Config
    from hacore.edge.checks import Look


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
    """Print what a configuration means, interval by interval, and what is behind its paths just now.

    Raises what `run` would refuse it for.
    """
    from hacore.configfile import load_config
    from hacore.core.inequalities import seconds
    from hacore.core.worked import WORDS

    path = chosen.file or chosen.config
    config = load_config(path, lab=chosen.lab, no_fencing=chosen.no_fencing)
    found = list(_behind(config))
    refused = [each.refused for each in found if each.refused is not None]
    head = "`run` would refuse it as things are" if refused else "can be used"
    print(f"{path}: {head}. This is {config.me.name}, host {config.host} of {len(config.hosts)}.")
    for word, field, use in WORDS:
        print(f"  {word:<12} {seconds(getattr(config.timing, field)):>8} s  {use}")
    for each in found:
        print(f"  {each.about:<12} {each.text}")
    if refused:
        raise refused[0]
    return 0


@dataclass(frozen=True, slots=True)
class _Found:
    """What is behind a path of the configuration, and whether `run` would end for it."""

    about: str
    text: str
    refused: XenhadError | None = None


def _behind(config: Config) -> Iterator[_Found]:
    """Yield what is behind each path; that something is away just now makes no configuration wrong."""
    from hacore.edge.checks import NEEDS, statefile

    for about, text in _networks(config):
        yield _Found(about, text)
    for about, look in NEEDS:
        yield _looked(about, look, config)
    yield _looked("statefile", statefile, config)
    if config.metadata:
        yield _Found("metadata", _metadata(config))


def _looked(about: str, look: Look, config: Config) -> _Found:
    """Look; only a statefile that is away is waited for."""
    try:
        return _Found(about, look(config))
    except XenhadError as error:
        if about == "statefile" and not isinstance(error, InputError):
            return _Found(about, f"{error}; `run` would wait")
        return _Found(about, f"{error}; `run` would refuse", error)


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
