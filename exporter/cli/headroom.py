"""`xenha headroom`: what can still be started with the target kept."""

from __future__ import annotations

from typing import Annotated

import typer

from exporter.cli.counting import Counting, size_of
from exporter.cli.exits import Exit
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, Account, Json, Limit, Source, Target
from exporter.cli.output import print_json, show, working
from exporter.cli.sources import look
from exporter.cli.words import headroom_parts
from hacore.clock import SystemClock
from planner.results import Headroom

Memory = Annotated[
    str | None,
    typer.Option(
        "--memory", metavar="SIZE", help="Also tell how many VMs of this size can start.", show_default=False
    ),
]
Vcpus = Annotated[
    int,
    typer.Option(
        "--vcpus",
        metavar="N",
        min=1,
        help="vCPUs of each new VM; they count with --vcpus-per-core.",
    ),
]


def headroom(
    source: Source,
    *,
    memory: Memory = None,
    vcpus: Vcpus = 1,
    target: Target = None,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    account: Account,
) -> int:
    """Tell what can still be started while the pool survives as many host failures as it should.

    Of new protected VMs that can run anywhere: the largest one, on each host and in the pool, and with
    --memory how many of a size. Exit code 4 when the limit came before a proof.

    \b
    Examples:
      xenha headroom demo:
      xenha headroom pool.json --memory 16GiB
      xenha headroom demo: --memory 16GiB --vcpus 4 --vcpus-per-core 4
      xenha headroom pool.json --target 1 --json
    """
    from planner import headroom as planner

    size = None if memory is None else size_of("--memory", memory)
    rules = counting.rules()
    snapshot = look(source, account.credentials(), rules)
    with working("looking for room"):
        answer = planner.headroom(
            snapshot.pool,
            target=target,
            size_bytes=size,
            vcpus=vcpus,
            limit_seconds=limit,
            clock=SystemClock(),
            rules=rules,
        )
    if json:
        print_json(answer.to_json())
    else:
        show(headroom_parts(snapshot.pool, answer, memory))
    return code(answer)


def code(answer: Headroom) -> Exit:
    """Return the exit code: open while a bound is not proven."""
    spans = [answer.largest, *([answer.count] if answer.count else [])]
    return Exit.DONE if all(span.proven for span in spans) else Exit.OPEN
