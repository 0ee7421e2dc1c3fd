"""What one machine is told once, at its start: who it is and how the pool decides. Decides nothing.

Never changes while the daemon runs, but for the weight, which an operator may set anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hacore.core.timing import Timing
from hacore.records import MAX_HOSTS


class Isolation(StrEnum):
    """What network loss alone may cost (MEMBERSHIP §5)."""

    EVIDENCE = "evidence"  # the group whose links are at fault, if it can be told
    FENCE = "fence"  # minorities always; ties go to weight, then to the lowest UUID: xapi's rule
    HOLD = "hold"  # nobody


class Quorum(StrEnum):
    """What a member lives on."""

    DISK = "disk"  # the statefile; grants of all when nobody has it
    MAJORITY = "majority"  # grants of more than half of the configured hosts (clustered SRs)


@dataclass(frozen=True, slots=True)
class Setup:
    """Who I am, among whom, and by which rules."""

    hosts: int  # configured, 1 to 64; index order is the order of UUIDs
    me: int  # my index
    incarnation: int  # of this boot, never 0
    timing: Timing
    isolation: Isolation = Isolation.EVIDENCE
    quorum: Quorum = Quorum.DISK
    weight: int = 0
    arbiters: int = 0  # how many are configured
    fencing: bool = True  # False: null watchdog (--no-fencing); as if disarmed for good

    def __post_init__(self) -> None:
        """Refuse what config should have refused."""
        assert 1 <= self.hosts <= MAX_HOSTS, self.hosts
        assert 0 <= self.me < self.hosts, self.me
        assert self.incarnation > 0, self.incarnation

    @property
    def configured(self) -> int:
        """Return the mask of all configured hosts."""
        return (1 << self.hosts) - 1
