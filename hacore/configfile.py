"""The configuration of `xenhad`: TOML, read once, checked as a whole and refused rather than corrected.

Every problem is one line: file, key, value, what was expected. Relative paths start at the file's own folder.
Decides who is in the host table; must never open a socket or a device.
"""

from __future__ import annotations

import os
import re
import socket
from stat import S_IMODE

from hacore.config import DEFAULT_SOCKET, WEIGHT_MAX, Config, Host, Network, WatchdogSettings
from hacore.core.inequalities import check
from hacore.core.timing import timing
from hacore.errors import ConfigError
from hacore.records import MAX_HOSTS
from hacore.toml import Table, read_toml, shown

DEFAULT_PORT = 694
"""The port of heartbeats since heartbeat/Pacemaker days; xapi's daemon uses it, too."""
DEFAULT_TIMEOUT_SECONDS = 60
NETWORKS_MAX = 4
ARBITERS_MAX = 8
KEY_BYTES = 32
BOOT_ID = "/proc/sys/kernel/random/boot_id"
SOCKET_PATH_BYTES_MAX = 107
"""Of a Unix socket's address (unix(7)), without the zero byte at its end."""
GRANULARITY_SECONDS = {"device": 1.0, "lab": 0.1, "null": 0.1}
WATCHDOGS = {"device": "/dev/watchdog", "lab": "", "null": ""}
FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_INTERFACE = re.compile(r"[^\s/]{1,15}")
_KEY = re.compile(r"[0-9a-fA-F]{64}\n?")
_AN_INTERFACE = "the name of an interface, at most 15 letters"
_AN_UUID = "a UUID such as 01234567-89ab-cdef-0123-456789abcdef, in lower case"


def load_config(path: str, *, lab: bool = False, no_fencing: bool = False) -> Config:
    """Read the configuration at `path`; the flags of the command line add to what it says.

    Raises ConfigError with every problem there is.
    """
    problems: list[str] = []
    config = _Reader(path, Table("", read_toml(path), problems), lab, no_fencing).config()
    problems += (f"timeout_seconds: {sentence}" for sentence in check(config.timing, config.lab))
    if problems:
        raise ConfigError(tuple(f"{path}: {problem}" for problem in problems))
    return config


def control_socket_of(path: str) -> str:
    """Return where the daemon configured at `path` listens. Raises ConfigError."""
    problems: list[str] = []
    found = Table("", read_toml(path), problems).text("control_socket", "a path", DEFAULT_SOCKET)
    if problems:
        raise ConfigError(tuple(f"{path}: {problem}" for problem in problems))
    return os.path.join(os.path.dirname(path), found)


def incarnation_of(boot_id: str) -> int:
    """Return the first eight bytes of a boot id as an integer, never 0."""
    return int.from_bytes(bytes.fromhex(boot_id.replace("-", ""))[:8], "little") or 1


