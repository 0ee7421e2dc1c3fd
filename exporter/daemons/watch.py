"""Watches daemons: one thread that looks at all sockets every few seconds, and the newest states.

Patterns are looked up anew at each look; a socket that was found once is watched for good, so that a daemon
whose socket has gone is said to be down and not forgotten. Must never make a reader wait.
"""

from __future__ import annotations

import glob
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from exporter.daemons.client import Answer, ask_all
from exporter.daemons.state import DaemonState, looked, with_duplicates
from hacore.clock import Clock

LOOK_SECONDS = 2.0
"""Between two looks."""
LIMIT_SECONDS = 0.9
"""What one look may take: less than a service that ends waits for its threads."""
MOST_SOCKETS = 256
"""Four pools of 64 hosts; a pattern that matches everything must not open everything."""

Ask = Callable[[Iterable[str]], Mapping[str, Answer]]
_log = logging.getLogger("xenha.daemons")


class DaemonWatcher:
    """Looks at the sockets that `patterns` name, from `start` to `stop`."""

    def __init__(
        self,
        patterns: Sequence[str],
        *,
        clock: Clock,
        ask: Ask | None = None,
        pause_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._patterns = tuple(patterns)
        self._clock = clock
        self._ask = ask or (lambda paths: ask_all(paths, clock=clock, limit_seconds=LIMIT_SECONDS))
        self._pause_seconds = pause_seconds
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._states = tuple(DaemonState(pattern) for pattern in self._patterns)
        self._thread = threading.Thread(target=self._watch, name="xenha-daemons", daemon=True)

    def states(self) -> tuple[DaemonState, ...]:
        """Return the newest state of every socket, in the operator's order; never waits."""
        return self._states

    def start(self) -> None:
        """Start the thread, if there is anything to watch."""
        if self._patterns:
            self._thread.start()

    def stop(self) -> list[threading.Thread]:
        """Ask the thread to end; return it to be joined."""
        self._stop.set()
        return [self._thread] if self._patterns else []

    def wait_for(self, holds: Callable[[tuple[DaemonState, ...]], bool], timeout_seconds: float) -> bool:
        """Wait until the states satisfy `holds`; False if they did not within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(self._states), timeout_seconds)

    def look(self) -> None:
        """Ask every daemon once."""
        known = self._with_found({state.socket: state for state in self._states})
        answers = self._ask(known)
        now_seconds = self._clock.wall_seconds()
        states = [looked(state, answers[path], now_seconds) for path, state in known.items()]
        _log_changes(known, states)
        with self._changed:
            self._states = with_duplicates(states)
            self._changed.notify_all()

    def _with_found(self, known: dict[str, DaemonState]) -> dict[str, DaemonState]:
        """Return the sockets known, with those that the patterns name now.

        A pattern stands for itself until something matches it: a daemon that is expected and not there.
        """
        for pattern in self._patterns:
            found = sorted(glob.glob(pattern))
            if found and glob.has_magic(pattern):
                known.pop(pattern, None)
            for path in found:
                if len(known) < MOST_SOCKETS:
                    known.setdefault(path, DaemonState(path))
        return known

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except Exception:
                _log.exception("a look at the daemons broke off")
            self._stop.wait(self._pause_seconds)


def _log_changes(before: Mapping[str, DaemonState], after: Sequence[DaemonState]) -> None:
    for state in after:
        if state.problem and state.problem != before[state.socket].problem:
            _log.warning("%s: %s", state.socket, state.problem)
        elif state.up and before[state.socket].problem:
            _log.info("%s: answers again", state.socket)
