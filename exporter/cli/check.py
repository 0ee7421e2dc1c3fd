"""`xenha check`: one status line and an exit code, for Nagios, Icinga, cron."""

from __future__ import annotations

from exporter.cli.counting import Counting
from exporter.cli.exits import Exit, code_of, sentence
from exporter.cli.options import DEFAULT_LIMIT_SECONDS, Account, Json, Limit, Source, Target
from exporter.cli.output import clean, print_json
from exporter.cli.sources import figure
from exporter.cli.words import pool_title, verdict, witness_words
from planner.errors import InputError, PlannerError, PoolUnreachable
from planner.model import Pool
from planner.results import Tolerance

_CODES = {False: Exit.DONE, True: Exit.NO, None: Exit.OPEN}


def check(
    source: Source,
    *,
    target: Target = None,
    counting: Counting,
    limit: Limit = DEFAULT_LIMIT_SECONDS,
    json: Json = False,
    account: Account,
) -> int:
    """Say in a line and by exit code whether a pool keeps its target.

    0 it does, 1 overcommitted, 2 wrong usage or bad input, 3 the pool cannot be reached, 4 unknown: neither
    is proven within the limit, or no target is set. The line ends in performance data.

    \b
    Examples:
      xenha check demo:
      xenha check pool.json --target 2
      xenha check https://root@master.example --password-file secret --limit 5
    """
    try:
        snapshot, answer = figure(
            source,
            account.credentials(),
            target,
            limit,
            rules=counting.rules(),
        )
    except (InputError, PoolUnreachable) as error:
        _report_no_answer(error, json)
        raise
    if json:
        print_json(answer.to_json())
    else:
        print(clean(_status(snapshot.pool, answer)), "|", _performance(answer), flush=True)
    return _CODES[answer.overcommitted]


def _report_no_answer(error: PlannerError, json: bool) -> None:
    """Monitoring shows stdout: the reason must stand there too."""
    if json:
        print_json({"error": sentence(error)})
        return
    state = "UNREACHABLE" if code_of(error) is Exit.UNREACHABLE else "BAD INPUT"
    print(f"{state}: {clean(sentence(error)).replace('|', '/')}", flush=True)


def _status(pool: Pool, answer: Tolerance) -> str:
    status = f"{verdict(answer).text}, pool {pool_title(pool.name, pool.uuid)}"
    if answer.overcommitted and answer.simultaneous.witness:
        status += f"; not without {witness_words(pool, answer.simultaneous.witness)}"
    return status.replace("|", "/")


def _performance(answer: Tolerance) -> str:
    wanted = "" if answer.target is None else f"{answer.target}:"
    figures = answer.simultaneous
    return (
        f"tolerance_lower={figures.lower};{wanted};{wanted};-1;{answer.hosts} "
        f"tolerance_upper={figures.upper};{wanted};{wanted};-1;{answer.hosts} "
        f"protected_vms={answer.protected_vms};;;0; "
        f"seconds={answer.elapsed_seconds:.3f}s;;;0;"
    )