def read_key(path: str, problems: list[str]) -> bytes:
    """Return the key in a file; what is wrong with it is added to `problems`."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            mode = S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(1024)
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
        return bytes(KEY_BYTES)
    if mode & 0o077:
        problems.append(f"{path}: others may read it (mode {mode:04o}); expected 0600")
    if not _KEY.fullmatch(text):
        problems.append(f"{path}: expected one line of {2 * KEY_BYTES} hex digits")
        return bytes(KEY_BYTES)
    return bytes.fromhex(text)


class _Reader:
    """The tables of one file on their way to a Config; what is wrong goes to the table's own list."""

    def __init__(self, path: str, top: Table, lab: bool, no_fencing: bool) -> None:
        self._folder = os.path.dirname(path)
        self._path = path
        self._top = top
        self._lab = top.flag("lab", False) or lab
        self._fencing = not (top.flag("no_fencing", False) or no_fencing)

    def config(self) -> Config:
        top = self._top
        watchdog = self._watchdog(top.table("watchdog"))
        networks = self._networks()
        hosts = self._hosts(networks)
        found = Config(
            path=self._path,
            host=self._own_index(hosts),
            hosts=hosts,
            networks=networks,
            generation=self._uuid(top, "generation"),
            incarnation=self._incarnation(),
            timing=timing(
                top.seconds_ns("timeout_seconds", 0.001, 86_400, DEFAULT_TIMEOUT_SECONDS),
                watchdog.granularity_ns,
                lab=self._lab,
            ),
            statefile=self._file("statefile", "the path of the heartbeat volume"),
            metadata=self._file("metadata", "the path of the metadata volume", optional=True),
            key=self._key(),
            control_socket=self._socket(),
            journal=self._file("journal", "the path of the journal", optional=True),
            isolation=top.word("isolation", ("evidence", "fence", "hold"), "evidence"),
            quorum=top.word("quorum", ("disk", "majority"), "disk"),
            watchdog=watchdog,
            arbiters=self._arbiters(hosts),
            lab=self._lab,
            fencing=self._fencing,
        )
        top.refuse_unknown()
        return found

    def _uuid(self, table: Table, key: str) -> str:
        value = table.text(key, _AN_UUID)
        if value and not _UUID.fullmatch(value):
            table.complain(key, f"{shown(value)}: expected {_AN_UUID}")
        return value

    def _file(self, key: str, expected: str, *, optional: bool = False) -> str:
        value = self._top.optional_text(key, expected) if optional else self._top.text(key, expected)
        return os.path.join(self._folder, value) if value else ""

    def _socket(self) -> str:
        value = self._top.text("control_socket", "the path of the control socket", DEFAULT_SOCKET)
        path = os.path.join(self._folder, value)
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
            self._top.complain("control_socket", f"expected at most {SOCKET_PATH_BYTES_MAX} bytes: {path}")
        return path

    def _incarnation(self) -> int:
        boot_id = self._top.optional_text("boot_id", _AN_UUID)
        if not boot_id:
            with open(BOOT_ID, encoding="ascii") as file:
                return incarnation_of(file.read().strip())
        if not self._lab:
            self._top.complain("boot_id", "only for the lab; elsewhere the kernel says it")
        if not _UUID.fullmatch(boot_id):
            self._top.complain("boot_id", f"{shown(boot_id)}: expected {_AN_UUID}")
            return 1
        return incarnation_of(boot_id)

    def _key(self) -> bytes:
        path = self._file("key_file", "the path of a file that `xenhad keygen` made")
        if not path:
            return bytes(KEY_BYTES)
        problems: list[str] = []
        key = read_key(path, problems)
        for problem in problems:
            self._top.complain("key_file", problem)
        return key

    def _networks(self) -> tuple[Network, ...]:
        found = []
        for table in self._top.tables("networks", "one [[networks]] table for each heartbeat network"):
            name = table.text("name", "a name")
            if name and (not _NAME.fullmatch(name) or name == "disk"):
                expected = 'at most 32 letters, digits, "_", "." or "-", and not "disk"'
                table.complain("name", f"{shown(name)}: expected {expected}")
            found.append(
                Network(
                    name=name,
                    interface=self._interface(
                        table, "interface", table.optional_text("interface", _AN_INTERFACE)
                    ),
                    port=table.integer("port", 1, 65_535, DEFAULT_PORT),
                    family=table.word("family", tuple(FAMILIES), "inet"),
                    links=tuple(
                        self._interface(table, f"links[{i}]", link)
                        for i, link in enumerate(table.texts("links", "a list of interfaces", ()))
                    ),
                )
            )
            table.refuse_unknown()
        if len(found) > NETWORKS_MAX:
            self._top.complain("networks", f"expected at most {NETWORKS_MAX}, got {len(found)}")
        self._once("networks", "name", [network.name for network in found])
        places = [f"{n.interface}, {n.family}, port {n.port}" if n.interface else "" for n in found]
        self._once("networks", "interface", places)
        return tuple(found)

    def _interface(self, table: Table, key: str, name: str) -> str:
        if name and not _INTERFACE.fullmatch(name):
            table.complain(key, f"{shown(name)}: expected {_AN_INTERFACE}")
        return name

    def _hosts(self, networks: tuple[Network, ...]) -> tuple[Host, ...]:
        found = []
        for table in self._top.tables("hosts", "one [[hosts]] table for each host of the pool"):
            uuid = self._uuid(table, "uuid")
            found.append(
                Host(
                    uuid=uuid,
                    name=table.text("name", "a name", uuid or "-"),
                    addresses=self._addresses(table, networks),
                    weight=table.integer("weight", 0, WEIGHT_MAX, 1),
                )
            )
            table.refuse_unknown()
        if len(found) > MAX_HOSTS:
            self._top.complain("hosts", f"expected at most {MAX_HOSTS}, got {len(found)}")
        self._once("hosts", "uuid", [host.uuid for host in found])
        self._once("hosts", "name", [host.name for host in found])
        for i, network in enumerate(networks):
            addresses = [f"{h.addresses[i]} port {network.port}" if h.addresses else "" for h in found]
            self._once("hosts", f"addresses[{i}]", addresses)
        return tuple(sorted(found, key=lambda host: host.uuid))

    def _addresses(self, table: Table, networks: tuple[Network, ...]) -> tuple[str, ...]:
        addresses = table.texts("addresses", "a list with one address for each network")
        if not addresses or not networks:
            return ()
        if len(addresses) != len(networks):
            expected = f"one for each of {len(networks)} networks"
            table.complain("addresses", f"expected {expected}, got {len(addresses)}")
            return ()
        for i, (address, network) in enumerate(zip(addresses, networks, strict=True)):
            if not _parses(address, network.family):
                kind = "IPv4" if network.family == "inet" else "IPv6"
                table.complain(f"addresses[{i}]", f"{shown(address)}: expected an {kind} address")
        return addresses

    def _own_index(self, hosts: tuple[Host, ...]) -> int:
        uuid = self._uuid(self._top, "host")
        uuids = [host.uuid for host in hosts]
        if uuid in uuids:
            return uuids.index(uuid)
        if _UUID.fullmatch(uuid):
            self._top.complain("host", f"{shown(uuid)}: expected the uuid of one of the [[hosts]]")
        return 0

    def _watchdog(self, table: Table) -> WatchdogSettings:
        driver = table.word("driver", tuple(WATCHDOGS), "device" if self._fencing else "null")
        if driver == "null" and self._fencing:
            table.complain("driver", '"null": fences nobody; expected no_fencing = true (or --no-fencing)')
        if driver == "lab" and not self._lab:
            table.complain("driver", '"lab": expected lab = true (or --lab)')
        path = table.optional_text("path", "the path of the watchdog") or WATCHDOGS[driver]
        if driver == "lab" and not table.has("path"):
            table.complain("path", "required key is missing; expected the socket of the lab's watchdog")
        granularity_ns = table.seconds_ns("granularity_seconds", 0, 60, GRANULARITY_SECONDS[driver])
        table.refuse_unknown()
        return WatchdogSettings(driver, os.path.join(self._folder, path) if path else "", granularity_ns)

    def _arbiters(self, hosts: tuple[Host, ...]) -> tuple[str, ...] | None:
        insiders = {_packed(address): host.name for host in hosts for address in host.addresses}
        found = self._top.texts("arbiters", "a list of addresses", ())
        if len(found) > ARBITERS_MAX:
            self._top.complain("arbiters", f"expected at most {ARBITERS_MAX}, got {len(found)}")
        for i, address in enumerate(found):
            if not any(_parses(address, family) for family in FAMILIES):
                self._top.complain(f"arbiters[{i}]", f"{shown(address)}: expected an IPv4 or IPv6 address")
            elif inside := insiders.get(
                _packed(address), "this host itself" if _is_loopback(address) else ""
            ):
                problem = f"is {inside}; expected somebody outside of the pool: a host always reaches itself"
                self._top.complain(f"arbiters[{i}]", f"{address}: {problem}")
        return found if self._top.has("arbiters") else None

    def _once(self, table: str, key: str, values: list[str]) -> None:
        """Complain of values given twice; empty ones were complained of before."""
        first: dict[str, int] = {}
        for i, value in enumerate(values):
            before = first.setdefault(value, i)
            if value and before != i:
                self._top.complain(f"{table}[{i}].{key}", f"{value}: is that of {table}[{before}] already")


def _parses(address: str, family: str) -> bool:
    try:
        socket.inet_pton(FAMILIES[family], address)
    except (OSError, ValueError):
        return False
    return True


def _packed(address: str) -> bytes:
    """Return an address as it is compared; one that is none, and was complained of, as it stands."""
    family = next((family for family in FAMILIES if _parses(address, family)), "")
    return socket.inet_pton(FAMILIES[family], address) if family else address.encode()


def _is_loopback(address: str) -> bool:
    """Tell whether pings to it never leave this host: 127.0.0.0/8, ::1, and the unspecified addresses."""
    packed = _packed(address)
    if len(packed) == 4:
        return packed[0] == 127 or not any(packed)
    return int.from_bytes(packed) <= 1
