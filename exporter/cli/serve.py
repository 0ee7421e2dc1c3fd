"""`xenha serve`: the page, the metrics and the API, kept up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.counting import Counting
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, PASSWORD_VARIABLE, Account, Limit, password_of
from hacore.clock import SystemClock
from planner.errors import SourceError

if TYPE_CHECKING:
    from exporter.config import Address, Settings
    from planner.constraints.rules import Rules
    from planner.inventory.source import Credentials, Source

OptionalSources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        help="Pool files (pool.json), pools' APIs (https://root@master.example) or demo:",
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Pools and more from a TOML file.", show_default=False),
]
Listen = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        help="Where to listen; port 0: any free one; default: 127.0.0.1:9877.",
        show_default=False,
    ),
]


Daemons = Annotated[
    list[str] | None,
    typer.Option(
        "--daemon",
        metavar="SOCKET",
        help="Control socket of a xenhad to watch, or a quoted pattern of them; may be given again.",
        show_default=False,
    ),
]


def serve(
    *,
    sources: OptionalSources = None,
    config: Config = None,
    listen: Listen = None,
    daemons: Daemons = None,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    account: Account,
) -> int:
    """Watch pools and serve a page, metrics for Prometheus and an API.

    Prints its URL first: the page is at /, the metrics are at /metrics. Stops on Ctrl-C and SIGTERM. It only
    reads: nothing in any pool is changed. In a config file each pool has its own account, limit
    and rules, and these options do not count. Daemons
    whose sockets can be reached from here are shown with their heartbeats.

    \b
    Examples:
      xenha serve demo:
      xenha serve https://root@master.example --password-file secret --listen 0.0.0.0:9877
      xenha serve pool.json --vcpus-per-core 4 --reserve 4GiB
      xenha serve --config xenha.toml
      xenha serve pool.json --daemon 'run/*.sock'
    """
    from exporter.cli.lab import demo_api
    from exporter.serve import serve as serve_until_signal

    _log_to_stderr()
    if config is not None:
        settings = _from_file(config, sources, listen)
    else:
        rules = counting.rules()
        settings = _from_options(sources, listen, limit, account, rules)
    settings = _with_daemons(settings, daemons or [])
    return serve_until_signal(settings, clock=SystemClock(), demo=demo_api)


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("xenha").setLevel(logging.INFO)


def _from_file(config: Path, sources: list[str] | None, listen: str | None) -> Settings:
    from dataclasses import replace

    from exporter.config import load_config

    if sources:
        raise typer.BadParameter("expected SOURCEs or --config FILE, not both")
    settings = load_config(config, password=password_of(None))
    return replace(settings, listen=_address(listen)) if listen else settings


def _from_options(
    sources: list[str] | None,
    listen: str | None,
    limit: float,
    account: Account,
    rules: Rules,
) -> Settings:
    from exporter.config import DEFAULT_LISTEN, Settings
    from exporter.poolsettings import PoolSettings
    from planner.inventory.source import parse_source

    if not sources:
        raise typer.BadParameter("expected a SOURCE or --config FILE")
    credentials = account.credentials()
    pools = []
    for source in map(parse_source, dict.fromkeys(sources)):
        _refuse_without_password(source, credentials)
        pools.append(PoolSettings(source, credentials, limit, rules=rules))
    return Settings(_address(listen or DEFAULT_LISTEN), tuple(pools))


def _refuse_without_password(source: Source, credentials: Credentials) -> None:
    """Say at once what a follower could only say again and again."""
    from planner.inventory.source import ApiSource

    if isinstance(source, ApiSource) and not credentials.password:
        raise SourceError(str(source), f"needs a password: set {PASSWORD_VARIABLE} or use --password-file")


def _with_daemons(settings: Settings, daemons: list[str]) -> Settings:
    """Return the settings with more daemons to watch."""
    from dataclasses import replace

    from exporter.config import parse_socket

    try:
        more = map(parse_socket, daemons)
        return replace(settings, daemons=tuple(dict.fromkeys((*settings.daemons, *more))))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--daemon") from error


def _address(text: str) -> Address:
    from exporter.config import parse_address

    try:
        return parse_address(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--listen") from error
