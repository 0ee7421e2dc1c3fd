"""The start of a machine: it goes on where its predecessor ended. Must never forget what that one promised.

What a slot of this boot says of armed, left out or fencing holds on; promises of Paxos and denials hold of
any boot, for others count them still.
"""

from __future__ import annotations

from hacore.core.living import MEMBERS
from hacore.core.membership import readmitted
from hacore.core.mind import Mind
from hacore.core.words import Waiting
from hacore.records import SlotBody, State


def begin(mind: Mind) -> Waiting:
    """Take over what the own slot says, as soon as that is certain enough; return what is waited for."""
    takeover, me = mind.takeover, mind.setup.me
    waiting = takeover.look(mind.disk)
    if takeover.refused:
        mind.posture.note("refused", ("reason", takeover.refused))
        mind.posture.stop(takeover.refused)
    if takeover.pending or takeover.refused:
        return waiting
    mind.says.decided = mind.disk.newest
    own = mind.disk.bodies[me]
    if own is None:
        mind.enter(State.JOINING)
    else:
        _resume(mind, own)
    mind.living.admit(mind.setup.configured, mind.disk.newest.epoch)
    if own is not None:  # of any boot: others may count it still
        mind.says.denied = own.denied & ~readmitted(own.decided, mind.disk.newest)
        mind.living.waive(waives=mind.living.waiving and own.decided == mind.disk.newest)
    mind.removals.inherit(mind.says.decided, mind.disk)
    return waiting


def _resume(mind: Mind, own: SlotBody) -> None:
    """Go on where the predecessor ended: its boot's posture, any boot's promises."""
    says, newest = mind.says, mind.disk.newest
    same = own.incarnation == mind.setup.incarnation
    proposer = mind.deciding.proposer
    proposer.take_over(own.block, same_boot=same)
    proposer.resuming = same and own.state in MEMBERS
    mind.deciding.close(newest.epoch)
    says.fence = own.fence
    if same:
        says.weight, says.leader_wish = own.weight, own.leader_wish
        if own.state in MEMBERS or mind.is_member(newest):
            mind.living.given_ns = mind.now_ns  # a predecessor may have granted until now
    if same and own.state in MEMBERS:
        says.decided = own.decided
        _resume_membership(mind, own)
    elif same and own.state is State.FENCING:
        mind.posture.fence(own.fence, mind.now_ns)
    elif own.state is State.EXCLUDED and not mind.takeover.asked_to_join:
        mind.enter(State.EXCLUDED)
    else:
        mind.enter(State.JOINING)


def _resume_membership(mind: Mind, own: SlotBody) -> None:
    posture = mind.posture
    mind.enter(own.state)
    posture.said_member = True
    posture.armable = posture.armable and own.armed
    if posture.armable:
        posture.resume()
