"""`xenha rules`: alert rules for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exporter.cli import files
from exporter.cli.exits import Exit
from exporter.cli.options import Debug

Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE", help="Write the rules here; - is stdout.")
]


def rules(output: Output = Path("-"), debug: Debug = False) -> int:
    """Print the alert rules, ready for Prometheus' rule_files.

    \b
    Examples:
      xenha rules
      xenha rules -o xenha-rules.yml
    """
    from exporter import alerts

    files.write(output, alerts.render())
    return Exit.DONE
