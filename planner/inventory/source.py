"""SOURCE (DESIGN §5.1): what a command reads its pool from, and one look at it.

    pool.json                         a pool file; "-" is standard input
    https://root@master.example       a pool's API; http:// and a port work as well
    demo:                             the built-in simulated pool, made by the command line and not here

A password is never part of a SOURCE: command lines end up in process lists and shell histories.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from planner.errors import SourceError
from planner.inventory.poolfile import STDIN, load_pool
from planner.inventory.snapshot import Snapshot

if TYPE_CHECKING:
    from hacore.clock import Clock

DEMO = "demo:"
DEFAULT_USER = "root"
EXPECTED = "expected a pool file, https://root@master.example or demo:"


@dataclass(frozen=True, slots=True)
class FileSource:
    """A pool file; path "-" is standard input."""

    path: str

    def __str__(self) -> str:
        return self.path

    @property
    def is_stdin(self) -> bool:
        return self.path == STDIN

    def version(self) -> tuple[int, int, int] | None:
        """Return something that differs when the file has changed; None if there is none."""
        try:
            found = os.stat(self.path)
        except (OSError, ValueError):
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


@dataclass(frozen=True, slots=True)
class ApiSource:
    """The API of a pool; `url` is scheme://host[:port], `user` None leaves it to the credentials."""

    url: str
    user: str | None = None

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class DemoSource:
    """The built-in simulated pool."""

    def __str__(self) -> str:
        return DEMO


Source = FileSource | ApiSource | DemoSource


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are at the API and whom we trust; `ca_file`: PEM certificates beside the system's."""

    user: str | None = None
    password: str = field(default="", repr=False)
    verify_tls: bool = True
    ca_file: Path | None = None


def parse_source(text: str) -> Source:
    """Return what `text` names, without looking whether it is there.

    Raises SourceError.
    """
    if text == DEMO:
        return DemoSource()
    if text.startswith(DEMO):
        raise SourceError(text, f"{DEMO} takes nothing behind the colon; {EXPECTED}")
    if "://" in text:
        return _parse_url(text)
    if not text or "\0" in text:
        raise SourceError(text or '""', f"not a file name; {EXPECTED}")
    return FileSource(text)


def _parse_url(text: str) -> ApiSource:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise SourceError(_without_user(text), f"not a URL: {error}") from None
    if parts.password is not None:
        raise SourceError(
            _without_user(text), "a password in a URL ends up in process lists; use XENHA_PASSWORD"
        )
    problem = _url_problem(parts)
    if problem:
        raise SourceError(_without_user(text), problem)
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    url = f"{parts.scheme}://{bracketed}" + (f":{port}" if port is not None else "")
    return ApiSource(url, unquote(parts.username) if parts.username else None)


def _url_problem(parts: SplitResult) -> str | None:
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}:// is no way to reach a pool; {EXPECTED}"
    if not parts.hostname:
        return f"names no host; {EXPECTED}"
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        return f"nothing may follow the host; {EXPECTED}"
    return None


def _without_user(text: str) -> str:
    """Return a URL as it may be printed: what stands before the host could be a password."""
    scheme, _, rest = text.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def load(source: Source, credentials: Credentials, clock: Clock) -> Snapshot:
    """Look once at the pool behind `source`.

    Raises PoolFileError, PoolUnreachable, or SourceError for `demo:`, which only the command line can make.
    """
    match source:
        case FileSource():
            return Snapshot(load_pool(source.path))
        case ApiSource():
            from planner.inventory.api import look  # XML-RPC and TLS: 30 ms that a pool file need not pay

            return look(source, credentials, clock)
        case DemoSource():
            raise demo_refused()


def demo_refused() -> SourceError:
    """Return the error for a place where `demo:` cannot be used."""
    return SourceError(DEMO, "the simulated pool is made by the command line; expected a pool file or a URL")
