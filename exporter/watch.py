"""Watches one pool: three threads and the newest `PoolState` between them.

The watcher takes looks from the source, the planner turns the newest of them into figures, the refiner spends
more time on what stayed open. Each ends only with `stop`; whatever breaks inside one of them becomes a
problem in the state and one line in the log. Decides nothing itself: transitions are in `exporter.state`, the
waiting in `exporter.coalesce`. Must never make a reader wait for a planning.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from exporter import state as transition
from exporter.coalesce import QUIET_NS, Burst, grown
from exporter.planning import Planner, better_figures, quick_figures, with_headroom, with_recoveries
from exporter.recovery import USUAL_RECOVERY, RecoverySettings
from exporter.state import Figures, PoolState
from hacore.clock import NS_PER_SECOND, Clock
from planner.constraints.rules import NO_RULES, Rules
from planner.errors import PlannerError
from planner.inventory.follow import Seen, Update
from planner.inventory.snapshot import Snapshot

Watch = Callable[[threading.Event, Callable[[Update], None]], None]
"""Follow a source until the event is set and report each update: `planner.inventory.follow.follow`, bound."""

AGAIN_SECONDS = 5.0
"""Pause before a source that broke off unexpectedly is followed anew."""
RETRY_NS = 30 * NS_PER_SECOND
"""Pause before a planning that broke off is tried again on the same look."""

_log = logging.getLogger("xenha.watch")


@dataclass(frozen=True, slots=True)
class Watched:
    """One pool to watch. `source` is what people see of it, `watch` how it is followed.

    A planning starts when nothing has changed for `quiet_ns`; `rules` are what the operator has counted,
    `recovery` how fast the pool restarts VMs and is to.
    """

    source: str
    watch: Watch
    limit_seconds: float = 10.0
    quiet_ns: int = QUIET_NS
    rules: Rules = NO_RULES
    recovery: RecoverySettings = USUAL_RECOVERY


class PoolWatcher:
    """The threads of one pool. `refining` bounds how many pools are refined at a time."""

    def __init__(self, watched: Watched, *, planner: Planner, clock: Clock, refining: threading.Semaphore):
        self._watched = watched
        self.planner = planner
        self._clock = clock
        self._refining = refining
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._state = PoolState(watched.source, watched.rules, watched.recovery.objective_seconds)
        self._burst: Burst | None = None
        self._retry_ns: int | None = None
        self._threads = [
            threading.Thread(target=body, name=f"xenha-{name}", daemon=True)
            for name, body in (("watch", self._watch), ("plan", self._plan), ("refine", self._refine))
        ]

    @property
    def state(self) -> PoolState:
        """Return the newest state; never waits."""
        return self._state

    @property
    def source(self) -> str:
        """Return what people see of the source."""
        return self._watched.source

    @property
    def limit_seconds(self) -> float:
        """Return what a single answer about this pool may cost."""
        return self._watched.limit_seconds

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[threading.Thread]:
        """Ask the threads to end; return them to be joined."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        return self._threads

    def wait_for(self, holds: Callable[[PoolState], bool], timeout_seconds: float) -> bool:
        """Wait until the state satisfies `holds`; False if it did not within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(self._state), timeout_seconds)

    def _become(self, change: Callable[[PoolState], PoolState]) -> None:
        with self._changed:
            self._state = change(self._state)
            self._changed.notify_all()

    # The watcher ---------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self._watched.watch(self._stop, self._take)
                problem = "the source ended"
            except Exception as error:
                problem = self._one_line("following broke off", error)
            if self._stop.is_set():
                return
            self._become(partial(transition.lost, problem=problem))
            self._stop.wait(AGAIN_SECONDS)

    def _take(self, update: Update) -> None:
        if isinstance(update, Seen):
            self._take_snapshot(update.snapshot)
            return
        if update.problem != self._state.problem:
            named = update.problem.startswith(self._watched.source)
            _log.warning("%s", update.problem if named else f"{self._watched.source}: {update.problem}")
        self._become(partial(transition.lost, problem=update.problem))

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        if self._state.problem:
            _log.info("%s: answers again", self._watched.source)
        with self._changed:
            before = self._state
            self._state = transition.seen(before, snapshot, self._clock.wall_seconds())
            if self._state.snapshot is not before.snapshot:
                hurried = before.snapshot is None
                now_ns, quiet_ns = self._clock.monotonic_ns(), self._watched.quiet_ns
                self._burst = grown(self._burst, now_ns, hurried=hurried, quiet_ns=quiet_ns)
            self._changed.notify_all()

    # The planner ---------------------------------------------------------------------------------------

    def _plan(self) -> None:
        while self._wait_until_due():
            self._plan_once()

    def _wait_until_due(self) -> bool:
        """Wait until a planning is due; False when it is time to end."""
        with self._changed:
            while not self._stop.is_set():
                wait_seconds = self._due_in_seconds()
                if wait_seconds == 0:
                    return True
                self._changed.wait(wait_seconds)
            return False

    def _due_in_seconds(self) -> float | None:
        due_ns = self._burst.due_ns() if self._burst else self._retry_ns
        return None if due_ns is None else max(0, due_ns - self._clock.monotonic_ns()) / NS_PER_SECOND

    def _plan_once(self) -> None:
        snapshot = self._take_up()
        try:
            figures = quick_figures(snapshot, self.planner, self._clock)
        except Exception as error:
            self._retry_ns = self._clock.monotonic_ns() + RETRY_NS
            problem = self._one_line("planning broke off", error)
            self._become(partial(transition.plan_failed, problem=problem))
        else:
            self._become(partial(transition.planned, figures=figures))

    def _take_up(self) -> Snapshot:
        with self._changed:
            self._burst = self._retry_ns = None
            self._state = transition.planning(self._state)
            assert self._state.snapshot is not None, "a planning is due only after a look"
            return self._state.snapshot

    # The refiner ---------------------------------------------------------------------------------------

    def _refine(self) -> None:
        while self._wait_until_open():
            with self._refining:
                self._refine_once()

    def _wait_until_open(self) -> bool:
        """Wait for figures that more time could sharpen; False when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._stop.is_set() or self._open() is not None)
            return not self._stop.is_set()

    def _open(self) -> Figures | None:
        figures = self._state.figures
        return None if figures is None or figures.final else figures

    def _refine_once(self) -> None:
        figures = self._open()
        if figures is None:  # settled by a change while another pool was refined
            return
        try:
            change = self._bettered(figures)
        except Exception as error:
            problem = self._one_line("refining broke off", error)
            self._become(partial(transition.refining_failed, figures=figures, problem=problem))
        else:
            self._become(change)

    def _bettered(self, figures: Figures) -> Callable[[PoolState], PoolState]:
        """Spend more time on figures; return what becomes of the state."""
        limit_seconds = self._watched.limit_seconds
        if not figures.settled:
            better = better_figures(figures, self.planner, self._clock, limit_seconds=limit_seconds)
            return partial(transition.refined, figures=better)
        if figures.headroom is None:
            more = with_headroom(figures, self.planner, limit_seconds=limit_seconds)
        else:
            more = with_recoveries(figures, self.planner, self._clock, limit_seconds=limit_seconds)
        return partial(transition.completed, figures=more)

    def _one_line(self, what: str, error: Exception) -> str:
        kind = "" if isinstance(error, PlannerError) else f"{type(error).__name__}: "
        problem = f"{what}: {kind}{' '.join(str(error).split())}"
        _log.error("%s: %s", self._watched.source, problem, exc_info=_log.isEnabledFor(logging.DEBUG))
        return problem
