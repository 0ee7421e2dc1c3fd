"""The configuration of `xenha serve`: TOML, read once, checked as a whole and refused rather than corrected.

Every problem is one line: file, key, value, what was expected. Relative paths start at the file's own folder.
Decides what is watched and where we listen; must never open a connection.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exporter.errors import ConfigError
from exporter.poolsettings import PoolReader, PoolSettings, PoolTable
from planner.inventory.jsontext import shown
from planner.inventory.pydantic_words import problem_of
from planner.schedule.pace import SECONDS_MAX, SLOTS_MAX

DEFAULT_LISTEN = "127.0.0.1:9877"
CONFIG_BYTES_MAX = 2**20
SOCKET_BYTES_MAX = 107
"""What Linux takes as the path of a Unix socket (unix(7))."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where we listen; port 0: any free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `xenha serve` is told."""

    listen: Address
    pools: tuple[PoolSettings, ...]
    daemons: tuple[str, ...] = ()
    """Control sockets of daemons: paths, or patterns as of the shell."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    listen: str = DEFAULT_LISTEN
    daemons: list[str] = []
    pool: Annotated[list[PoolTable], Field(min_length=1)]


def load_config(path: Path, *, password: str | None = None) -> Settings:
    """Read the configuration at `path`; `password` (of the environment) serves pools without password_file.

    Raises ConfigError with every problem there is.
    """
    shape = _shape_of(str(path), _tables_of(path))
    problems: list[str] = []
    listen = _address_or_problem(shape.listen, problems)
    pools = [PoolReader(table, f"pool[{i}]", path.parent, problems) for i, table in enumerate(shape.pool)]
    settings = [pool.settings(password) for pool in pools]
    problems += _duplicates(settings)
    daemons = [_socket_or_problem(path.parent, text, i, problems) for i, text in enumerate(shape.daemons)]
    if problems:
        raise ConfigError(tuple(f"{path}: {problem}" for problem in problems))
    return Settings(
        listen, tuple(pool for pool in settings if pool is not None), tuple(dict.fromkeys(daemons))
    )


def parse_address(text: str) -> Address:
    """Return host and port of "127.0.0.1:9877" or "[::1]:9877". Raises ValueError with what was expected."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or (":" in host and not bracketed) or not (port.isascii() and port.isdigit()):
        raise ValueError('expected HOST:PORT such as "127.0.0.1:9877" or "[::1]:9877"')
    if len(port) > 5 or int(port) > 65_535:
        raise ValueError("expected a port of at most 65535")
    return Address(host[1:-1] if bracketed else host, int(port))


def parse_socket(text: str) -> str:
    """Return a path or pattern of control sockets as it is. Raises ValueError with what was expected."""
    if not text or "\0" in text or len(os.fsencode(text)) > SOCKET_BYTES_MAX:
        raise ValueError(f"expected the path of a socket or a pattern, at most {SOCKET_BYTES_MAX} bytes")
    return text


# Shape


def _tables_of(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(CONFIG_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read: {error.strerror or error}",)) from None
    if len(data) > CONFIG_BYTES_MAX:
        raise ConfigError((f"{path}: expected at most {CONFIG_BYTES_MAX} bytes of TOML",))
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError((f"{path}: expected UTF-8 text; byte {error.start} is none",)) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError((f"{path}: not TOML: {error}",)) from None


def _shape_of(origin: str, tables: Mapping[str, Any]) -> _File:
    try:
        return _File.model_validate(tables)
    except ValidationError as error:
        lines = (f"{_key(item['loc'])}: {_words(item)}" for item in error.errors(include_url=False))
        raise ConfigError(tuple(f"{origin}: {line}" for line in lines)) from None


def _key(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


_FROM_ZERO = f"seconds from 0 to {SECONDS_MAX:.0f}"
_EXPECTED: Mapping[str | int, str] = {
    "boot_seconds": _FROM_ZERO,
    "detection_seconds": _FROM_ZERO,
    "boot_slots": f"a whole number from 1 to {SLOTS_MAX}",
}
"""What keys expect whose bounds are not those of the other times."""


def _words(found: Mapping[str, Any]) -> str:
    if isinstance(found["input"], date | time):  # TOML has them, JSON has not
        found = {**found, "input": str(found["input"])}
    given = shown(found["input"])
    if found["loc"][-1] in _EXPECTED:
        return f"expected {_EXPECTED[found['loc'][-1]]}, got {given}"
    match found["type"]:
        case "float_type" | "greater_than" | "less_than_equal" | "finite_number":
            return f"expected seconds above 0 and at most 86400, got {given}"
        case "list_type" if found["loc"] == ("daemons",):
            return f"expected a list of paths of control sockets, got {given}"
        case "list_type" | "model_type" | "model_attributes_type" | "too_short":
            return "expected one [[pool]] table for each pool"
        case "missing" if found["loc"] == ("pool",):
            return "required key is missing; expected one [[pool]] table for each pool"
    known = PoolTable.model_fields if len(found["loc"]) > 1 else _File.model_fields
    return problem_of(found, known)


# Meaning


def _address_or_problem(text: str, problems: list[str]) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        problems.append(f"listen: {shown(text)}: {error}")
        return Address("", 0)


def _socket_or_problem(folder: Path, text: str, position: int, problems: list[str]) -> str:
    try:
        return parse_socket(str(folder / text) if text else text)
    except ValueError as error:
        problems.append(f"daemons[{position}]: {shown(text)}: {error}")
        return ""


def _duplicates(pools: list[PoolSettings | None]) -> Iterator[str]:
    first: dict[str, int] = {}
    for i, pool in enumerate(pools):
        if pool is None:
            continue
        before = first.setdefault(str(pool.source), i)
        if before != i:
            yield f"pool[{i}].source: {pool.source}: is pool[{before}] already; expected each source once"
