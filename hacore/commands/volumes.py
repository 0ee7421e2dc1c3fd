"""Commands about volumes and keys: `init`, `dump`, `keygen`. They need no daemon."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from hacore.clock import NS_PER_SECOND
from hacore.commands.control import pause
from hacore.commands.dumped import dumped_json, dumped_text
from hacore.config import DEFAULT_PATH, Config
from hacore.configfile import KEY_BYTES, load_config, read_key
from hacore.edge.slotdevice import header_of, words
from hacore.errors import DeviceUnreachable, InputError, Refused, StatefileError
from hacore.kernel.native import SlotDevice
from hacore.statefile import HEADERS_AT, format_statefile, read_header, read_image, written_between
from hacore.statefile import dump as decoded

WATCHED_BEATS = 2.5


def init(chosen: Namespace) -> int:
    """Format the volumes of a configuration, unless somebody lives on them."""
    config = load_config(chosen.config, lab=chosen.lab, no_fencing=True)
    try:
        _refuse_live(config)
        if not chosen.force:
            _refuse_used(config)
        if config.metadata:
            _init_metadata(config)
        with SlotDevice(config.statefile, lab=config.lab) as device:
            format_statefile(device, header_of(config), config.key)
    except OSError as error:
        raise DeviceUnreachable(config.statefile, words(error)) from None
    print(f"{config.statefile}: formatted for {len(config.hosts)} hosts, generation {config.generation}")
    return 0


def _refuse_live(config: Config) -> None:
    """Raise Refused if a daemon writes there: two looks, some beats apart."""
    first = _image(config)
    pause(WATCHED_BEATS * config.timing.beat_ns / NS_PER_SECOND)
    alive = written_between(first, _image(config))
    if alive:
        names = [config.hosts[i].name if i < len(config.hosts) else f"host {i}" for i in alive]
        raise Refused(
            f"{config.statefile}: in use by {', '.join(names)}; stop all daemons of this pool first"
        )


def _image(config: Config) -> bytes:
    try:
        return read_image(config.statefile)
    except OSError as error:
        raise DeviceUnreachable(config.statefile, words(error)) from None


def _refuse_used(config: Config) -> None:
    """Raise Refused if there is a statefile already, of this pool or another."""
    with SlotDevice(config.statefile, writable=False, lab=config.lab) as device:
        if not any(any(device.read(4096, offset)) for offset in HEADERS_AT):
            return
        try:
            header = read_header(device, None)
        except StatefileError:
            raise Refused(f"{config.statefile}: holds something already; --force to overwrite it") from None
    raise Refused(
        f"{config.statefile}: is a statefile of {len(header.hosts)} hosts, generation {header.generation}; "
        "--force to format it anew"
    )


def _init_metadata(config: Config) -> None:
    """Format the metadata volume: before the statefile, which says that all is ready."""
    from hacore.metadata import format_metadata

    try:
        with SlotDevice(config.metadata, lab=config.lab) as device:
            format_metadata(device, config.key, config.generation)
    except OSError as error:
        raise DeviceUnreachable(config.metadata, words(error)) from None
    print(f"{config.metadata}: formatted as metadata volume")


def dump(chosen: Namespace) -> int:
    """Print what a statefile says, slot by slot; 1 if nothing in it can be believed."""
    config = None
    if not chosen.file or os.path.exists(chosen.config):
        config = load_config(chosen.config, lab=True, no_fencing=True) if _has_config(chosen) else None
    path = chosen.file or (config.statefile if config else "")
    key = _key(chosen, config)
    try:
        image = read_image(path)
    except OSError as error:
        raise DeviceUnreachable(path, words(error)) from None
    found = decoded(image, key, header_of(config) if config else None)
    print(dumped_json(found) if chosen.json else dumped_text(found, config, copies=chosen.copies))
    return 0 if found.header is not None else 1


def _has_config(chosen: Namespace) -> bool:
    """Tell whether a configuration is to be used: without one, only a copy can be looked at."""
    return not chosen.file or chosen.config != DEFAULT_PATH


def _key(chosen: Namespace, config: Config | None) -> bytes | None:
    if chosen.key_file:
        problems: list[str] = []
        key = read_key(chosen.key_file, problems)
        if problems:
            raise InputError(problems[0])
        return key
    return config.key if config else None


def keygen(chosen: Namespace) -> int:
    """Write a new key to a file that does not exist yet."""
    try:
        file = os.open(chosen.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{chosen.file}: cannot be made: {words(error)}") from None
    with os.fdopen(file, "w", encoding="ascii") as key:
        key.write(os.urandom(KEY_BYTES).hex() + "\n")
        key.flush()
        os.fsync(key.fileno())
    print(f"{chosen.file}: made; copy it to every host of the pool", file=sys.stderr)
    return 0
