"""`xenha inventory`: a pool as a file, and at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from exporter.cli import files
from exporter.cli.exits import Exit
from exporter.cli.options import Account, Json
from exporter.cli.output import Line, Part, Table, show
from exporter.cli.sources import look
from exporter.cli.words import count, gib, pool_title
from exporter.names import host_name, natural
from planner.agility import Reach
from planner.model import VM, Host, Pool

Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="Write the pool file here; - is stdout.", show_default=False
    ),
]
OptionalSource = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        help="A pool file (pool.json), a pool's API (https://root@master.example) or demo:",
        show_default=False,
    ),
]
Schema = Annotated[bool, typer.Option("--schema", help="Print the JSON schema of pool files instead.")]


def inventory(
    *,
    source: OptionalSource = None,
    output: Output = None,
    json: Json = False,
    schema: Schema = False,
    account: Account,
) -> int:
    """Show a pool, or write it as a pool file.

    Any command gives the same answer on the pool file as on SOURCE: it is the bug report, the test case and
    the input to play with.

    \b
    Examples:
      xenha inventory demo:
      xenha inventory demo: -o pool.json
      xenha inventory https://root@master.example --password-file secret -o pool.json
      xenha inventory --schema
    """
    if schema:
        return _print_schema()
    if source is None:
        raise typer.BadParameter("expected a SOURCE, or --schema")
    pool = look(source, account.credentials()).pool
    if output is None and not json:
        show(_parts(pool))
        return Exit.DONE
    from planner.inventory.poolfile import dump_pool

    text = dump_pool(pool)
    if output is not None:
        files.write(output, text)
    if json and str(output) != "-":
        files.write(Path("-"), text)
    return Exit.DONE


def _print_schema() -> Exit:
    import json

    from planner.inventory.poolfile import schema

    files.write(Path("-"), json.dumps(schema(), indent=2))
    return Exit.DONE


def _parts(pool: Pool) -> Iterator[Part]:
    target = "none" if pool.target is None else str(pool.target)
    yield Line(f"Pool {pool_title(pool.name, pool.uuid)}: {count(len(pool.hosts), 'host')}, target {target}")
    hosts = sorted(pool.hosts, key=lambda host: natural(host_name(pool, host.uuid)))
    yield Table(
        ("host", "state", "total", "free", "protected", "best-effort", "other"),
        tuple(_host_row(pool, host) for host in hosts),
        frozenset({"total", "free", "protected", "best-effort", "other"}),
    )
    yield from _vm_lines(pool)


def _host_row(pool: Pool, host: Host) -> tuple[str, ...]:
    here = [vm for vm in pool.vms if host.uuid in vm.occupies]
    protected = sum(vm.need_bytes for vm in here if vm.protected)
    best_effort = sum(vm.need_bytes for vm in here if vm.best_effort)
    every = sum(vm.need_bytes for vm in here)
    return (
        host_name(pool, host.uuid) + (" (master)" if host.uuid == pool.master else ""),
        _state(host),
        gib(host.memory_total_bytes),
        gib(pool.free_bytes(host.uuid)),
        gib(protected),
        gib(best_effort),
        gib(every - protected - best_effort + host.memory_overhead_bytes),
    )


def _state(host: Host) -> str:
    if not host.live:
        return "dead"
    return "in service" if host.enabled else "disabled"


def _vm_lines(pool: Pool) -> Iterator[Line]:
    guests = [vm for vm in pool.vms if not vm.is_control_domain]
    protected = [vm for vm in guests if vm.protected]
    best_effort = [vm for vm in guests if vm.best_effort]
    down = sum(pool.is_down(vm) for vm in protected)
    others = len(guests) - len(protected) - len(best_effort)
    yield Line(
        f"{count(len(guests), 'VM')}: {len(protected)} protected ({down} down), "
        f"{len(best_effort)} best-effort, {others} unprotected"
    )
    stuck = _not_agile(pool, protected)
    if stuck:
        yield Line(
            f"{count(len(stuck), 'protected VM')} cannot run on every host; xenha diagnose says why", "open"
        )


def _not_agile(pool: Pool, vms: list[VM]) -> list[VM]:
    reach = Reach(pool)
    return [vm for vm in vms if not reach.agile(vm)]
