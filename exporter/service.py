"""The watching service: the newest state of every pool, and answers on demand. What all output is made from.

Asking for a state never waits, never plans and never fails: it returns what the threads last left there.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from exporter.answers import Answers
from exporter.daemons.state import DaemonState
from exporter.daemons.watch import DaemonWatcher
from exporter.planning import Planner
from exporter.questions import Answer, Question
from exporter.state import PoolState, with_duplicates
from exporter.watch import PoolWatcher, Watched
from hacore.clock import Clock, Deadline


class Service:
    """Watches pools from `start` to `stop`. A context manager that does both."""

    def __init__(
        self, watched: Sequence[Watched], *, planner: Planner, clock: Clock, daemons: Sequence[str] = ()
    ) -> None:
        """Watch these pools, and the daemons whose sockets these paths and patterns name."""
        refining = threading.Semaphore(1)
        self.clock = clock
        self.answers = Answers()
        self.daemon_watcher = DaemonWatcher(daemons, clock=clock)
        self.watchers = tuple(
            PoolWatcher(
                one, planner=planner.under(one.rules, one.recovery.pace), clock=clock, refining=refining
            )
            for one in watched
        )

    def start(self) -> None:
        """Start all threads."""
        self.answers.start()
        self.daemon_watcher.start()
        for watcher in self.watchers:
            watcher.start()

    def stop(self, timeout_seconds: float = 1.0) -> bool:
        """End all threads; False if one is still busy after `timeout_seconds` (it holds nothing of value)."""
        deadline = Deadline.after(self.clock, timeout_seconds)
        threads = [thread for watcher in self.watchers for thread in watcher.stop()]
        threads += self.answers.stop() + self.daemon_watcher.stop()
        for thread in threads:
            thread.join(deadline.left_seconds())
        return not any(thread.is_alive() for thread in threads)

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def states(self) -> tuple[PoolState, ...]:
        """Return the newest state of every source, in the operator's order."""
        return with_duplicates([watcher.state for watcher in self.watchers])

    def daemons(self) -> tuple[DaemonState, ...]:
        """Return the newest state of every daemon's socket, in the operator's order."""
        return self.daemon_watcher.states()

    def ask(self, state: PoolState, question: Question) -> Future[Answer]:
        """Return the answer to come about a pool.

        The state must have a snapshot. Raise Busy; the future may hold planner.errors.InputError.
        """
        assert state.snapshot is not None, "only a pool that was seen can be asked about"
        watcher = next(each for each in self.watchers if each.source == state.source)
        return self.answers.ask(
            state.snapshot, question, watcher.planner, limit_seconds=watcher.limit_seconds
        )
