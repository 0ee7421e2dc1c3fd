"""An address that is nobody else's while the server on it is away."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_address() -> Iterator[str]:
    """Hold HOST:PORT of the loopback, on which a server may listen, end and listen anew.

    Linux lets sockets with SO_REUSEADDR share an address on which none listens, and gives it to nobody who
    asks for any port, nor to a connection as its near end. Who connects while no server is there is refused.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        host, port = held.getsockname()
        yield f"{host}:{port}"
