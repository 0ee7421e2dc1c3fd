"""`xenha rules`: alert rules for Prometheus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from exporter.cli import files
from exporter.cli.exits import Exit
from exporter.cli.options import Json

Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE", help="Write the rules here; - is stdout.")
]
Hold = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Let every rule fire after so long, e.g. 0s to try the way to a mailbox; default: each its own.",
        show_default=False,
    ),
]


def rules(output: Output = Path("-"), hold: Hold = None, as_json: Json = False) -> int:
    """Print the alert rules, ready for Prometheus' rule_files.

    \b
    Examples:
      xenha rules
      xenha rules -o xenha-rules.yml
      xenha rules --hold 0s --json
    """
    from exporter import alerts

    try:
        text = json.dumps(alerts.document(hold), indent=2) + "\n" if as_json else alerts.render(hold)
    except ValueError as problem:
        raise typer.BadParameter(f"{problem}", param_hint="--hold") from problem
    files.write(output, text)
    return Exit.DONE
