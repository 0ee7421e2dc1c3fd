"""What the daemon is told, as values: complete, checked (by `hacore.configfile`), never changed.

Hosts are in the order of their UUIDs: a host's index is the same for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hacore.core.timing import Timing

DEFAULT_PATH = "/etc/xenha/xenhad.toml"
DEFAULT_SOCKET = "/run/xenha/xenhad.sock"
WEIGHT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Host:
    """One row of the host table; its index is the order of the UUIDs."""

    uuid: str
    name: str
    addresses: tuple[str, ...]  # one for each network
    weight: int


@dataclass(frozen=True, slots=True)
class Network:
    """One heartbeat network. `interface` "": none is named, the own address says where."""

    name: str
    interface: str
    port: int
    family: str  # "inet" or "inet6"
    links: tuple[str, ...]  # whose carrier counts; empty: that of the interface


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """What reboots the host when nobody pings it."""

    driver: str  # "device", "lab" or "null"
    path: str
    granularity_ns: int


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the daemon is told."""

    path: str
    host: int  # index of this host
    hosts: tuple[Host, ...]  # in the order of their UUIDs
    networks: tuple[Network, ...]
    generation: str
    incarnation: int
    timing: Timing
    statefile: str
    metadata: str  # "": none
    key: bytes = field(repr=False)
    control_socket: str
    journal: str  # "": stderr
    isolation: str
    quorum: str
    watchdog: WatchdogSettings
    arbiters: tuple[str, ...] | None  # None: the default gateways of the heartbeat interfaces
    lab: bool
    fencing: bool

    @property
    def me(self) -> Host:
        """Return this host's row."""
        return self.hosts[self.host]

    def name_of(self, host: int) -> str:
        """Return what people call a host: its name, or its UUID where a comma would mislead in a list."""
        found = self.hosts[host]
        return found.uuid if "," in found.name else found.name
