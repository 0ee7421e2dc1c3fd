"""`xenha lab` and `demo:`: the built-in simulated pool. The only file of the packages that imports lab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.options import Debug, PasswordFile

if TYPE_CHECKING:
    from planner.inventory.snapshot import Snapshot
    from planner.inventory.source import ApiSource, Credentials

app = typer.Typer(name="lab")

PoolFile = Annotated[
    Path | None,
    typer.Option("--pool", metavar="FILE", help="A pool file; default: the demo pool.", show_default=False),
]
Listen = Annotated[
    str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen; port 0: any free.")
]
User = Annotated[str, typer.Option("--user", metavar="NAME", help="The account that may log in.")]


@app.callback()
def _group() -> None:
    """A pool in a box: try things where nothing can break."""


@app.command()
def xapi(
    pool: PoolFile = None,
    listen: Listen = "127.0.0.1:8080",
    user: User = "root",
    password_file: PasswordFile = None,
    debug: Debug = False,
) -> int:
    """Run a simulated XAPI; prints its URL first, stops on Ctrl-C and SIGTERM.

    Any XenAPI client can log in; the password is "xenha" unless a file gives another one.

    \b
    Examples:
      xenha lab xapi
      xenha lab xapi --pool pool.json --listen 127.0.0.1:8080 --password-file secret
    """
    from lab.xapi.main import run

    return run(pool, listen, user, password_file)


def demo_snapshot() -> Snapshot:
    """Return a look at the demo pool, in the words of its API: what `serve` watches under the same name."""
    from lab.demo import demo_pool
    from lab.xapi.populate import database
    from planner.inventory.parse import parse
    from planner.inventory.records import FIELDS
    from planner.inventory.snapshot import Snapshot

    records = database(demo_pool())
    class_name = {name.lower(): name for name in records.counts()}
    return Snapshot(parse({name: records.records(class_name[name]) for name in FIELDS}).pool)


@contextmanager
def demo_api() -> Iterator[tuple[ApiSource, Credentials]]:
    """Run the demo pool's simulated XAPI as long as the context lasts; yield how it is reached."""
    from lab.demo import demo_pool
    from lab.xapi.server import serve
    from planner.inventory.source import ApiSource, Credentials

    with serve(demo_pool()) as server:
        yield ApiSource(server.url), Credentials(user="root", password="xenha")
