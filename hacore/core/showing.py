"""From what the machine holds to what it shows. Decides one thing only: when a member may be seen as one."""

from __future__ import annotations

from hacore.core.living import Living
from hacore.core.posture import Posture
from hacore.core.removals import Removals
from hacore.core.says import Says
from hacore.core.seen import Disk
from hacore.core.view import View
from hacore.core.words import Waiting
from hacore.kernel.native import COPIES
from hacore.records import State


def showing(
    says: Says,
    living: Living,
    disk: Disk,
    posture: Posture,
    removals: Removals,
    *,
    unresolved: bool,
    degraded: bool,
    waiting: Waiting,
) -> View:
    """Return the view. MEMBER only once the slot has said so: one that shows JOINING has run nothing."""
    unsaid = says.state is State.MEMBER and not posture.said_member
    return View(
        state=State.JOINING if unsaid else says.state,
        since_ns=posture.since_ns,
        decided=says.decided,
        armed=posture.open,
        disarming=posture.open and not says.armed,
        dead=removals.dead,
        condemned=removals.condemned,
        uncertain=removals.uncertain,
        mode=living.mode,
        storage=says.storage,
        degraded=degraded,
        unresolved=unresolved,
        row=says.row,
        silent=disk.silent,
        lived_ns=living.since_ns,
        granted_ns=living.granted_ns,
        carrier=says.carrier,
        arbiters=says.arbiters,
        weight=says.weight,
        leader_wish=says.leader_wish,
        copies_left=disk.copies_left if disk.known else COPIES,
        doubted=disk.doubted if disk.known else 0,
        foreign=disk.foreign,
        fence=says.fence,
        waiting=waiting,
    )
