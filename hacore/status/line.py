"""The status snapshot as one line of JSON: written by the daemon, read by whoever watches it.

A snapshot is believed whole or not at all, with one sentence why. Keys nobody here knows are passed over: in
a rolling upgrade an older exporter must go on watching newer daemons. What changes the meaning of a key takes
another format. Must never guess at a value that is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from hacore.records import MAX_HOSTS
from hacore.status.schema import (
    CAUSES,
    FORMAT,
    MODES,
    SNAPSHOT_BYTES_MAX,
    STATES,
    WARNINGS_PERCENT,
    Channel,
    Evidence,
    Fences,
    Histogram,
    Host,
    Intervals,
    Network,
    Peer,
    Status,
    Storage,
    Watchdog,
)

_COUNT_MAX = (1 << 64) - 1
_LISTED_MAX = 1024
_TEXT_MAX = 4096


class StatusError(ValueError):
    """Something is no status snapshot; one sentence says where and what was expected."""


# Writing


def encode(status: Status) -> bytes:
    """Return the snapshot as one line of JSON, line feed included."""
    return json.dumps(plain(status), ensure_ascii=False, allow_nan=False).encode() + b"\n"


def plain(status: Status) -> dict[str, Any]:
    """Return the snapshot as JSON's own values."""
    return {"format": FORMAT, **_plain(status)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value


# Reading


def decode(line: bytes) -> Status:
    """Return the snapshot in a line of JSON. Raise StatusError with what is wrong and where."""
    if len(line) > SNAPSHOT_BYTES_MAX:
        raise StatusError(f"expected at most {SNAPSHOT_BYTES_MAX} bytes, got {len(line)}")
    try:
        found = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise StatusError(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise StatusError(f"expected an object, got {_shown(found)}")
    if "format" not in found and isinstance(found.get("error"), str):
        raise StatusError(f"the daemon refuses: {_shown(found['error'])}")
    if found.get("format") != FORMAT:
        raise StatusError(f'format: expected "{FORMAT}", got {_shown(found.get("format"))}')
    status: Status = _object(Status, found, "")
    return status


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _object(kind: type, found: Any, path: str) -> Any:
    if not isinstance(found, dict):
        raise _wrong(path, "an object", found)
    prefix = f"{path}." if path else ""
    values = []
    for name, reader in _readers_of(kind):
        if name not in found:
            raise StatusError(f"{prefix}{name}: required key is missing")
        values.append(reader(found[name], prefix + name))
    made = kind(*values)
    if kind in _CHECKS:
        _CHECKS[kind](made, prefix)
    return made


@cache
def _readers_of(kind: type) -> tuple[tuple[str, Callable[[Any, str], Any]], ...]:
    return tuple((field.name, _READERS[str(field.type)]) for field in fields(kind))


def _text(found: Any, path: str) -> str:
    if not isinstance(found, str) or len(found) > _TEXT_MAX or not _is_unicode(found):
        raise _wrong(path, f"a text of at most {_TEXT_MAX} letters", found)
    return found


def _is_unicode(text: str) -> bool:
    """Tell whether others can be told the text: JSON may hold half a letter (a lone surrogate)."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _flag(found: Any, path: str) -> bool:
    if not isinstance(found, bool):
        raise _wrong(path, "true or false", found)
    return found


def _count(found: Any, path: str) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= _COUNT_MAX:
        raise _wrong(path, "a whole number from 0 on", found)
    return found


def _seconds(found: Any, path: str) -> float:
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not number or abs(found) > _COUNT_MAX:
        raise _wrong(path, "seconds", found)
    return float(found)


def _counts(found: Any, path: str) -> dict[str, int]:
    if not isinstance(found, dict) or len(found) > _LISTED_MAX:
        raise _wrong(path, "an object of counts", found)
    for name in found:
        if not name.isprintable():
            raise _wrong(path, "a printable name", name)
    return {name: _count(value, f"{path}.{name}") for name, value in found.items()}


def _or_none(reader: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda found, path: None if found is None else reader(found, path)


def _list_of(reader: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    def read(found: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(found, list) or len(found) > _LISTED_MAX:
            raise _wrong(path, f"a list of at most {_LISTED_MAX}", found)
        return tuple(reader(each, f"{path}[{i}]") for i, each in enumerate(found))

    return read


def _one(kind: type) -> Callable[[Any, str], Any]:
    return lambda found, path: _object(kind, found, path)


_PLAIN = {"str": _text, "bool": _flag, "int": _count, "float": _seconds}
_PARTS: tuple[type, ...] = (
    Histogram,
    Host,
    Intervals,
    Watchdog,
    Storage,
    Network,
    Channel,
    Peer,
    Evidence,
    Fences,
)
_SINGLE: dict[str, Callable[[Any, str], Any]] = {**_PLAIN, **{kind.__name__: _one(kind) for kind in _PARTS}}
_READERS: dict[str, Callable[[Any, str], Any]] = {
    **_SINGLE,
    **{f"{name} | None": _or_none(reader) for name, reader in _PLAIN.items()},
    **{f"tuple[{name}, ...]": _list_of(reader) for name, reader in _SINGLE.items()},
    "Mapping[str, int]": _counts,
}
"""By the annotation of a field: the classes above are the one description of the format."""


# Values of the right type that still mean nothing


def _check_histogram(made: Histogram, prefix: str) -> None:
    bounds = made.bounds_seconds
    if len(made.counts) != len(bounds) + 1 or list(bounds) != sorted(set(bounds)):
        raise StatusError(f"{prefix[:-1]}: expected rising bounds and one count more than bounds")


def _check_channel(made: Channel, prefix: str) -> None:
    if made.warning_percent not in WARNINGS_PERCENT:
        raise _wrong(f"{prefix}warning_percent", "0, 25 or 50", made.warning_percent)
    if made.timeout_seconds <= 0:
        raise _wrong(f"{prefix}timeout_seconds", "seconds above 0", made.timeout_seconds)


def _check_peer(made: Peer, prefix: str) -> None:
    if made.state is not None:
        _check_word(made.state, STATES, f"{prefix}state")
    _check_unique(f"{prefix}channels", [channel.name for channel in made.channels])


def _check_intervals(made: Intervals, prefix: str) -> None:
    if made.timeout_seconds <= 0:
        raise _wrong(f"{prefix}timeout_seconds", "seconds above 0", made.timeout_seconds)


def _check_status(made: Status, _prefix: str) -> None:
    _check_word(made.state, STATES, "state")
    _check_word(made.mode, MODES, "mode")
    _check_word(made.cause, CAUSES, "cause")
    _check_unique("networks", [network.name for network in made.networks])
    _check_hosts(made)


def _check_hosts(status: Status) -> None:
    """Refuse hosts of one name, or more than there can be, or of which nothing else is said."""
    hosts = [status.host.uuid, *(peer.uuid for peer in status.peers)]
    _check_unique("host and peers", hosts)
    _check_unique("index of host and peers", [status.host.index, *(peer.index for peer in status.peers)])
    if len(hosts) > MAX_HOSTS:
        raise StatusError(f"expected at most {MAX_HOSTS} hosts, got {len(hosts)}")
    for name in ("liveset", "dead", "condemned"):
        _check_unique(name, getattr(status, name))
    named = {*status.liveset, *status.dead, *status.condemned, *filter(None, [status.leader])}
    if unknown := sorted(named.difference(hosts)):
        raise StatusError(f"{_shown(unknown[0])}: expected the uuid of the host or of a peer")


def _check_word(word: str, words: tuple[str, ...], path: str) -> None:
    if word not in words:
        raise _wrong(path, f"one of {', '.join(words)}", word)


def _check_unique(path: str, names: Sequence[str | int]) -> None:
    """Two of a name would be one series with two values."""
    if len(set(names)) != len(names):
        raise StatusError(f"{path}: expected each once")


_CHECKS: dict[type, Callable[[Any, str], None]] = {
    Histogram: _check_histogram,
    Intervals: _check_intervals,
    Channel: _check_channel,
    Peer: _check_peer,
    Status: _check_status,
}


def _wrong(path: str, expected: str, found: Any) -> StatusError:
    return StatusError(f"{path}: expected {expected}, got {_shown(found)}")


def _shown(found: Any) -> str:
    text = json.dumps(found, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
