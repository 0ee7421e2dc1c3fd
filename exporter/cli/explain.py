"""`xenha explain`: why a pool survives no more than it does, and why xapi says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.cli.counting import Counting
from exporter.cli.exits import Exit
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, Account, Json, Limit, Source, Target
from exporter.cli.output import print_json, show, working
from exporter.cli.sources import look
from hacore.clock import SystemClock

if TYPE_CHECKING:
    from planner.explain.result import Explanation


def explain(
    source: Source,
    *,
    target: Target = None,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    account: Account,
) -> int:
    """Explain why a pool survives no more host failures than it does.

    Which loss is not survived and by how many GiB; which VMs stay down then and where they come closest; how
    much of the free memory is in pieces too small to be of use; why failures one after the other, and xapi's
    own figure, give other numbers. Exit code 4 when the limit came before a proof.

    \b
    Examples:
      xenha explain demo:
      xenha explain pool.json --json
      xenha explain demo: --vcpus-per-core 4 --reserve 8GiB
    """
    rules = counting.rules()
    snapshot = look(source, account.credentials(), rules)
    from planner.explain import answer as planner

    with working("looking for what limits the figure"):
        answer = planner.explain(
            snapshot.pool, target=target, limit_seconds=limit, clock=SystemClock(), rules=rules
        )
    if json:
        print_json(answer.to_json())
    else:
        from exporter.cli.explained import explanation_parts

        show(explanation_parts(snapshot.pool, answer))
    return code(answer)


def code(answer: Explanation) -> Exit:
    """Return the exit code: open while the figure is."""
    return Exit.DONE if answer.tolerance.simultaneous.proven else Exit.OPEN
