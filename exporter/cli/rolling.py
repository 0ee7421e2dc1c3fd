"""`xenha rolling`: an order of maintenance for the whole pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from exporter.cli.counting import Counting
from exporter.cli.drain import code
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, Account, Json, Limit, Source
from exporter.cli.output import Line, Part, Table, print_json, show, working
from exporter.cli.sources import look
from exporter.cli.words import broken, count, gib
from exporter.names import host_name, vm_name
from hacore.clock import SystemClock
from planner.model import Pool
from planner.rolling import Rolling, Stuck

Floor = Annotated[
    int | None,
    typer.Option(
        "--floor",
        metavar="K",
        min=0,
        help="Host failures to survive while a host is out; default: one less than the pool's target.",
        show_default=False,
    ),
]

Skip = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        metavar="HOST",
        help="A host that stays in service, by uuid or unique name; may be given several times.",
        show_default=False,
    ),
]


def rolling(
    source: Source,
    *,
    floor: Floor = None,
    skip: Skip = None,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    account: Account,
) -> int:
    """Show an order in which all hosts can be emptied and maintained, one after the other.

    While a host is out, the others survive at least as many failures as the floor says. A host comes back
    empty; the VMs stay where they went. No VM is stopped, and nothing is carried out. Exit code 1 when no
    order works, 4 when none was found.

    \b
    Examples:
      xenha rolling demo: --skip host-3
      xenha rolling pool.json --skip host-3 --floor 0 --json
    """
    rules = counting.rules()
    snapshot = look(source, account.credentials(), rules)
    from planner import rolling as planner
    from planner.restart import resolve

    skipped = resolve(snapshot.pool, skip or [], option="--skip")
    with working("looking for an order"):
        answer = planner.rolling(
            snapshot.pool, floor=floor, skip=skipped, limit_seconds=limit, clock=SystemClock(), rules=rules
        )
    if json:
        print_json(answer.to_json())
    else:
        show(rolling_parts(snapshot.pool, answer))
    return code(answer.possible)


def _kept(floor: int) -> str:
    if floor == 0:
        return "every protected VM kept running, whether or not a failure is survived"
    return f"any {count(floor, 'host failure')} at once survived throughout"


def rolling_parts(pool: Pool, answer: Rolling) -> Iterator[Part]:
    """Yield what `xenha rolling` shows."""
    kept = _kept(answer.floor)
    moves = sum(len(step.moves) for step in answer.steps)
    if answer.possible:
        yield Line(
            f"POSSIBLE: {count(len(answer.steps), 'host')} in this order, {count(moves, 'move')}, {kept}",
            "good",
        )
    elif answer.possible is None:
        yield Line(
            f"UNKNOWN: no order was found with {kept}; {count(len(answer.steps), 'step')} work", "open"
        )
    else:
        yield Line(f"IMPOSSIBLE: no order works with {kept} (proven)", "bad")
    if answer.steps:
        rows = tuple(
            (str(number), host_name(pool, step.host), str(len(step.moves)))
            for number, step in enumerate(answer.steps, start=1)
        )
        yield Table(("", "host", "moves before"), rows, frozenset({"", "moves before"}))
        yield from broken(pool, [group for step in answer.steps for group in step.breaks_groups])
    if answer.stuck is not None:
        yield from _stuck(pool, answer.stuck)


def _stuck(pool: Pool, stuck: Stuck) -> Iterator[Part]:
    lacking = "" if stuck.lacking_bytes is None else f": {gib(stuck.lacking_bytes)} are missing"
    yield Line(f"Stuck at {host_name(pool, stuck.host)}{lacking}")
    if stuck.blocked:
        rows = tuple((vm_name(pool, vm.vm), vm.reason, vm.detail) for vm in stuck.blocked)
        yield Table(("cannot leave", "reason", "detail"), rows)
