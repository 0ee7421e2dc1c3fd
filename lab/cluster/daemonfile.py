"""Writes the configuration of each xenhad of the lab. Knows the keys, checks nothing: the daemon does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.cluster.nets import address, family

GENERATION = "77777777-0000-4000-8000-000000000000"
GRANULARITY_SECONDS = 0.2
"""How late the lab's watchdog may be: it shares the processors with everything else."""
KEY = "6b" * 32


@dataclass(frozen=True, slots=True)
class Settings:
    """What all hosts of a cluster have in common."""

    hosts: int = 3
    networks: int = 1
    timeout_seconds: float = 3.0
    isolation: str = "evidence"
    quorum: str = "disk"
    weights: tuple[int, ...] = ()  # by host; those not named have 1

    @property
    def watchdog_seconds(self) -> float:
        """W, as a daemon in a lab takes it to be (hacore.core.timing)."""
        return self.timeout_seconds / 10

    def weight(self, host: int) -> int:
        """Return a host's weight."""
        return self.weights[host] if host < len(self.weights) else 1


def uuid_of(host: int) -> str:
    """Return a host's UUID; their order is the order of the hosts."""
    return f"{host + 1:08x}-0000-4000-8000-000000000000"


def name_of(host: int) -> str:
    """Return what people call a host."""
    return f"host-{host + 1}"


def host_of(name: str) -> int:
    """Return the host that people call by a name."""
    return int(name.removeprefix("host-")) - 1


def config_text(settings: Settings, host: int, folder: Path, statefile: Path) -> str:
    """Return a host's configuration; `BOOT_ID` stands where the boot id goes. `folder` is the cluster's."""
    own = folder / name_of(host)
    lines = [
        f'host = "{uuid_of(host)}"',
        f'generation = "{GENERATION}"',
        f"timeout_seconds = {settings.timeout_seconds:g}",
        f'statefile = "{statefile}"',
        f'key_file = "{folder / "key"}"',
        f'control_socket = "{own / "xenhad.sock"}"',
        f'journal = "{own / "journal"}"',
        f'isolation = "{settings.isolation}"',
        f'quorum = "{settings.quorum}"',
        "lab = true",
        'boot_id = "BOOT_ID"',
        "",
        "[watchdog]",
        'driver = "lab"',
        f'path = "{own / "dog.sock"}"',
        f"granularity_seconds = {GRANULARITY_SECONDS:g}",
    ]
    for network in range(settings.networks):
        lines += ["", "[[networks]]", f'name = "net{network}"', f'interface = "eth{network}"']
        lines += [f'family = "{family(network)}"']
    for each in range(settings.hosts):
        addresses = ", ".join(f'"{address(each, network)}"' for network in range(settings.networks))
        lines += ["", "[[hosts]]", f'uuid = "{uuid_of(each)}"', f'name = "{name_of(each)}"']
        lines += [f"addresses = [{addresses}]", f"weight = {settings.weight(each)}"]
    return "\n".join(lines) + "\n"
