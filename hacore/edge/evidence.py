"""Evidence of whose links are at fault: carrier of the own ones, answers of arbiters (MEMBERSHIP §5).

Carrier is asked of the kernel (SIOCGIFFLAGS, which waits for no lock and looks into the own network
namespace), arbiters are pinged. A virtual switch has carrier whatever happens to the cable, so it is the
physical ports under it that count. What cannot be known is never evidence against this host. Decides nothing.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hacore.config import Config, Network
from hacore.core.events import Evidence

SIOCGIFFLAGS = 0x8913
IFF_UP, IFF_RUNNING = 0x1, 0x40
RTF_GATEWAY = 0x2
_REQUEST = struct.Struct("16sH22x")
"""struct ifreq with ifr_flags (netdevice(7))."""
_ECHO = struct.Struct("!BBHHH8s")
_ECHO_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
_ECHO_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_READ_BYTES = 256
_NET = "/sys/class/net"
ROUTE, ROUTE6 = "/proc/net/route", "/proc/net/ipv6_route"

Note = Callable[[str], None]


class Carriers:
    """Whether the links of the heartbeat networks have carrier."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def close(self) -> None:
        self._socket.close()

    def read(self) -> tuple[bool | None, ...]:
        """Return for each network whether one of its links has carrier; None: it names no interface."""
        return tuple(self._of(network) for network in self._networks)

    def _of(self, network: Network) -> bool | None:
        if not network.interface:
            return None
        links = network.links or ports_of(network.interface) or (network.interface,)
        return any(self._has_carrier(link) for link in links)

    def _has_carrier(self, link: str) -> bool:
        try:
            answer = fcntl.ioctl(self._socket, SIOCGIFFLAGS, _REQUEST.pack(link.encode(), 0))
        except OSError:
            return False  # there is no such interface
        return is_running(_REQUEST.unpack(answer)[1])


def is_running(flags: int) -> bool:
    """Tell whether an interface with these flags is up and has carrier (netdevice(7))."""
    return flags & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING


def ports_of(bridge: str) -> tuple[str, ...]:
    """Return the physical ports and bonds of a Linux bridge; none if it is no such bridge, or has none."""
    try:
        ports = sorted(os.listdir(f"{_NET}/{bridge}/brif"))
    except OSError:
        return ()
    return tuple(port for port in ports if _is_physical(port))


def _is_physical(port: str) -> bool:
    if os.path.isdir(f"{_NET}/{port}/bonding"):
        return True
    try:
        bus = os.readlink(f"{_NET}/{port}/device/subsystem")
    except OSError:
        return False
    return not bus.endswith("xen-backend")  # a virtual machine's


@dataclass(frozen=True, slots=True)
class Place:
    """Where an arbiter is; `interface` "": wherever the routes lead."""

    address: str
    interface: str


def places_of(config: Config) -> list[Place]:
    """Return the configured arbiters, or the default gateways of the heartbeat interfaces as of now."""
    if config.arbiters is not None:
        return [Place(address, "") for address in config.arbiters]
    return places_in({network.interface for network in config.networks if network.interface})


def places_in(interfaces: set[str], route: str = ROUTE, route6: str = ROUTE6) -> list[Place]:
    """Return the default gateways behind these interfaces."""
    found = [*_gateways(route, _gateway), *_gateways(route6, _gateway6)]
    return [place for place in found if place.interface in interfaces]


def _gateways(path: str, parse: Callable[[list[str]], Place | None]) -> Iterator[Place]:
    try:
        with open(path, encoding="ascii") as file:
            places = [parse(line.split()) for line in file]
    except OSError:
        return
    yield from (place for place in places if place is not None)


def _gateway(fields: list[str]) -> Place | None:
    """Read a line of /proc/net/route: interface, destination, gateway, flags, …"""
    if len(fields) < 8 or fields[1] != "00000000" or fields[7] != "00000000":
        return None
    if not int(fields[3], 16) & RTF_GATEWAY:
        return None
    return Place(socket.inet_ntoa(struct.pack("=I", int(fields[2], 16))), fields[0])


def _gateway6(fields: list[str]) -> Place | None:
    """Read a line of /proc/net/ipv6_route: destination, length, source, length, gateway, …, interface."""
    if len(fields) < 10 or int(fields[1], 16) or not int(fields[4], 16):
        return None
    return Place(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[4])), fields[9])


