"""Cuts connections whose client keeps us waiting: half a request, a body that trickles, an answer not taken.

Without it a few hundred such clients keep everybody else out for good. While an answer is being worked out it
is our turn: that may take as long as it takes. Must never look into a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with clients, not too many, that take their turn within twice `patience_seconds`."""

    patience_seconds: ClassVar[float] = 30.0
    most_connections: ClassVar[int] = 500
    """A process usually may open 1 024 files, and needs some for the pools."""
    _arrivals: ClassVar[Iterator[int]] = count()
    _arrival = 0
    _next_look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arrival = next(self._arrivals)
        self.look(None)
        if len(self.connections) > self.most_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        """Cut who has come first of those that owe us something; the newcomer if nobody else does."""
        connections = (each for each in self.connections if isinstance(each, PatientProtocol))
        owing = [each for each in connections if each.owed() is not None and not each.transport.is_closing()]
        min(owing, key=lambda each: each._arrival).transport.abort()

    def look(self, owed_before: object) -> None:
        """Cut the connection if the client still owes us what it owed at the last look."""
        owed = self.owed()
        if owed is not None and owed == owed_before:
            self.transport.abort()
        else:
            self._next_look = self.loop.call_later(self.patience_seconds, self.look, owed)

    def owed(self) -> object:
        """Return what the client has to do next, and in which exchange; None: it is our turn."""
        if self.cycle is None or self.cycle.response_complete:
            return self.cycle, "send a request"
        if self.cycle.more_body:
            return self.cycle, "send the body"
        return (self.cycle, "take the answer") if self.flow.write_paused else None
