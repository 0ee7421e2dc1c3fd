"""Named faults for a cluster, each with what must come of it (MEMBERSHIP §5 and §9): drills and tests alike.

A drill gets a formed cluster, breaks it, waits for what must happen and mends it again. Whether the
guarantees held is the judge's; a drill says who may be fenced, and everybody it names must have been.
"""

from __future__ import annotations

from lab.cluster.drills.disks import DISKS
from lab.cluster.drills.hosts import HOSTS
from lab.cluster.drills.networks import NETWORKS
from lab.cluster.drills.steps import Drill

DRILLS: dict[str, Drill] = {**HOSTS, **NETWORKS, **DISKS}
