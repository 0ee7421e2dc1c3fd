"""Reading TOML tables key by key, so that every problem gets its sentence. Knows no meaning.

A `Table` hands out values of the asked type and writes what is wrong into one common list; whoever reads asks
the list at the end and uses nothing of a table that had problems. Must never correct a value.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from hacore.errors import ConfigError

CONFIG_BYTES_MAX = 2**20

T = TypeVar("T")


def read_toml(path: str) -> dict[str, object]:
    """Return the tables of the file at `path`. Raises ConfigError."""
    try:
        with open(path, "rb") as file:
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


def shown(value: object) -> str:
    """Return a value as people wrote it, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return text if len(text) <= 60 else f"{text[:57]}…"


class Table:
    """One table of the file; `name` is its path inside, "" at the top."""

    def __init__(self, name: str, values: Mapping[str, object], problems: list[str]) -> None:
        self._name = name
        self._values = values
        self._problems = problems
        self._known: list[str] = []

    def complain(self, key: str, problem: str) -> None:
        """Note what is wrong with a key."""
        self._problems.append(f"{self.path(key)}: {problem}")

    def path(self, key: str) -> str:
        """Return the full name of a key."""
        return f"{self._name}.{key}" if self._name else key

    def has(self, key: str) -> bool:
        """Tell whether the key is given."""
        return key in self._values

    def text(self, key: str, expected: str, default: str | None = None) -> str:
        """Return a string that is not empty; without `default` it is required."""
        value = self._take(key, expected, default)
        if isinstance(value, str) and value:
            return value
        return self._refuse(key, value, expected, "")

    def optional_text(self, key: str, expected: str) -> str:
        """Return a string that is not empty, "" where it is not given."""
        return self.text(key, expected, None if self.has(key) else "")

    def word(self, key: str, words: Sequence[str], default: str | None = None) -> str:
        """Return one of `words`."""
        expected = " or ".join(f'"{word}"' for word in words)
        value = self.text(key, expected, default)
        return value if value in words or not value else self._refuse(key, value, expected, words[0])

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key, "true or false", default)
        return value if isinstance(value, bool) else self._refuse(key, value, "true or false", default)

    def integer(self, key: str, low: int, high: int, default: int) -> int:
        """Return a whole number of `low` to `high`."""
        expected = f"a whole number of {low} to {high}"
        value = self._take(key, expected, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        return self._refuse(key, value, expected, default)

    def seconds_ns(self, key: str, low: float, high: float, default: float) -> int:
        """Return a number of seconds in nanoseconds."""
        expected = f"seconds, {low:g} to {high:g}"
        value = self._take(key, expected, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return round(value * 1_000_000_000)
        return self._refuse(key, value, expected, round(default * 1_000_000_000))

    def texts(self, key: str, expected: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return a list of strings."""
        value = self._take(key, expected, default)
        if isinstance(value, list | tuple) and all(isinstance(each, str) and each for each in value):
            return tuple(value)
        return self._refuse(key, value, expected, ())

    def table(self, key: str) -> Table:
        """Return a table inside this one; empty where it is not given."""
        value = self._take(key, "a table", {})
        inside = value if isinstance(value, dict) else self._refuse(key, value, f"a [{key}] table", {})
        return Table(self.path(key), inside, self._problems)

    def tables(self, key: str, expected: str) -> list[Table]:
        """Return the [[key]] tables; at least one is required."""
        value = self._take(key, expected, None)
        if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
            value = self._refuse(key, value, expected, [])
        return [Table(f"{self.path(key)}[{i}]", each, self._problems) for i, each in enumerate(value)]

    def refuse_unknown(self) -> None:
        """Complain of every key that nobody asked for."""
        for key in self._values:
            if key not in self._known:
                self.complain(key, f"unknown key; expected one of: {', '.join(sorted(self._known))}")

    def _take(self, key: str, expected: str, default: object) -> object:
        self._known.append(key)
        if key not in self._values and default is None:
            self.complain(key, f"required key is missing; expected {expected}")
        return self._values.get(key, default)

    def _refuse(self, key: str, value: object, expected: str, instead: T) -> T:
        if key in self._values:
            self.complain(key, f"{shown(value)}: expected {expected}")
        return instead
