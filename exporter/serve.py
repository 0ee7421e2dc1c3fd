"""`xenha serve` as a whole: from settings to a running service, and back to nothing.

Listens first and watches then: a port that is taken is said at once. Decides nothing.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from exporter.config import Settings
from exporter.http import create_app
from exporter.listening import bind, serve_until_signal
from exporter.ownplanner import OwnPlanner
from exporter.poolsettings import PoolSettings
from exporter.service import Service
from exporter.watch import Watched
from hacore.clock import Clock
from planner.inventory.follow import Update, follow
from planner.inventory.source import ApiSource, Credentials, DemoSource, demo_refused

Demo = Callable[[], AbstractContextManager[tuple[ApiSource, Credentials]]]
"""Runs the simulated pool as long as the context lasts; says how its API is reached."""


def serve(settings: Settings, *, clock: Clock, demo: Demo | None = None) -> int:
    """Watch and serve until SIGTERM or SIGINT, then return 0. Must run in the main thread.

    The URL is the first line printed. `demo` is what `demo:` means here. Raises ListenError, SourceError.
    """
    with ExitStack() as stack:
        bound = stack.enter_context(bind(settings.listen.host, settings.listen.port))
        watched = [_watched(pool, clock, demo, stack) for pool in settings.pools]
        service = Service(watched, planner=OwnPlanner(clock), clock=clock, daemons=settings.daemons)
        serve_until_signal(create_app(service), bound, _running(service))
    return 0


@contextmanager
def _running(service: Service) -> Iterator[None]:
    """Watch as long as the context lasts."""
    service.start()
    try:
        yield
    finally:
        all_ended = service.stop()
    if not all_ended:
        _leave()


def _watched(pool: PoolSettings, clock: Clock, demo: Demo | None, stack: ExitStack) -> Watched:
    source, credentials = pool.source, pool.credentials
    if isinstance(source, DemoSource):
        if demo is None:
            raise demo_refused()
        source, credentials = stack.enter_context(demo())

    def watch(stop: threading.Event, seen: Callable[[Update], None]) -> None:
        follow(source, credentials, clock=clock, stop=stop, seen=seen)

    return Watched(str(pool.source), watch, pool.limit_seconds, recovery=pool.recovery, rules=pool.rules)


def _leave() -> None:
    """End the process now.

    A thread still sits in a solver. It holds nothing of value, but the interpreter must not be taken down
    under it: native code that comes back to a dead interpreter aborts the process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
