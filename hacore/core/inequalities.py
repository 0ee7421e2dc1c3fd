"""What the intervals must fulfil for the protocol. Decides whether a timing may be used, changes none.

Every violated inequality is a whole sentence with its figures and its reason: the operator reads it as it is.
docs/timing.md shows all of them at work (hacore/core/worked.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hacore.core.timing import NS, RATE_PERCENT, Timing

SHORTEST_NS = 10 * NS
"""MEMBERSHIP §2; xapi's own limit, too (xapi-ha §1.5)."""
LONGEST_NS = 3600 * NS
"""Until T is over nobody may restart a dead host's VMs: longer is no high availability."""


@dataclass(frozen=True, slots=True)
class Inequality:
    """`left` must not exceed `right`."""

    left: str  # in the words of MEMBERSHIP
    left_ns: Callable[[Timing], int]
    right: str
    right_ns: Callable[[Timing], int]
    reason: str
    lab: bool = True  # holds in a lab, too

    def holds(self, timing: Timing) -> bool:
        """Tell whether it is fulfilled."""
        return self.left_ns(timing) <= self.right_ns(timing)

    def sentence(self, timing: Timing) -> str:
        """Say what is wrong."""
        left, right = seconds(self.left_ns(timing)), seconds(self.right_ns(timing))
        return f"{self.left} = {left} s must not exceed {self.right} = {right} s: {self.reason}"


def check(timing: Timing, lab: bool) -> tuple[str, ...]:
    """Return a sentence for each violated inequality; none: the timing may be used."""
    return tuple(each.sentence(timing) for each in inequalities(lab) if not each.holds(timing))


def inequalities(lab: bool) -> tuple[Inequality, ...]:
    """Return those that count; a lab may go below the shortest T and W."""
    return tuple(each for each in (*LIMITS, *WATCHDOG, *BEATS, *ENDS) if each.lab or not lab)


def seconds(duration_ns: int) -> str:
    """Return a duration as people write it, in seconds."""
    return f"{duration_ns / NS:.9f}".rstrip("0").rstrip(".")


def drift_ns(timing: Timing) -> int:
    """Return T·ρ: how far two clocks may come apart within T."""
    return timing.timeout_ns * RATE_PERCENT // 100


LIMITS = (
    Inequality(
        "the shortest time-out allowed",
        lambda t: SHORTEST_NS,
        "T",
        lambda t: t.timeout_ns,
        "hiccups of disks and networks last longer",
        lab=False,
    ),
    Inequality(
        "T",
        lambda t: t.timeout_ns,
        "the longest time-out allowed",
        lambda t: LONGEST_NS,
        "until it is over nobody may restart the VMs of a dead host",
    ),
    Inequality(
        "the shortest time-out of watchdog devices",
        lambda t: NS,
        "W",
        lambda t: t.watchdog_ns,
        "they count whole seconds",
        lab=False,
    ),
    Inequality(
        "the fraction of a second in W",
        lambda t: t.watchdog_ns % NS,
        "the finest step of watchdog devices",
        lambda t: 0,
        "they count whole seconds, would round it up and fire later than they are relied on to",
        lab=False,
    ),
)
"""What an operator may choose."""

UNTIL = "T − 3W − 2g"

WATCHDOG = (
    Inequality(
        "the watchdog's granularity g",
        lambda t: t.granularity_ns,
        "W",
        lambda t: t.watchdog_ns,
        "a watchdog that coarse says nothing about when it fires",
    ),
    Inequality(
        "two beats",
        lambda t: 2 * t.beat_ns,
        UNTIL,
        lambda t: t.ping_until_ns,
        "the last good cycle of a healthy host may have begun that long ago, and it must still be pinged",
    ),
    Inequality(
        "the check-in",
        lambda t: t.check_in_ns,
        UNTIL,
        lambda t: t.ping_until_ns,
        "otherwise the deadline comes before anybody notices a stuck brain",
    ),
    Inequality(
        "storage_lost + four beats",
        lambda t: t.storage_lost_ns + 4 * t.beat_ns,
        UNTIL,
        lambda t: t.ping_until_ns,
        "when all lose their storage, grants must arrive before the watchdogs are left to fire",
    ),
)
"""It fires in time, and never on a host that is well."""

BEATS = (
    Inequality(
        "the beat",
        lambda t: t.beat_ns,
        "T/4",
        lambda t: t.timeout_ns // 4,
        "too few would fit into T to bear the loss of some",
    ),
    Inequality(
        "two beats",
        lambda t: 2 * t.beat_ns,
        "the check-in",
        lambda t: t.check_in_ns,
        "the brain is only sure to look once a beat",
    ),
    Inequality(
        "two beats",
        lambda t: 2 * t.beat_ns,
        "storage_lost",
        lambda t: t.storage_lost_ns,
        "one slow cycle would be taken for lost storage",
    ),
    Inequality(
        "three beats",
        lambda t: 3 * t.beat_ns,
        "unheard",
        lambda t: t.unheard_ns,
        "two lost packets would be taken for a broken link",
    ),
)
"""They are so short that a late one means nothing."""

ENDS = (
    Inequality(
        "T + T·ρ + g",
        lambda t: t.timeout_ns + drift_ns(t) + t.granularity_ns,
        "silence",
        lambda t: t.silence_ns,
        "a host would be taken for dead that may still run its VMs",
    ),
    Inequality(
        "the last ping + 3(W + g) + T·ρ",
        lambda t: t.ping_until_ns + t.confirmation_ns + drift_ns(t),
        "silence",
        lambda t: t.silence_ns,
        "a watchdog pinged late, and once more by its closing, would fire after the host counts as dead",
    ),
    Inequality(
        "unheard + stable",
        lambda t: t.unheard_ns + t.stable_ns,
        "T",
        lambda t: t.timeout_ns,
        "a broken network would be judged later than a dead host",
    ),
    Inequality(
        "silence",
        lambda t: t.silence_ns,
        "cold_start",
        lambda t: t.cold_start_ns,
        "a cold start must outlast those that may still be alive",
    ),
)
"""Nobody counts as dead before its watchdog has fired."""
