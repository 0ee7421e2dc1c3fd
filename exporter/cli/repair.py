"""`xenha repair`: which migrations reach the target, or what else would."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.cli.counting import Counting
from exporter.cli.drain import code
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, Account, Json, Limit, Source, Target
from exporter.cli.output import Line, Part, Table, print_json, show, working
from exporter.cli.sources import look
from exporter.cli.words import broken, count, gib, listed
from exporter.names import host_name, vm_name
from hacore.clock import SystemClock
from planner.model import Pool
from planner.repair.result import NEW_HOST, Purchase, Repair


def repair(
    source: Source,
    *,
    target: Target = None,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    account: Account,
) -> int:
    """Show the fewest migrations after which a pool survives as many host failures as it should.

    Any running VM may move, the moves in the order shown. If it is proven that no migrations suffice: what to
    buy, or which VMs to demote. Nothing is carried out. Exit code 1 when none suffice, 4 when that is open.

    \b
    Examples:
      xenha repair demo:
      xenha repair pool.json --target 2 --json
      xenha repair demo: --reserve 4GiB
    """
    rules = counting.rules()
    snapshot = look(source, account.credentials(), rules)
    from planner.repair import answer as planner

    with working("looking for moves") as tell:
        answer = planner.repair(
            snapshot.pool, target=target, limit_seconds=limit, clock=SystemClock(), rules=rules, tell=tell
        )
    if json:
        print_json(answer.to_json())
    else:
        show(repair_parts(snapshot.pool, answer))
    return code(answer.possible)


def repair_parts(pool: Pool, answer: Repair) -> Iterator[Part]:
    """Yield what `xenha repair` shows."""
    failures = f"any {count(answer.target, 'host failure')} at once"
    if answer.possible is None:
        yield Line(f"UNKNOWN: whether migrations let the pool survive {failures} was not settled", "open")
    elif not answer.possible:
        yield Line(f"IMPOSSIBLE: no migrations let the pool survive {failures} (proven)", "bad")
        yield from _remedies(pool, answer)
    elif not answer.moves:
        yield Line(f"OK: the pool survives {failures} already; nothing needs to move", "good")
    else:
        yield from _moves(pool, answer, failures)


def _moves(pool: Pool, answer: Repair, failures: str) -> Iterator[Part]:
    least = "fewer do not suffice, proven" if answer.minimal else "fewer may suffice"
    yield Line(
        f"POSSIBLE: after {count(len(answer.moves), 'move')} the pool survives {failures} ({least})", "good"
    )
    rows = tuple(
        (
            str(number),
            vm_name(pool, move.vm),
            gib(pool.vm_by_uuid[move.vm].need_bytes),
            host_name(pool, move.from_host),
            host_name(pool, move.to_host),
        )
        for number, move in enumerate(answer.moves, start=1)
    )
    yield Table(("", "VM", "needs", "from", "to"), rows, frozenset({"", "needs"}))
    yield from broken(pool, answer.breaks_groups)
    if answer.safe:
        yield Line("Meanwhile the pool never survives less than now (proven)")
    else:
        yield Line("Meanwhile the pool may survive less than now", "open")


def _remedies(pool: Pool, answer: Repair) -> Iterator[Part]:
    if answer.purchase is not None:
        least = "less does not suffice, proven" if answer.purchase_proven else "less may suffice"
        yield Line(f"To buy: {_bought(pool, answer.purchase)} ({least})")
    elif answer.purchase_proven:
        yield Line("More memory on one host, or one more host, does not suffice (proven)")
    if answer.demote is not None:
        least = "fewer do not suffice, proven" if answer.demote_proven else "fewer may suffice"
        names = listed([vm_name(pool, uuid) for uuid in answer.demote])
        yield Line(f"Or no longer protect {count(len(answer.demote), 'VM')}: {names} ({least})")


def _bought(pool: Pool, purchase: Purchase) -> str:
    if purchase.host == NEW_HOST:
        cores = "" if purchase.cpus is None else f" and {count(purchase.cpus, 'core')}"
        return f"one more host with {gib(purchase.bytes)}{cores} for VMs"
    return f"{gib(purchase.bytes)} for {host_name(pool, purchase.host)}"
