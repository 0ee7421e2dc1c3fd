"""When a planning is due after changes: soon after the last of a burst, and never long after its first.

Pure: nanoseconds of a monotonic clock go in. A flood of events thus costs at most one planning a second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hacore.clock import NS_PER_SECOND

QUIET_NS = NS_PER_SECOND // 5
"""Changes that belong together (a VM starts: VM, VBD, host metrics) arrive within this."""
LONGEST_NS = NS_PER_SECOND
"""A burst that does not end is cut here."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Changes that wait for a planning. `hurried`: the first look at a pool, nothing to wait for."""

    first_ns: int
    last_ns: int
    hurried: bool = False
    quiet_ns: int = QUIET_NS

    def due_ns(self) -> int:
        """Return the moment at which the planning should start."""
        if self.hurried:
            return self.first_ns
        return min(self.last_ns + self.quiet_ns, self.first_ns + LONGEST_NS)


def grown(burst: Burst | None, now_ns: int, *, hurried: bool = False, quiet_ns: int = QUIET_NS) -> Burst:
    """Return the burst with one more change."""
    if burst is None:
        return Burst(now_ns, now_ns, hurried, quiet_ns)
    return replace(burst, last_ns=now_ns)
