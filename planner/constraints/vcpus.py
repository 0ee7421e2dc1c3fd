"""vCPUs per core: the vCPUs of what is on a host are no more than its cores times an operator's ratio.

Counted are all VMs that take memory there, control domains and unprotected VMs included. A host that is over
already has nothing left; one whose cores are not known neither: what is unknown makes no figure better. Off
unless the operator names a ratio, as xapi counts no vCPUs.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from planner.constraints.resource import Limit
from planner.constraints.rules import Rules
from planner.model import Host, Pool


def vcpus(pool: Pool, rules: Rules) -> Iterator[Limit]:
    """Yield the vCPUs of a pool as a constraint, nothing without a ratio."""
    ratio = rules.vcpus_per_core
    if ratio is not None:
        capacity = {host.uuid: _most(host, ratio) for host in pool.hosts}
        yield Limit("cpu", "vCPUs", capacity, {vm.uuid: vm.vcpus for vm in pool.vms if vm.vcpus > 0})


def _most(host: Host, ratio: Fraction) -> int:
    return 0 if host.cpus is None else host.cpus * ratio.numerator // ratio.denominator
