"""How old the news of each host are, on each channel, and how many of its beats did not come.

Decides nothing: for people and metrics only: what the protocol acts on, the machine keeps itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from hacore.core.events import DiskCycle

WARNINGS_PERCENT = (50, 25)


class Channel:
    """One channel, all hosts. A time of 0 is "never"."""

    def __init__(self, hosts: int, beat_ns: int) -> None:
        self._beat_ns = beat_ns
        self.seen_ns = [0] * hosts
        self._missed = [0] * hosts

    def saw(self, host: int, at_ns: int) -> None:
        """Take in that there were news of a host."""
        before_ns = self.seen_ns[host]
        if before_ns and at_ns > before_ns:
            self._missed[host] += self._missing(at_ns - before_ns)
        self.seen_ns[host] = at_ns

    def age_ns(self, host: int, now_ns: int) -> int | None:
        """Return the age of the newest news; None: there never were any."""
        return max(0, now_ns - self.seen_ns[host]) if self.seen_ns[host] else None

    def missed(self, host: int, now_ns: int) -> int:
        """Return how many beats did not come, those that are due now included."""
        if not self.seen_ns[host]:
            return 0
        return self._missed[host] + self._missing(max(0, now_ns - self.seen_ns[host]))

    def _missing(self, gap_ns: int) -> int:
        """Return how many beats a gap has swallowed; half a beat late is late, not missing."""
        return max(0, (gap_ns + self._beat_ns // 2) // self._beat_ns - 1)


class Channels:
    """The shared disk and each network."""

    def __init__(self, hosts: int, networks: int, beat_ns: int) -> None:
        self.disk = Channel(hosts, beat_ns)
        self.networks = [Channel(hosts, beat_ns) for _ in range(networks)]
        self._sequences: Sequence[int] = (0,) * hosts

    def read(self, cycle: DiskCycle) -> None:
        """Take in what a disk cycle showed; a slot that was only ever formatted is no news of anybody."""
        if not cycle.read or cycle.sequences == self._sequences:
            return
        for host, body in enumerate(cycle.bodies):
            sequence, before = cycle.sequences[host], self._sequences[host]
            blank = body is not None and not body.incarnation
            if sequence and sequence != before and not blank:
                self.disk.saw(host, cycle.completed_ns)
        self._sequences = cycle.sequences

    def heard(self, network: int, heard_ns: Sequence[int]) -> None:
        """Take in when a network brought something of each host."""
        channel = self.networks[network]
        for host, at_ns in enumerate(heard_ns):
            if at_ns > channel.seen_ns[host]:
                channel.saw(host, at_ns)


def warning_percent(age_ns: int | None, timeout_ns: int) -> int:
    """Return which share of a time-out has passed: 0, 25 or 50 percent (MEMBERSHIP §8)."""
    if age_ns is None:
        return 0
    return next((each for each in WARNINGS_PERCENT if age_ns * 100 >= timeout_ns * each), 0)
