"""Failures one after the other, survived by keeping some hosts for large VMs and the others for small ones.

Whatever restarts went before, a VM of need s finds no room only where every host it may go to is saturated
(TOLERANCE §6, history-free), and for a very large one a host nearly is by what small ones left unused. So VMs
that restart are told apart as the harmonic algorithm does with items (Lee & Lee 1985): those above a size go
to hosts of the large tier only, the others never do. To each tier the history-free certificate applies with
its own VMs and hosts, from which follows for any number of failures in any order: nobody is trapped who
restarts VMs anyhow within their tier. Which hosts make a tier is looked for and need not be the best; what is
found is proven. Knows of memory and reach only, and must never claim where hosts have more.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from hacore.kernel.planning import certificate_rows, certified, saturation
from planner.tolerance.counts import Counted
from planner.tolerance.ranks import only


@dataclass(frozen=True, slots=True)
class Tiers:
    """VMs of `size_bytes` and more restart on the `large` hosts (indices), the others on the other ones."""

    failures: int
    """Survived in any order."""
    size_bytes: int
    large: frozenset[int]


def tiers(counted: Counted) -> Tiers | None:
    """Return the tiers found that survive most failures in any order; None where all VMs are of one need.

    The hosts with most room are the large tier: one more raises what it survives, and lowers what the other
    does, so that bisection finds where they meet.
    """
    assert not counted.problem.resources, "tiers count memory only"
    room = counted.safe.room
    by_room = sorted(range(len(room)), key=lambda host: (-room[host], host))
    kinds, needs = range(len(counted.needs)), counted.needs
    best: Tiers | None = None
    for cut in kinds[1:]:
        if needs[cut] < needs[cut - 1]:
            failures, number = _meeting(_Tier(counted, kinds[:cut]), _Tier(counted, kinds[cut:]), by_room)
            if best is None or failures > best.failures:
                best = Tiers(failures, needs[cut - 1], frozenset(by_room[:number]))
    return best


def _meeting(large: _Tier, small: _Tier, hosts: Sequence[int]) -> tuple[int, int]:
    """Return the most failures found that both tiers survive, and how many hosts are the large one then."""
    best, fewest, most = (-1, 0), 0, len(hosts)
    while fewest < most:
        number = (fewest + most) // 2
        above, below = large.survives(hosts[:number]), small.survives(hosts[number:])
        best = max(best, (min(above, below), number))
        fewest, most = (number + 1, most) if above < below else (fewest, number)
    return best


class _Tier:
    """The VMs of some kinds, which restart on some hosts that nobody else restarts on."""

    def __init__(self, counted: Counted, kinds: Sequence[int]) -> None:
        self._layout = only(counted.layout, kinds)
        self._sizes = array("q", [counted.safe.needs[kind] for kind in kinds])
        self._hosts = len(counted.safe.room)
        self._least, _ = saturation(counted.safe.room, self._sizes, any_size=True)

    def survives(self, hosts: Sequence[int]) -> int:
        """Return the failures survived in any order if these are the hosts of the tier."""
        least = array("q", bytes(8 * len(self._least)))
        for host in hosts:
            least[host :: self._hosts] = self._least[host :: self._hosts]
        rows = certificate_rows(self._layout, self._sizes, least, any_size=True)
        return min(certified(self._layout, rows))
