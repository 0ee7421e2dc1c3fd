"""The worked example of all intervals in docs/timing.md. Decides nothing; the daemon never loads it."""

from __future__ import annotations

from collections.abc import Sequence

from hacore.core.inequalities import Inequality, inequalities, seconds
from hacore.core.timing import NS, Timing, timing

TIMEOUTS_SECONDS = (10, 60, 120)
GRANULARITY_NS = NS // 10

HEAD = f"""# Time

All intervals come from the one figure T (`timeout`). Here for a watchdog that fires up to
g = {seconds(GRANULARITY_NS)} s late and clocks whose rates are up to ρ = 1 % apart, in seconds.
"""
WORDS = (
    ("T", "timeout_ns", "a host that could not prove itself for so long is rebooted by its watchdog"),
    ("beat", "beat_ns", "between two heartbeats, on the network and on the disk"),
    ("W", "watchdog_ns", "the fixed time-out of the watchdog device, pinged every W/4"),
    (
        "T − 3W − 2g",
        "ping_until_ns",
        "after the start of the last good cycle: how long the watchdog is pinged",
    ),
    (
        "3(W + g)",
        "confirmation_ns",
        "after a host was read to be fencing itself, its lease cut: it is certainly dead",
    ),
    ("check-in", "check_in_ns", "the brain must have checked in within it"),
    ("storage_lost", "storage_lost_ns", "no good cycle started within it: “I have no storage”"),
    ("unheard", "unheard_ns", "nothing received within it: the link is down"),
    ("stable", "stable_ns", "so long must views stand unchanged before network loss may fence"),
    ("silence", "silence_ns", "a slot unchanged for it: the host is certainly dead"),
    ("cold_start", "cold_start_ns", "so long a cold start waits for those that are missing"),
    ("ghost", "ghost_ns", "so long after a write to it failed is a copy of the own slot not used"),
)


def page() -> str:
    """Return the text of docs/timing.md."""
    chosen = [timing(each * NS, GRANULARITY_NS) for each in TIMEOUTS_SECONDS]
    columns = " | ".join(f"T = {each}" for each in TIMEOUTS_SECONDS)
    rule = "---|" * (len(chosen) + 2)
    return "\n".join(
        [
            f"{HEAD}\n## Intervals\n\n| | {columns} | what it is for |\n|{rule}",
            *(_interval(word, field, use, chosen) for word, field, use in WORDS),
            "\n## Inequalities\n",
            "A configuration that violates one is refused with its reason (hacore/core/inequalities.py).\n",
            f"| | {columns} | otherwise |\n|{rule}",
            *(_inequality(each, chosen) for each in inequalities(lab=False)),
            "",
        ]
    )


def _interval(word: str, field: str, use: str, chosen: Sequence[Timing]) -> str:
    cells = " | ".join(seconds(getattr(each, field)) for each in chosen)
    return f"| {word} | {cells} | {use} |"


def _inequality(rule: Inequality, chosen: Sequence[Timing]) -> str:
    cells = " | ".join(f"{seconds(rule.left_ns(t))} ≤ {seconds(rule.right_ns(t))}" for t in chosen)
    return f"| {rule.left} ≤ {rule.right} | {cells} | {rule.reason} |"
