"""From a SOURCE, as typed, to a look at the pool and to the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.cli.output import warn, working
from exporter.cli.words import count
from hacore.clock import SystemClock

if TYPE_CHECKING:
    from planner.constraints.rules import Rules
    from planner.inventory.snapshot import Snapshot
    from planner.inventory.source import Credentials
    from planner.model import Pool
    from planner.results import Tolerance

_SHOWN_REJECTS = 5


def look(text: str, credentials: Credentials, rules: Rules | None = None) -> Snapshot:
    """Return what SOURCE shows now; warn of what lowers figures. Errors: InputError, PoolUnreachable."""
    from planner.inventory.source import DemoSource, load, parse_source

    source = parse_source(text)
    if isinstance(source, DemoSource):
        from exporter.cli.lab import demo_snapshot

        return demo_snapshot()
    with working(f"reading {text}"):
        snapshot = load(source, credentials, SystemClock())
    _warn_of_rejects(text, snapshot)
    _warn_of_cores(text, snapshot.pool, rules)
    return snapshot


def _warn_of_rejects(text: str, snapshot: Snapshot) -> None:
    for reject in snapshot.rejects[:_SHOWN_REJECTS]:
        warn(f"{text}: {reject.record_class} {reject.uuid} could not be read: {reject.reason}")
    rest = len(snapshot.rejects) - _SHOWN_REJECTS
    if rest > 0:
        warn(f"{text}: {count(rest, 'more record')} could not be read")


def _warn_of_cores(text: str, pool: Pool, rules: Rules | None) -> None:
    """Hosts whose cores nobody knows make a figure low: say why."""
    if rules is None or rules.vcpus_per_core is None:
        return
    unknown = sum(host.cpus is None for host in pool.hosts_in_service)
    if unknown:
        warn(f"{text}: {count(unknown, 'host')} with unknown cpus: no room for vCPUs is counted there")


def figure(
    text: str,
    credentials: Credentials,
    target: int | None,
    limit_seconds: float,
    *,
    long_orders: bool = False,
    rules: Rules | None = None,
) -> tuple[Snapshot, Tolerance]:
    """Return what SOURCE shows now and its tolerance. Errors: InputError, PoolUnreachable.

    `long_orders`: spend the limit on the sequential figure of a large pool.
    """
    snapshot = look(text, credentials, rules)
    from planner.constraints.rules import NO_RULES
    from planner.tolerance.answer import tolerance

    pool = snapshot.pool
    with working(f"{count(len(pool.hosts), 'host')}, {count(len(pool.vms), 'VM')}: looking for a proof"):
        answer = tolerance(
            pool,
            target=target,
            limit_seconds=limit_seconds,
            clock=SystemClock(),
            long_orders=long_orders,
            rules=rules or NO_RULES,
        )
    return snapshot, answer
