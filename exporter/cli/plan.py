"""`xenha plan`: where VMs restart when hosts fail."""

from __future__ import annotations

from typing import Annotated

import typer

from exporter.cli.counting import Counting
from exporter.cli.exits import Exit
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, Account, Json, Limit, Source
from exporter.cli.output import print_json, show, warn, working
from exporter.cli.sources import look
from exporter.cli.words import plan_parts
from hacore.clock import SystemClock
from planner.model import Pool
from planner.results import Plan
from planner.schedule.pace import BOOT_SECONDS, BOOT_SLOTS, SECONDS_MAX, SLOTS_MAX, Pace, tag_problems

Fail = Annotated[
    list[str],
    typer.Option(
        "--fail",
        metavar="HOST",
        help="A host that fails, by uuid or unique name; may be given several times.",
        show_default=False,
    ),
]
BootSeconds = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        max=SECONDS_MAX,
        help="What a VM takes to boot, unless a tag of its own says so (xenha:boot-seconds=120).",
    ),
]
BootSlots = Annotated[
    int, typer.Option(metavar="N", min=1, max=SLOTS_MAX, help="How many VMs a host boots at once.")
]
DetectionSeconds = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0,
        max=SECONDS_MAX,
        help="From the failure until restarts begin; default: what xenhad guarantees for the pool.",
        show_default=False,
    ),
]


def plan(
    source: Source,
    fail: Fail,
    *,
    boot_seconds: BootSeconds = BOOT_SECONDS,
    boot_slots: BootSlots = BOOT_SLOTS,
    detection_seconds: DetectionSeconds = None,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    account: Account,
) -> int:
    """Show where the protected VMs restart when hosts fail.

    Protected VMs of the failed hosts, and those that are down already, come first, by order; best-effort VMs
    follow in what room is left. Running VMs are never moved or stopped. Nothing is carried out.
    Beside each stands when it serves again, predicted from the failure on: detection, the orders before it
    with their start delays, its boot. Exit code 1 when a protected VM finds no place.

    \b
    Examples:
      xenha plan demo: --fail host-1
      xenha plan demo: --fail host-1 --boot-seconds 90 --boot-slots 8
      xenha plan pool.json --fail host-1 --fail host-2 --json
    """
    rules = counting.rules()
    snapshot = look(source, account.credentials(), rules)
    from planner import restart

    for problem in tag_problems(snapshot.pool):
        warn(problem)
    with working("planning"):
        answer = restart.plan(
            snapshot.pool,
            fail,
            limit_seconds=limit,
            clock=SystemClock(),
            pace=Pace(boot_seconds, boot_slots, detection_seconds),
            rules=rules,
        )
    if json:
        print_json(answer.to_json())
    else:
        show(plan_parts(snapshot.pool, answer))
    return code(snapshot.pool, answer)


def code(pool: Pool, answer: Plan) -> Exit:
    """Return the exit code: "no" if a protected VM provably finds no place, else the question is open."""
    if answer.complete:
        return Exit.DONE
    hopeless = any(
        pool.vm_by_uuid[left.vm].protected and left.reason != "unknown" for left in answer.unplaced
    )
    return Exit.NO if answer.optimal or hopeless else Exit.OPEN
