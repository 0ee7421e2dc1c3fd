"""`xenha drain`: how hosts are emptied before maintenance."""

from __future__ import annotations

from typing import Annotated

import typer

from exporter.cli.counting import Counting
from exporter.cli.exits import Exit
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, Account, Json, Limit, Source, Target
from exporter.cli.output import print_json, show, working
from exporter.cli.sources import look
from exporter.cli.words import drain_parts
from hacore.clock import SystemClock

Hosts = Annotated[
    list[str],
    typer.Option(
        "--host",
        metavar="HOST",
        help="A host to empty, by uuid or unique name; may be given several times.",
        show_default=False,
    ),
]


def drain(
    source: Source,
    host: Hosts,
    *,
    target: Target = None,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    account: Account,
) -> int:
    """Show where the VMs of hosts go before maintenance, and what blocks them. Nothing is carried out.

    All running VMs of the hosts move, whatever their priority; nobody else does, and nothing is stopped.
    Exit code 1 when a VM cannot go anywhere.

    \b
    Examples:
      xenha drain demo: --host host-1
      xenha drain pool.json --host host-5 --json
    """
    rules = counting.rules()
    snapshot = look(source, account.credentials(), rules)
    from planner import drain as planner
    from planner.restart import resolve

    hosts = resolve(snapshot.pool, host, option="--host")
    with working("looking for places"):
        answer = planner.drain(
            snapshot.pool, hosts, target=target, limit_seconds=limit, clock=SystemClock(), rules=rules
        )
    if json:
        print_json(answer.to_json())
    else:
        show(drain_parts(snapshot.pool, answer))
    return code(answer.possible)


def code(possible: bool | None) -> Exit:
    """Return the exit code of an answer that is yes, no or open."""
    return {True: Exit.DONE, False: Exit.NO, None: Exit.OPEN}[possible]
