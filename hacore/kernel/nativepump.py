"""Façade of the native pump: its threads speak bytes, `hacore.edge.pump` makes records of them.

Decides nothing. Apart from `native`, so that commands that never pump do not load it.
"""

from __future__ import annotations

from hacore.kernel.pump import PumpThreads

__all__ = ["PumpThreads"]
