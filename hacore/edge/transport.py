"""Sockets of the heartbeat networks: opened, bound to their interface, opened anew when it was gone.

The pump sends and receives on them; here is only how one comes to be. A network that cannot be had now is
tried again, and all that is lost meanwhile is that network.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

from hacore.config import Config, Network

IPV6_TCLASS = 67
IP_FREEBIND = 15
IPV6_FREEBIND = 78
_CLASS_CS6 = 0xC0
"""DSCP class selector 6, "internetwork control" (RFC 4594 §3.1): queues drop heartbeats last."""
_BUFFER_BYTES = 1 << 20
"""Room for the beats of 63 hosts on a brain's longest pause; the kernel counts some 2.5 KiB a packet."""
FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


def open_socket(network: Network, address: str) -> socket.socket:
    """Return a UDP socket for a heartbeat network. Raises OSError.

    With an interface it is bound to that and to no address, so that a change of the own address is survived;
    without, to the own address, whether that is up yet or not.
    """
    family = FAMILIES[network.family]
    found = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        _prepare(found, family)
        if network.interface:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, network.interface.encode() + b"\0")
            found.bind(("", network.port))
        else:
            found.bind((address, network.port))
    except OSError:
        found.close()
        raise
    return found


def peer_address(network: Network, address: str) -> tuple[str, int]:
    """Return where a peer is sent to; a link-local address gets the network's interface as its scope."""
    scoped = network.interface and network.family == "inet6" and address.lower().startswith("fe80:")
    return (f"{address}%{network.interface}" if scoped else address), network.port


def _prepare(found: socket.socket, family: int) -> None:
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    if family == socket.AF_INET6:
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.setsockopt(socket.IPPROTO_IPV6, IPV6_TCLASS, _CLASS_CS6)
        found.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    else:
        found.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _CLASS_CS6)
        found.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)


def lack(network: Network, address: str) -> str:
    """Say what this host lacks just now to be heard on a network at its address; "": nothing.

    A socket of the daemon binds to an address that is not there yet: a wrong one would never be told.
    """
    if network.interface and not interface_index(network.interface):
        return f"there is no interface {network.interface}"
    try:
        with socket.socket(FAMILIES[network.family], socket.SOCK_DGRAM) as probe:
            probe.bind((peer_address(network, address)[0], 0))
    except OSError as error:
        unknown = error.errno == errno.EADDRNOTAVAIL
        return f"{address} is no address of this host" if unknown else os.strerror(error.errno or 0)
    return ""


def interface_index(name: str) -> int:
    """Return the kernel's number of an interface, 0 if there is none of that name."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


class Networks:
    """The sockets of all heartbeat networks of this host."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._sockets: list[socket.socket | None] = [None] * len(config.networks)
        self._interfaces = [0] * len(config.networks)
        self.problems = [""] * len(config.networks)
        """By network: why it cannot be had now; "": it can."""

    def renew(self, use: Callable[[int, int | None], None]) -> None:
        """Open what is missing and what belongs to an interface that is gone; hand over each that changed.

        A socket bound to an interface stays dead when another one of the same name comes.
        """
        for i, network in enumerate(self._config.networks):
            index = interface_index(network.interface) if network.interface else 0
            before = self._sockets[i]
            if before is not None and index == self._interfaces[i]:
                self._look_for_address(i, network)
                continue
            after = self._opened(i, network)
            self._sockets[i], self._interfaces[i] = after, index
            if before is not None or after is not None:
                use(i, None if after is None else after.fileno())
            if before is not None:
                before.close()

    def close(self) -> None:
        """Close all; nobody may use them any more."""
        for each in self._sockets:
            if each is not None:
                each.close()
        self._sockets = [None] * len(self._sockets)

    def _opened(self, i: int, network: Network) -> socket.socket | None:
        try:
            found = open_socket(network, self._config.me.addresses[i])
        except OSError as error:
            self.problems[i] = f"{network.name}: {reason(error, network)}"
            return None
        self._look_for_address(i, network)
        return found

    def _look_for_address(self, i: int, network: Network) -> None:
        """Say so while this host lacks the address that its socket is bound to: it is late, or wrong."""
        problem = "" if network.interface else lack(network, self._config.me.addresses[i])
        self.problems[i] = f"{network.name}: {problem}" if problem else ""


def reason(error: OSError, network: Network) -> str:
    """Say in words why a socket cannot be had."""
    where = network.interface or "its address"
    match error.errno:
        case errno.ENODEV:
            return f"there is no interface {network.interface}"
        case errno.EADDRINUSE:
            return f"UDP port {network.port} on {where} is taken by another program"
        case errno.EPERM | errno.EACCES:
            return f"binding UDP port {network.port} on {where} needs more rights"
    return os.strerror(error.errno or 0)
