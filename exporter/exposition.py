"""The text of a scrape, in the format the scraper asks for.

The only file that knows prometheus_client's registry; there is no global one: each request collects from the
service's states and from this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import metadata

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from exporter.collect import families
from exporter.daemons.state import DaemonState
from exporter.state import PoolState
from hacore.clock import Clock


class StateCollector(Collector):
    """Collects from whatever states there are at the moment of the scrape."""

    def __init__(
        self,
        states: Callable[[], Sequence[PoolState]],
        daemons: Callable[[], Sequence[DaemonState]],
        clock: Clock,
        version: str,
    ) -> None:
        self._states = states
        self._daemons = daemons
        self._clock = clock
        self._version = version

    def collect(self) -> Iterator[Family]:
        yield from families(
            self._states(),
            daemons=self._daemons(),
            now_seconds=self._clock.wall_seconds(),
            version=self._version,
        )


class Exposition:
    """Everything that one `/metrics` shows."""

    def __init__(
        self,
        states: Callable[[], Sequence[PoolState]],
        clock: Clock,
        version: str,
        daemons: Callable[[], Sequence[DaemonState]] = tuple,
    ) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(StateCollector(states, daemons, clock, version))
        ProcessCollector(registry=self._registry)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return a scrape's body and content type for an `Accept` header.

        A header that cannot be understood gets the plain text format.
        """
        try:
            encode, content_type = choose_encoder(accept)
        except (ValueError, TypeError):  # a version that is no number
            encode, content_type = choose_encoder("")
        return encode(self._registry), content_type


def own_version() -> str:
    """Return the version of the installed xenha; "unknown" in a tree that was never installed."""
    try:
        return metadata.version("xenha")
    except metadata.PackageNotFoundError:
        return "unknown"
