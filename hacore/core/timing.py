"""From the one user figure T to every interval of the protocol. Must never read a clock.

Sources: MEMBERSHIP §2 (beat, watchdog, silence), §4 (cold start), §5 (brakes), §7 (check-in).
"""

from __future__ import annotations

from dataclasses import dataclass

NS = 1_000_000_000
RATE_PERCENT = 1
"""ρ: by how much two hosts' clocks may run at different rates."""
GHOST_NS = 3600 * NS
"""How late a write may land that was reported as failed, and then some: a dead TCP connection is retried for
a quarter of an hour (tcp_retries2), a lost SAN port for ten minutes (dev_loss_tmo), arrays fail over in less.
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """All intervals, in nanoseconds of this host's monotonic clock."""

    timeout_ns: int  # T
    beat_ns: int  # between two heartbeats, on either channel
    watchdog_ns: int  # W, the fixed timeout of the watchdog device
    granularity_ns: int  # g, by how much the watchdog may fire late
    silence_ns: int  # T·(1+ρ) + g: after it a host that was not heard cannot be alive
    check_in_ns: int  # the brain must have checked in within it
    storage_lost_ns: int  # no good cycle started within it: "I have no storage"
    unheard_ns: int  # nothing received within it: the link is down
    stable_ns: int  # views must have stood unchanged for it before network loss may fence
    cold_start_ns: int  # how long a cold start waits for the hosts that are missing
    ghost_ns: int  # how late after its failure a write may land: until then its copy is not used

    @property
    def ping_until_ns(self) -> int:
        """How long after S the watchdog may be pinged: T − 3W − 2g.

        The last ping in time may be followed by one that was held up after its check, that one by the ping of
        a device closed by kill −9, and each lasts for up to W + g: it fires at S + T + g at the latest.
        """
        return self.timeout_ns - 3 * self.watchdog_ns - 2 * self.granularity_ns

    @property
    def over_ns(self) -> int:
        """How long after S the watchdog should have fired: T − 2W − g. Who still lives must fence."""
        return self.ping_until_ns + self.watchdog_ns + self.granularity_ns

    @property
    def confirmation_ns(self) -> int:
        """How long after a host was read to be fencing itself its watchdog has certainly fired: 3(W + g).

        The last ping before its lease was cut, one held up after its check, and the one of a device closed by
        kill −9 each last for up to W + g.
        """
        return 3 * (self.watchdog_ns + self.granularity_ns)


def timing(timeout_ns: int, granularity_ns: int, *, lab: bool = False, ghost_ns: int = GHOST_NS) -> Timing:
    """Return the intervals for T; `lab` lets the watchdog's timeout be below a second, or fractional."""
    tenth = timeout_ns // 10
    whole = max(tenth // NS, 1) * NS  # watchdog devices know nothing finer (WDIOC_SETTIMEOUT)
    return Timing(
        timeout_ns=timeout_ns,
        beat_ns=min(max(timeout_ns // 20, NS // 10), 3 * NS),
        watchdog_ns=tenth if lab else whole,
        granularity_ns=granularity_ns,
        silence_ns=timeout_ns + timeout_ns * RATE_PERCENT // 100 + granularity_ns,
        check_in_ns=timeout_ns // 4,
        storage_lost_ns=timeout_ns // 4,
        unheard_ns=timeout_ns // 2,
        stable_ns=timeout_ns // 2,
        cold_start_ns=timeout_ns + 60 * NS,
        ghost_ns=ghost_ns,
    )
