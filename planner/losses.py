"""What each single host failure would leave down in one pool.

For those who ask about every host of a pool again and again (metrics, the page): what the answers share is
worked out once. Says how many VMs a plan for that host would leave, and finds no places for them.
"""

from __future__ import annotations

from collections import defaultdict

from hacore.clock import Clock, Deadline
from planner.constraints.counted import resources_of
from planner.constraints.memory import applied
from planner.constraints.rules import NO_RULES, Rules
from planner.model import Pool
from planner.placement.places import room_of
from planner.placement.recovery import recover
from planner.placement.spread import NOWHERE
from planner.placement.wishes import Wish
from planner.restarting import resolve, wishes_of, without


class SingleLosses:
    """What each single host failure would leave down in one pool; what they share is worked out once."""

    def __init__(self, pool: Pool, rules: Rules = NO_RULES) -> None:
        pool, rules = applied(pool, rules)
        resources = resources_of(pool, rules)
        self.pool = pool
        self._index = {host.uuid: i for i, host in enumerate(pool.hosts_in_service)}
        self._room = room_of(pool, resources)
        concerned = [vm for vm in pool.protected_vms if vm.power_state != "Suspended"]
        wishes = wishes_of(pool, concerned, resources)
        self._down = [wish for vm, wish in zip(concerned, wishes, strict=True) if pool.is_down(vm)]
        self._at: dict[str | None, list[Wish]] = defaultdict(list)
        for vm, wish in zip(concerned, wishes, strict=True):
            if not pool.is_down(vm):
                self._at[vm.home].append(wish)

    def unplaced(self, host: str, *, limit_seconds: float = 10.0, clock: Clock) -> tuple[int, bool]:
        """Return how many protected VMs the plan would leave down if `host` failed, and whether it is proven.

        Those that are down already count if they stay down. Raises UnknownHostError.
        """
        (uuid,) = resolve(self.pool, [host])
        lost = 1 << self._index[uuid] if uuid in self._index else 0
        wishes = [without(wish, lost) for wish in (*self._down, *self._at.get(uuid, ()))]
        recovery = recover(wishes, self._room, Deadline.after(clock, limit_seconds), numbers_only=True)
        return recovery.to.count(NOWHERE), recovery.proven
