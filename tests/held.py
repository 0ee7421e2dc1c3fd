"""Addresses that are nobody else's, also while whoever listens there is away."""

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


def held_datagram_port() -> socket.socket:
    """Return a socket that holds a UDP port until it is closed; `own_address` says where to use it.

    Linux then gives that port to nobody on all addresses, nor to another one who asks here.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    held.bind(("127.255.255.254", 0))
    return held


def own_address(port: int, number: int) -> str:
    """Return a loopback address on which nobody but the holder of a port would use it; number: 1 … 253."""
    return f"127.{port >> 8}.{port & 255}.{number}"
