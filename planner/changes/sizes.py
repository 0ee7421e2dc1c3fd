"""Sizes as people type them: 16GiB, 512MiB, 1073741824. Decides nothing else."""

from __future__ import annotations

import re

from planner.errors import InputError

_FACTORS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>[A-Za-z]*)")
MOST_BYTES = 1 << 50
MOST_LETTERS = 100
"""Python refuses to read numbers of thousands of digits."""


class SizeError(InputError):
    """A size is refused."""

    def __init__(self, text: str) -> None:
        self.text = text
        shown = repr(text[:MOST_LETTERS])
        super().__init__(f"{shown}: expected a size above 0 and up to 1024 TiB, such as 16GiB or 512MiB")


def size_bytes(text: str) -> int:
    """Return the bytes of a size; binary units only, whole bytes. Errors: SizeError."""
    match = _SIZE.fullmatch(text.strip()) if len(text) <= MOST_LETTERS else None
    factor = _FACTORS.get(match["unit"]) if match else None
    if match is None or factor is None:
        raise SizeError(text)
    whole, _, fraction = match["number"].partition(".")
    scaled = int(whole + fraction) * factor
    scale: int = 10 ** len(fraction)
    size, rest = divmod(scaled, scale)
    if rest or not 0 < size <= MOST_BYTES:
        raise SizeError(text)
    return size