class Arbiters:
    """Pings arbiters from the daemon's one loop and counts those that answer."""

    def __init__(
        self, places: list[Place], selector: selectors.BaseSelector, now_ns: Callable[[], int]
    ) -> None:
        self._now_ns = now_ns
        self._arbiters = [_Arbiter(place, selector, now_ns) for place in places]
        self.problem = ""
        """Why nobody can be pinged at all; "": nothing is wrong."""

    def __len__(self) -> int:
        return len(self._arbiters)

    def ping(self) -> None:
        """Ask everybody once more."""
        problems = [arbiter.ping() for arbiter in self._arbiters]
        self.problem = problems[0] if problems and all(problems) else ""

    def reached(self, within_ns: int) -> int:
        """Return how many have answered lately."""
        since_ns = self._now_ns() - within_ns
        return sum(arbiter.answered_ns > max(since_ns, 0) for arbiter in self._arbiters)

    def close(self) -> None:
        for arbiter in self._arbiters:
            arbiter.close()


class _Arbiter:
    def __init__(self, place: Place, selector: selectors.BaseSelector, now_ns: Callable[[], int]) -> None:
        self._place = place
        self._family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
        self._selector = selector
        self._now_ns = now_ns
        self._socket: socket.socket | None = None
        self._token = os.urandom(8)
        self._sequence = 0
        self.answered_ns = 0

    def ping(self) -> str:
        """Send a request; return what rights are missing, "" if none. To be unreachable is no problem."""
        try:
            self._socket = self._socket or self._opened()
            self._socket.send(self._request())
        except PermissionError as error:
            # EPERM of a packet filter comes from sending, missing rights from opening
            return "" if self._socket else f"{self._place.address}: cannot be pinged: {error.strerror}"
        except BlockingIOError:
            return ""
        except OSError:
            self.close()  # the interface is gone, or not there yet: try anew next time
        return ""

    def close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _opened(self) -> socket.socket:
        protocol = socket.IPPROTO_ICMPV6 if self._family == socket.AF_INET6 else socket.IPPROTO_ICMP
        try:
            found = socket.socket(self._family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
        except PermissionError:
            found = socket.socket(self._family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, protocol)
        try:
            interface = self._place.interface
            if interface:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
            scope = socket.if_nametoindex(interface) if interface else 0
            address = (
                (self._place.address, 0, 0, scope)
                if self._family == socket.AF_INET6
                else (self._place.address, 0)
            )
            found.connect(address)
        except OSError:
            found.close()
            raise
        self._selector.register(found, selectors.EVENT_READ, lambda _events: self._receive())
        return found

    def _request(self) -> bytes:
        self._sequence = self._sequence + 1 & 0xFFFF
        kind, ident = _ECHO_REQUEST[self._family], int.from_bytes(self._token[:2])
        unsigned = _ECHO.pack(kind, 0, 0, ident, self._sequence, self._token)
        return _ECHO.pack(kind, 0, checksum(unsigned), ident, self._sequence, self._token)

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES) if self._socket else b""
        except OSError:
            return
        if is_answer(data, self._family, self._token):
            self.answered_ns = self._now_ns()


def is_answer(data: bytes, family: int, token: bytes) -> bool:
    """Tell whether a packet answers the ping that carried the token; raw IPv4 has its header in front."""
    if family == socket.AF_INET and data[:1] and data[0] >> 4 == 4:
        data = data[(data[0] & 15) * 4 :]
    if len(data) < _ECHO.size:
        return False
    return data[0] == _ECHO_REPLY[socket.AddressFamily(family)] and data[8:16] == token


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(word for (word,) in struct.iter_unpack("!H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


class EvidenceWatch:
    """Carrier and arbiters together, looked at every second beat."""

    def __init__(self, config: Config, selector: selectors.BaseSelector, now_ns: Callable[[], int]) -> None:
        self._within_ns = config.timing.timeout_ns // 4
        self._carriers = Carriers(config.networks)
        self.carriers: tuple[bool | None, ...] = ()
        self.arbiters = Arbiters(places_of(config), selector, now_ns)

    def look(self) -> Evidence:
        """Return what there is now, and ping once more."""
        self.carriers = self._carriers.read()
        self.arbiters.ping()
        carrier = any(each is not False for each in self.carriers)
        return Evidence(carrier, self.arbiters.reached(self._within_ns))

    def close(self) -> None:
        self._carriers.close()
        self.arbiters.close()
