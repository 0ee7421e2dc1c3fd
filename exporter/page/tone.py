"""How well something stands, as the page shows it."""

from __future__ import annotations

from typing import Literal

Tone = Literal["good", "bad", "unknown", "plain"]
"""The four colours of the page; a word always stands beside them."""
