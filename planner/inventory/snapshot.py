"""One look at a pool: the pool itself and what the look could not make sense of."""

from __future__ import annotations

from dataclasses import dataclass

from planner.model import Pool
from planner.results import Reject, XapiFigures


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A pool at one moment. `rejects`: records left out, each with its reason; `xapi` only from an API."""

    pool: Pool
    rejects: tuple[Reject, ...] = ()
    xapi: XapiFigures | None = None
