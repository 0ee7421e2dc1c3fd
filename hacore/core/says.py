"""What this host says of itself, on the disk and on the network. Holds it, decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from hacore.records import EMPTY_BLOCK, NOBODY, Block, Decision, FenceCause, PacketBody, SlotBody, State


@dataclass(slots=True)
class Says:
    """The published fields; names are those of SlotBody and PacketBody."""

    incarnation: int
    decided: Decision
    weight: int
    row: int
    state: State = State.ABSENT
    armed: bool = False
    block: Block = EMPTY_BLOCK
    storage: bool = False
    carrier: bool = False
    arbiters: int = 0
    leader_wish: int = NOBODY
    polled: int = 0
    denied: int = 0
    spoken: int = 0
    """Those of the denied that my slot shows: told to others, for a successor will know of them."""
    confirmed: int = 0
    fence: FenceCause = FenceCause.NONE
    grants: int = 0

    def slot(self) -> SlotBody:
        """Return what the slot should say."""
        return SlotBody(
            incarnation=self.incarnation,
            state=self.state,
            armed=self.armed,
            decided=self.decided,
            block=self.block,
            row=self.row,
            storage=self.storage,
            carrier=self.carrier,
            arbiters=self.arbiters,
            weight=self.weight,
            leader_wish=self.leader_wish,
            polled=self.polled,
            denied=self.denied,
            confirmed=self.confirmed,
            fence=self.fence,
        )

    def packet(self) -> PacketBody:
        """Return what the packets should say."""
        return PacketBody(
            incarnation=self.incarnation,
            state=self.state,
            epoch=self.decided.epoch,
            row=self.row,
            storage=self.storage,
            carrier=self.carrier,
            arbiters=self.arbiters,
            weight=self.weight,
            grants=self.grants,
            polled=self.polled,
            denied=self.spoken,
        )

    def weighty(self) -> tuple[object, ...]:
        """Return what others should read at once when it changes."""
        return (self.state, self.armed, self.decided, self.block, self.confirmed, self.polled, self.denied)

    def urgent(self) -> tuple[object, ...]:
        """Return what others should hear at once when it changes."""
        return (self.state, self.decided.epoch, self.storage, self.grants, self.polled, self.spoken)

    def small(self) -> tuple[object, ...]:
        """Return the rest, which may wait for the next beat."""
        return (
            self.row,
            self.storage,
            self.carrier,
            self.arbiters,
            self.weight,
            self.leader_wish,
            self.fence,
        )
