"""Who leads. Must never name a host that is no member."""

from __future__ import annotations

from collections.abc import Sequence

from hacore.records import NOBODY


def choose_leader(liveset: int, wish: int, previous: int, weights: Sequence[int]) -> int:
    """Return the wished one (XAPI's master) if a member, else the previous, else by weight, lowest index."""
    for host in (wish, previous):
        if host != NOBODY and liveset >> host & 1:
            return host
    members = [host for host in range(len(weights)) if liveset >> host & 1]
    return max(members, key=lambda host: (weights[host], -host), default=NOBODY)
