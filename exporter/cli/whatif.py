"""`xenha whatif`: the figures before and after changes, before anybody makes them."""

from __future__ import annotations

from typing import Annotated

import typer

from exporter.cli.counting import Counting
from exporter.cli.exits import Exit
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, Account, Json, Limit, Source, Target
from exporter.cli.output import print_error, print_json, show, working
from exporter.cli.sources import look
from exporter.cli.words import whatif_parts
from hacore.clock import SystemClock
from planner.results import WhatIf

Changes = Annotated[
    list[str],
    typer.Option(
        "--change", metavar="CHANGE", help="What is done; several are done in order.", show_default=False
    ),
]


def whatif(
    source: Source,
    change: Changes,
    *,
    target: Target = None,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    account: Account,
) -> int:
    """Tell how many host failures a pool would survive after changes. Nothing is carried out.

    Things are named by uuid or unique name; sizes are like 16GiB. Exit code 1 when the target would be lost,
    2 when a change cannot be made (the figures are then those of the others).

    \b
    A CHANGE is one of
      start=VM@HOST        stop=VM                        migrate=VM@HOST
      memory=VM:SIZE       new=NAME:SIZE@HOST[:restart]   priority=VM:restart|best-effort|none
      disable=HOST         enable=HOST                    add-host=NAME:SIZE
      remove-host=HOST     unplug-sr=SR@HOST              unplug-network=NETWORK@HOST

    \b
    Examples:
      xenha whatif demo: --change disable=host-1 --target 1
      xenha whatif pool.json --change new=web9:16GiB@host-2:restart --change stop=logs --json
    """
    rules = counting.rules()
    snapshot = look(source, account.credentials(), rules)
    from planner import whatif as planner

    with working("comparing"):
        answer = planner.whatif(
            snapshot.pool, change, target=target, limit_seconds=limit, clock=SystemClock(), rules=rules
        )
    for error in answer.errors:
        print_error(error)
    if json:
        print_json(answer.to_json())
    else:
        show(whatif_parts(answer))
    return code(answer)


def code(answer: WhatIf) -> Exit:
    """Return the exit code: bad input before "no", and open if it is not settled whether the target holds."""
    if answer.errors:
        return Exit.BAD_INPUT
    if answer.breaks_target and answer.after.overcommitted:
        return Exit.NO
    if answer.breaks_target:
        return Exit.OPEN
    return Exit.DONE
