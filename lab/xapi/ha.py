"""What xapi itself says about HA: its plan, its guards, its two pool fields.

Figures come from `planner.compat.xapi`, which repeats xapi's own rule. The monitor keeps ha_plan_exists_for
and ha_overcommitted up to date in a thread of its own, as xapi does; it plans again after every change of the
pool, where xapi waits for some changes up to half an hour.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lab.xapi import readback
from lab.xapi.classes import Time
from lab.xapi.database import Database, stable_uuid
from lab.xapi.errors import XapiError
from lab.xapi.methods import Caller
from planner.inventory.reader import Unreadable
from planner.model import Pool


def plan_exists(pool: Pool, failures: int) -> bool:
    """Tell whether xapi finds a plan for all protected VMs after this many failures."""
    from planner.compat import xapi  # only labs that plan need it

    return xapi.plan_exists(pool, failures) == "all"


def max_failures(pool: Pool) -> int:
    """Return the number of failures for which xapi finds plans."""
    from planner.compat import xapi

    return xapi.max_failures(pool)


def guard(caller: Caller, change: Callable[[Pool], Pool]) -> None:
    """Refuse a change that breaks a plan which exists now, unless the pool allows overcommitting."""
    record = caller.db.record("pool", caller.lab.pool())
    if not record["ha_enabled"] or record["ha_allow_overcommit"]:
        return
    failures = record["ha_plan_exists_for"]
    before = readback.pool(caller.db)
    if plan_exists(before, failures) and not plan_exists(change(before), failures):
        raise XapiError("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN")


class Monitor:
    """Keeps the pool's HA fields true, in the background."""

    def __init__(self, db: Database, now: Callable[[], str]) -> None:
        self._db = db
        self._now = now
        self._state = threading.Condition()
        self._asked = 0
        self._done = 0
        self._stopping = False
        self._last: Pool | None = None
        self._thread = threading.Thread(target=self._loop, name="ha-monitor", daemon=True)

    def start(self) -> None:
        """Plan once, then after every `wake`."""
        self.wake()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a plan under way is finished first."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        self._thread.join()

    def wake(self) -> None:
        """Say that something changed."""
        with self._state:
            self._asked += 1
            self._state.notify_all()

    def settle(self, timeout_seconds: float = 30.0) -> bool:
        """Wait until every change made so far is planned for; tell whether it is."""
        with self._state:
            asked = self._asked
            return self._state.wait_for(lambda: self._done >= asked or self._stopping, timeout_seconds)

    def _loop(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._asked > self._done or self._stopping)
                if self._stopping:
                    return
                asked = self._asked
            self._refresh()
            with self._state:
                self._done = asked
                self._state.notify_all()

    def _refresh(self) -> None:
        try:
            pool = readback.pool(self._db)
        except Unreadable:
            return  # the pool's own record was damaged on purpose
        if pool != self._last:
            self._last = pool
            store(self._db, Time(self._now()), *status(pool))


def status(pool: Pool) -> tuple[int, bool]:
    """Return ha_plan_exists_for and ha_overcommitted as xapi's update_pool_status finds them."""
    target = pool.ha_host_failures_to_tolerate or 0
    if not pool.ha_enabled:
        return 0, False
    if plan_exists(pool, target):
        return target, False
    return min(target, max_failures(pool)), True


def store(db: Database, now: Time, plan_exists_for: int, overcommitted: bool) -> None:
    """Write the two fields, and the message that tells of the transition to overcommitted."""
    with db.lock:
        ref = db.refs("pool")[0]
        before = db.record("pool", ref)
        db.update("pool", ref, ha_plan_exists_for=plan_exists_for, ha_overcommitted=overcommitted)
        if overcommitted and not before["ha_overcommitted"]:
            db.create(
                "message",
                uuid=stable_uuid("message", str(db.generation)),
                name="HA_POOL_OVERCOMMITTED",
                priority=3,
                cls="Pool",
                obj_uuid=before["uuid"],
                timestamp=now,
            )
