"""One [[pool]] table of the configuration: its keys, and what they mean together.

Every problem is one line for the common list; nothing is corrected. Must never open a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from exporter.recovery import USUAL_RECOVERY, RecoverySettings
from planner.changes.sizes import size_bytes
from planner.constraints.rules import NO_RULES, RatioError, Rules, memory_policy_of, ratio
from planner.errors import InputError, SourceError
from planner.inventory.jsontext import shown
from planner.inventory.source import ApiSource, Credentials, FileSource, Source, parse_source
from planner.schedule.pace import BOOT_SECONDS, BOOT_SLOTS, SECONDS_MAX, SLOTS_MAX, Pace

DEFAULT_LIMIT_SECONDS = 10.0
PASSWORD_VARIABLE = "XENHA_PASSWORD"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """One pool to watch."""

    source: Source
    credentials: Credentials
    limit_seconds: float = DEFAULT_LIMIT_SECONDS
    recovery: RecoverySettings = USUAL_RECOVERY
    rules: Rules = NO_RULES
    """What figures count beside memory and reach."""


class PoolTable(BaseModel):
    """The keys of a [[pool]] table; what they mean together is `PoolReader`'s business."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: str
    user: Annotated[str, Field(min_length=1)] | None = None
    password_file: Annotated[str, Field(min_length=1)] | None = None
    insecure: bool = False
    ca_file: Annotated[str, Field(min_length=1)] | None = None
    limit_seconds: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = DEFAULT_LIMIT_SECONDS
    recovery_objective_seconds: Annotated[float, Field(gt=0, le=SECONDS_MAX, allow_inf_nan=False)] | None = (
        None
    )
    boot_seconds: Annotated[float, Field(ge=0, le=SECONDS_MAX, allow_inf_nan=False)] = BOOT_SECONDS
    boot_slots: Annotated[int, Field(ge=1, le=SLOTS_MAX)] = BOOT_SLOTS
    detection_seconds: Annotated[float, Field(ge=0, le=SECONDS_MAX, allow_inf_nan=False)] | None = None

    vcpus_per_core: Any = None
    memory_policy: str | None = None
    reserve: str | None = None


@dataclass(frozen=True, slots=True)
class PoolReader:
    """One [[pool]] table on its way to its settings; problems go to the common list."""

    table: PoolTable
    key: str
    folder: Path
    problems: list[str]

    def settings(self, password: str | None) -> PoolSettings | None:
        """Return what the table says, None if it says nothing of use."""
        before = len(self.problems)
        source = self._source()
        self.problems.extend(self._contradictions(source) if source else ())
        credentials = self._credentials(source, password)
        rules = self._rules()
        if source is None or len(self.problems) > before:
            return None
        return PoolSettings(source, credentials, self.table.limit_seconds, self._recovery(), rules)

    def _recovery(self) -> RecoverySettings:
        table = self.table
        pace = Pace(table.boot_seconds, table.boot_slots, table.detection_seconds)
        return RecoverySettings(pace, table.recovery_objective_seconds)

    def _rules(self) -> Rules:
        table = self.table
        return Rules(
            vcpus_per_core=self._read("vcpus_per_core", _ratio, table.vcpus_per_core, None),
            memory=self._read("memory_policy", memory_policy_of, table.memory_policy, "static-max"),
            reserve_bytes=self._read("reserve", size_bytes, table.reserve, 0),
        )

    def _read(self, key: str, read: Callable[[Any], Value], given: object, usual: Value) -> Value:
        """Return what a key says, `usual` if it is not there or makes no sense."""
        try:
            return usual if given is None else read(given)
        except InputError as error:
            self.problems.append(f"{self.key}.{key}: {error}")
            return usual

    def _source(self) -> Source | None:
        try:
            source = parse_source(self.table.source)
        except SourceError as error:
            self.problems.append(f"{self.key}.source: {error}")
            return None
        if isinstance(source, FileSource):
            if source.is_stdin:
                self.problems.append(f'{self.key}.source: "-": standard input cannot be watched')
                return None
            return FileSource(str(self.folder / source.path))
        return source

    def _contradictions(self, source: Source) -> Iterator[str]:
        table = self.table
        if not isinstance(source, ApiSource):
            for name in ("user", "password_file", "insecure", "ca_file"):
                if getattr(table, name):
                    yield f"{self.key}.{name}: only for a pool's API; {table.source} needs none"
            return
        if table.user and source.user and table.user != source.user:
            yield f"{self.key}.user: {shown(table.user)}: the source names another user, {shown(source.user)}"
        if table.insecure and table.ca_file:
            yield f"{self.key}.ca_file: useless with insecure = true; expected one of the two"
        if source.url.startswith("http://") and (table.insecure or table.ca_file):
            name = "insecure" if table.insecure else "ca_file"
            yield f"{self.key}.{name}: http:// has no certificate to verify"

    def _credentials(self, source: Source | None, password: str | None) -> Credentials:
        if not isinstance(source, ApiSource):
            return Credentials()
        table = self.table
        if table.password_file:
            password = self._password(self.folder / table.password_file)
        elif password is None:
            self.problems.append(
                f"{self.key}.password_file: required key is missing (or set {PASSWORD_VARIABLE})"
            )
        return Credentials(
            user=table.user or source.user,
            password=password or "",
            verify_tls=not table.insecure,
            ca_file=self._ca_file(),
        )

    def _password(self, path: Path) -> str:
        text = self._text("password_file", path)
        password = text.removesuffix("\n").removesuffix("\r")
        if text and (not password or "\n" in password):
            self.problems.append(f"{self.key}.password_file: {path}: expected one line, the password")
        return password

    def _text(self, key: str, path: Path) -> str:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "expected UTF-8 text"
            self.problems.append(f"{self.key}.{key}: {path}: cannot be read: {reason}")
            return ""
        if not text:
            self.problems.append(f"{self.key}.{key}: {path}: the file is empty")
        return text

    def _ca_file(self) -> Path | None:
        if not self.table.ca_file:
            return None
        path = self.folder / self.table.ca_file
        text = self._text("ca_file", path)
        if text and "-----BEGIN CERTIFICATE-----" not in text:
            self.problems.append(f"{self.key}.ca_file: {path}: expected PEM certificates")
        return path


def _ratio(given: object) -> Fraction:
    """Return vCPUs per core: TOML has numbers, and a fraction such as "5/2" is text."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise RatioError(shown(given))
    return ratio(str(given))
