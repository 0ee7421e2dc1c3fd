"""The project's one planner, behind the service's door (`exporter.planning.Planner`)."""

from __future__ import annotations

from collections.abc import Sequence

from hacore.clock import Clock
from planner import restart
from planner.model import Pool
from planner.results import Plan, Tolerance
from planner.tolerance import answer


class OwnPlanner:
    """Asks the planner itself, on the service's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._losses: restart.SingleLosses | None = None
        """Of the pool asked about last: its hosts are asked about one by one."""

    def tolerance(self, pool: Pool, *, limit_seconds: float) -> Tolerance:
        return answer.tolerance(pool, limit_seconds=limit_seconds, clock=self._clock)

    def unplaced_if_failed(self, pool: Pool, host_uuid: str, *, limit_seconds: float) -> tuple[int, bool]:
        losses = self._losses
        if losses is None or losses.pool is not pool:
            losses = self._losses = restart.SingleLosses(pool)
        return losses.unplaced(host_uuid, limit_seconds=limit_seconds, clock=self._clock)

    def plan(self, pool: Pool, failed: Sequence[str], *, limit_seconds: float) -> Plan:
        return restart.plan(pool, failed, limit_seconds=limit_seconds, clock=self._clock)
