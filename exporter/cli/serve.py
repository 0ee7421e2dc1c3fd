"""`xenha serve`: the page, the metrics and the API, kept up to date."""

from __future__ import annotations

from exporter.cli.exits import Exit
from exporter.cli.options import Debug


def serve(debug: Debug = False) -> int:
    """Serve."""
    return Exit.DONE
