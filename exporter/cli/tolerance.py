"""`xenha tolerance`: how many host failures a pool survives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.counting import Counting
from exporter.cli.exits import Exit, code_of, sentence
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, Account, Json, Limit, Sources, Target
from exporter.cli.output import print_error, print_json, show
from exporter.cli.sources import figure
from exporter.cli.words import tolerance_parts
from planner.errors import InputError, PoolUnreachable

if TYPE_CHECKING:
    from planner.constraints.rules import Rules
    from planner.inventory.source import Credentials


Orders = Annotated[
    bool,
    typer.Option(
        "--orders",
        help="Follow orders of more than two failures in pools of more than 8 hosts too: takes the limit.",
    ),
]


def tolerance(
    sources: Sources,
    *,
    target: Target = None,
    orders: Orders = False,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    account: Account,
) -> int:
    """Tell how many host failures a pool survives, with proof.

    At once: any that many hosts may fail together, and every protected VM finds a place on the survivors.
    Memory, reach and enforced anti-affinity groups count; vCPUs, a reserve and ballooning if asked for.
    One after the other: hosts fail in any order, everything being restarted in between.
    Exit code 4 when the limit came before a proof; what is said then are bounds that hold.

    \b
    Examples:
      xenha tolerance demo:
      xenha tolerance pool.json --target 2
      xenha tolerance pool.json --orders
      xenha tolerance demo: --vcpus-per-core 4 --reserve 2GiB
      xenha tolerance east.json west.json --json
      xenha tolerance https://root@master.example --password-file secret
    """
    credentials = account.credentials()
    rules = counting.rules()
    worst = Exit.DONE
    for number, source in enumerate(sources):
        if number and not json:
            print()
        try:
            code = _one(source, target, limit, json, credentials, orders, rules)
        except (InputError, PoolUnreachable) as error:
            code = code_of(error)
            print_error(sentence(error))
            if json:
                print_json({"error": sentence(error)})
        worst = max(worst, code)
    return worst


def _one(
    source: str,
    target: int | None,
    limit: float,
    json: bool,
    credentials: Credentials,
    orders: bool,
    rules: Rules,
) -> Exit:
    snapshot, answer = figure(source, credentials, target, limit, long_orders=orders, rules=rules)
    if json:
        print_json(answer.to_json())
    else:
        show(tolerance_parts(snapshot.pool, answer))
    return Exit.DONE if answer.simultaneous.proven else Exit.OPEN
