"""How long a host failure lasts, in words for the page. Pure; nothing open or endless may look short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, inf

from exporter.names import host_name
from exporter.page.tone import Tone
from exporter.recovery import seconds_of, worst
from planner.model import Pool
from planner.schedule.prediction import RecoveryTime


@dataclass(frozen=True, slots=True)
class RecoveryWords:
    """The longest single host failure: how long, of which host, and what to think of it."""

    value: str
    note: str
    tone: Tone


def lasting(seconds: float) -> str:
    """Return how long something lasts, rounded up: "65 s", "4 min 5 s"."""
    whole = ceil(round(seconds, 3))
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes >= 3 else f"{whole} s"


def longest(
    pool: Pool, recoveries: Mapping[str, RecoveryTime], objective_seconds: float | None
) -> RecoveryWords | None:
    """Return what is said of the worst host failure; None while nothing was worked out."""
    if not recoveries:
        return None
    wanted = "" if objective_seconds is None else f"objective {lasting(objective_seconds)}"
    found = worst(pool, recoveries)
    if found is None:
        return RecoveryWords("not known", wanted, "unknown")
    late = objective_seconds is not None and found.seconds > objective_seconds
    text = "some VMs stay down" if found.seconds == inf else lasting(found.seconds)
    note = "; ".join(part for part in (host_name(pool, found.host), wanted) if part)
    return RecoveryWords(text, note, "bad" if late else "plain")


def within(recovery: RecoveryTime | None) -> str:
    """Return " within 65 s" for a failure after which all restart; empty where that is not known."""
    seconds = None if recovery is None else seconds_of(recovery)
    return "" if seconds is None or seconds == inf else f" within {lasting(seconds)}"
