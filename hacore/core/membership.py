"""Who is a member, and what the next epoch should say (MEMBERSHIP §4). Must never go by index alone."""

from __future__ import annotations

from hacore.records import Decision


def is_member(decided: Decision, host: int, incarnation: int) -> bool:
    """Tell whether this very incarnation of the host is a member: a reboot makes somebody else of it."""
    return decided.has(host, incarnation)
