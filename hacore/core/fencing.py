"""When a host that was left out is certainly dead (MEMBERSHIP §4, G1). Must never guess.

Certain is only: it fell silent, it rebooted, its lease has run out since the removal was on the disk, or it
has confirmed and its watchdog has had its time since.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeadEvidence:
    """What is known of a host that the newest epoch leaves out."""

    now_ns: int
    armed: bool  # it is fenced if its lease ends
    rebooted: bool  # its slot shows another incarnation than the member's
    silent: bool  # in a read that started after the removal was on the disk
    removed_ns: int  # when the removal was certainly on the disk; 0: not known to be
    confirmed_ns: int  # when its slot was first read confirming the removal; 0: it was not
    silence_ns: int
    watchdog_ns: int
    granularity_ns: int


def certainly_dead(seen: DeadEvidence) -> bool:
    """Tell whether the host runs no VM any more."""
    if seen.rebooted:
        return True
    if not seen.armed or not seen.removed_ns:
        return False
    if seen.silent or seen.now_ns - seen.removed_ns > seen.silence_ns:
        return True
    return bool(seen.confirmed_ns) and (
        seen.now_ns - seen.confirmed_ns > seen.watchdog_ns + seen.granularity_ns
    )
