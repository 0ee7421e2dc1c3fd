"""Commands about volumes and keys: `init`, `dump`, `keygen`. They need no daemon."""

from __future__ import annotations

import errno
import os
from argparse import Namespace

from hacore.clock import NS_PER_SECOND, Deadline, SystemClock
from hacore.commands.control import pause
from hacore.commands.dumped import disbelief, dumped_json, dumped_text
from hacore.commands.watched import Age, Watch
from hacore.config import DEFAULT_PATH, Config
from hacore.configfile import KEY_BYTES, load_config, read_key
from hacore.edge.slotdevice import header_of, words
from hacore.errors import DeviceUnreachable, InputError, Refused, StatefileError, XenhadError
from hacore.kernel.native import SlotDevice
from hacore.statefile import HEADERS_AT, format_statefile, read_header, read_image, written_between
from hacore.statefile import dump as decoded

WATCHED_BEATS = 2.5
LOOK_SECONDS = 0.1
"""Between two looks of a watch: as short as the shortest beat (`hacore.core.timing`)."""
BAD_PATH = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENODEV, errno.ELOOP})
"""What the system says of a path that somebody has to correct; all else is about the volume behind it."""


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
        raise unusable(config.statefile, error) from None
    print(f"{config.statefile}: formatted for {len(config.hosts)} hosts, generation {config.generation}")
    return 0


def _refuse_live(config: Config) -> None:
    """Raise Refused if a daemon writes there: two looks, some beats apart."""
    first = _image(config.statefile)
    pause(WATCHED_BEATS * config.timing.beat_ns / NS_PER_SECOND)
    alive = written_between(first, _image(config.statefile))
    if alive:
        names = [config.hosts[i].name if i < len(config.hosts) else f"host {i}" for i in alive]
        raise Refused(
            f"{config.statefile}: in use by {', '.join(names)}; stop all daemons of this pool first"
        )


def _image(path: str) -> bytes:
    try:
        return read_image(path)
    except OSError as error:
        raise unusable(path, error) from None


def unusable(path: str, error: OSError) -> XenhadError:
    """Return what it means that a volume cannot be used: a wrong path, or one that does not answer."""
    if error.errno == errno.EACCES:
        return InputError(f"{path}: {words(error)}; expected to be run as root")
    if error.errno in BAD_PATH:
        problem = "no volume" if error.errno == errno.ENODEV else words(error)
        return InputError(f"{path}: {problem}; expected a block device or file of a shared volume")
    return DeviceUnreachable(path, words(error))


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
        raise unusable(config.metadata, error) from None
    print(f"{config.metadata}: formatted as metadata volume")


def dump(chosen: Namespace) -> int:
    """Print what a statefile says, slot by slot; 1 if nothing in it can be believed, or it is another one."""
    config = load_config(chosen.config, lab=True, no_fencing=True) if _has_config(chosen) else None
    path = chosen.file or (config.statefile if config else "")
    key = _key(chosen, config)
    image, ages = _watched(path, chosen.watch)
    found = decoded(image, key, header_of(config) if config else None)
    text = dumped_json(found, ages) if chosen.json else dumped_text(found, config, ages, copies=chosen.copies)
    print(text)
    problem = disbelief(found, header_of(config) if config else None)
    if problem:
        raise Refused(f"{path}: {problem}")
    return 0


def _has_config(chosen: Namespace) -> bool:
    """Tell whether a configuration is to be used: without one, only a copy can be looked at."""
    return not chosen.file or chosen.config != DEFAULT_PATH


def _watched(path: str, seconds: float | None) -> tuple[bytes, tuple[Age, ...] | None]:
    """Return an image and, after looking again and again for so long, the ages of its slots."""
    clock = SystemClock()
    started_ns = clock.monotonic_ns()
    image = _image(path)
    if not seconds:
        return image, None
    watch, deadline = Watch(image, started_ns, clock.monotonic_ns()), Deadline.after(clock, seconds)
    while not deadline.passed():
        pause(min(LOOK_SECONDS, deadline.left_seconds()))
        started_ns = clock.monotonic_ns()
        image = _image(path)
        watch.look(image, started_ns, clock.monotonic_ns())
    return image, watch.ages(clock.monotonic_ns())


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
    print(f"{chosen.file}: made; copy it to every host of the pool")
    return 0
