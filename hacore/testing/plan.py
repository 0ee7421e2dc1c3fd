"""What a world is made of before anything happens: how many hosts, which policies, which faults when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hacore.core.setup import Isolation, Quorum
from hacore.core.timing import NS, Timing, timing
from hacore.testing.network import ALL_NETWORKS

GRANULARITY_NS = NS
GHOST_TIMEOUTS = 2
"""In a world ghosts land at most 1.5 T late (port.py): clean copies come back within minutes, not hours."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, or that an operator does; `until_ns` is `at_ns` for what lasts no time."""

    at_ns: int
    until_ns: int
    kind: str
    hosts: int = 0  # mask: to whom it happens
    others: int = 0  # mask: the other end, of what happens to links
    value: float = 0.0  # of the kind: share of packets lost, seconds late, weight, leader
    network: int = ALL_NETWORKS  # of what happens to links

    def __post_init__(self) -> None:
        """Refuse what would never end."""
        assert self.until_ns >= self.at_ns, self

    @property
    def lasts_ns(self) -> int:
        return self.until_ns - self.at_ns


@dataclass(frozen=True, slots=True)
class Plan:
    """One world. Everything else follows from it and the seed."""

    hosts: int
    timeout_ns: int
    minutes: float
    isolation: Isolation = Isolation.EVIDENCE
    quorum: Quorum = Quorum.DISK
    fencing: bool = True
    arbiters: int = 1
    networks: int = 1
    weights: tuple[int, ...] = ()
    reboot_ns: int = 40 * NS
    faults: Sequence[Fault] = field(default=())
    late_start_ns: tuple[int, ...] = ()  # by host: when it boots; default: all at once
    spread_ns: int = 2 * NS  # hosts boot within it
    ppm: tuple[int, ...] = ()  # by host: how many millionths its clock is too fast; default: drawn

    @property
    def ends_ns(self) -> int:
        return int(self.minutes * 60 * NS)

    @property
    def timing(self) -> Timing:
        return timing(
            self.timeout_ns,
            GRANULARITY_NS,
            lab=self.timeout_ns < 10 * NS,
            ghost_ns=GHOST_TIMEOUTS * self.timeout_ns,
        )

    def weight(self, host: int) -> int:
        return self.weights[host] if host < len(self.weights) else 0
