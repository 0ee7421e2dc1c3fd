"""Small pools for tests: one with room to act in, one with everything in it that a pool file can say."""

from __future__ import annotations

from planner.model import SR, VM, Host, Network, Pool, VMGroup

GIB = 1 << 30


def small_pool() -> Pool:
    """Return three hosts of 64 GiB with six protected VMs of 8 GiB, and some Halted ones.

    Host c lacks the local SR and the lab network; "big" fits nowhere; "usb" runs on host a only, "gpu" on a
    and b; "local" has its disk on host a.
    """
    hosts = tuple(Host(f"host-{x}", 64 * GIB, x, cpus=16) for x in "abc")
    running = tuple(
        VM(
            f"vm-{i}",
            8 * GIB,
            f"app-{i}",
            power_state="Running",
            resident_on=hosts[i % 3].uuid,
            ha_restart_priority="restart",
            ha_always_run=True,
            srs=("sr-san",),
            networks=("net-lan",),
        )
        for i in range(6)
    )
    halted = (
        VM(
            "vm-spare",
            8 * GIB,
            "spare",
            ha_restart_priority="restart",
            srs=("sr-san",),
            networks=("net-lan",),
        ),
        VM("vm-big", 100 * GIB, "big", srs=("sr-san",)),
        VM("vm-usb", 4 * GIB, "usb", candidate_hosts=("host-a",)),
        VM("vm-gpu", 4 * GIB, "gpu", candidate_hosts=("host-a", "host-b")),
        VM("vm-local", 4 * GIB, "local", srs=("sr-local",)),
        VM("vm-lab", 4 * GIB, "lab", srs=("sr-san",), networks=("net-lab",)),
        VM("vm-wide", 4 * GIB, "wide", vcpus=32),
    )
    return Pool(
        "pool-small",
        "small",
        master="host-a",
        ha_host_failures_to_tolerate=1,
        ha_allow_overcommit=True,
        heartbeat_srs=("sr-san",),
        hosts=hosts,
        srs=(
            SR("sr-san", "SAN", "lvmoiscsi"),
            SR("sr-local", "Local", "ext", shared=False, hosts=("host-a",)),
            SR("sr-spare", "Unused", "nfs"),
        ),
        networks=(Network("net-lan", "LAN"), Network("net-lab", "Lab", hosts=("host-a", "host-b"))),
        groups=(VMGroup("group-apart", "anti_affinity", "apart"), VMGroup("group-other", "normal", "other")),
        vms=running + halted,
    )


def rich_pool() -> Pool:
    """Return a pool that uses every field of the pool file, awkward values included."""
    hosts = (
        Host("h-1", 128 * GIB, 'a "quoted" <host> & more', 1 << 30, 32, failure_domains=(("rack", "r1"),)),
        Host("h-2", 128 * GIB, "zwei ü \N{SNOWMAN}", tags=("new", "gpu"), enabled=False),
        Host("h-3", 128 * GIB, "three", live=False, failure_domains=(("power", "p1"), ("rack", "r2"))),
    )
    return Pool(
        "p-1",
        "rich & strange",
        master="h-2",
        ha_enabled=False,
        ha_timeout_seconds=90,
        heartbeat_srs=("s-2", "s-1"),
        quorum="majority",
        hosts=hosts,
        srs=(
            SR("s-1", "some", "nfs", hosts=("h-1", "h-3")),
            SR("s-2", "all", "lvmohba"),
            SR("s-3", "none", hosts=()),
            SR("s-4", "own", "ext", shared=False, hosts=("h-2",)),
        ),
        networks=(
            Network("n-1", "everywhere"),
            Network("n-2", "nowhere", ()),
            Network("n-3", "one", ("h-3",)),
        ),
        groups=(
            VMGroup("g-1", "anti_affinity", "apart", enforced=True),
            VMGroup("g-2", "affinity", "together"),
        ),
        vms=(
            VM(
                "v-0",
                4 * GIB,
                "dom0",
                power_state="Running",
                resident_on="h-1",
                is_control_domain=True,
                srs=(),
            ),
            VM(
                "v-1",
                16 * GIB,
                " spaces and\ttabs\n",
                8 * GIB,
                123_456_789,
                8,
                "Running",
                "h-1",
                "h-2",
                "restart",
                ha_always_run=True,
                order=3,
                start_delay_seconds=30,
                srs=("s-2", "s-1"),
                networks=("n-3", "n-1"),
                groups=("g-1", "g-2"),
                tags=("gold", "web"),
            ),
            VM(
                "v-2",
                GIB,
                "paused",
                power_state="Paused",
                resident_on="h-3",
                ha_restart_priority="best-effort",
            ),
            VM("v-3", GIB, "suspended", power_state="Suspended", srs=("s-4",), networks=("n-2",)),
            VM("v-4", GIB, "promised", scheduled_to_be_resident_on="h-1", candidate_hosts=()),
            VM("v-5", GIB, "tied", candidate_hosts=("h-2",), ha_always_run=True, srs=("s-3",)),
            VM("v-6", GIB, "", candidate_hosts=("h-3", "h-1"), ha_restart_priority="restart"),
        ),
    )
