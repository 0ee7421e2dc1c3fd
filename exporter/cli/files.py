"""Files that commands write."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; "-" is stdout. Errors: OSError that names `path`."""
    text = text if text.endswith("\n") else f"{text}\n"
    if str(path) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())  # UTF-8 by contract, whatever the terminal speaks
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")  # a device or a pipe: must not be replaced by a file
    else:
        _replace(path.resolve(), text)


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            file.write(text)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
