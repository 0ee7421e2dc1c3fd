"""`xenha serve SOURCE` that waits for nothing after a change: `python -m bench.eager http://root@127.0.0.1:PORT`.

The same follower, threads, planner and HTTP app as the command has; only the pause in which changes gather is
left out, so that a thousand replans take minutes.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from exporter.http import create_app
from exporter.listening import bind, serve_until_signal
from exporter.ownplanner import OwnPlanner
from exporter.service import Service
from exporter.watch import Watched
from hacore.clock import SystemClock
from planner.inventory.follow import Update, follow
from planner.inventory.source import Credentials, parse_source


def main(text: str) -> None:
    """Serve until SIGTERM."""
    clock = SystemClock()
    source, credentials = parse_source(text), Credentials(password=os.environ["XENHA_PASSWORD"])

    def watch(stop: threading.Event, seen: Callable[[Update], None]) -> None:
        follow(source, credentials, clock=clock, stop=stop, seen=seen)

    watched = Watched(text, watch, quiet_ns=0)
    with bind("127.0.0.1", 0) as bound, Service([watched], planner=OwnPlanner(clock), clock=clock) as service:
        serve_until_signal(create_app(service), bound)


if __name__ == "__main__":
    main(sys.argv[1])
