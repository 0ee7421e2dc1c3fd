"""`xenha plan`: where VMs restart when hosts fail."""

from __future__ import annotations

from typing import Annotated

import typer

from exporter.cli.exits import Exit
from exporter.cli.options import (
    DEFAULT_LIMIT_SECONDS,
    CaFile,
    Debug,
    Insecure,
    Json,
    Limit,
    PasswordFile,
    Source,
    User,
    credentials_of,
)
from exporter.cli.output import print_json, show, working
from exporter.cli.sources import look
from exporter.cli.words import plan_parts
from hacore.clock import SystemClock
from planner.model import Pool
from planner.results import Plan

Fail = Annotated[
    list[str],
    typer.Option(
        "--fail",
        metavar="HOST",
        help="A host that fails, by uuid or unique name; may be given several times.",
        show_default=False,
    ),
]


def plan(
    source: Source,
    fail: Fail,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    user: User = None,
    password_file: PasswordFile = None,
    ca_file: CaFile = None,
    insecure: Insecure = False,
    debug: Debug = False,
) -> int:
    """Show where the protected VMs restart when hosts fail.

    Protected VMs of the failed hosts, and those that are down already, come first, by order; best-effort VMs
    follow in what room is left. Running VMs are never moved or stopped. Nothing is carried out.
    Exit code 1 when a protected VM finds no place.

    \b
    Examples:
      xenha plan demo: --fail host-1
      xenha plan pool.json --fail host-1 --fail host-2 --json
    """
    snapshot = look(source, credentials_of(user, password_file, ca_file, insecure))
    from planner import restart

    with working("planning"):
        answer = restart.plan(
            snapshot.pool, fail, limit_seconds=limit, clock=SystemClock(), with_tolerance=True
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
