"""When what this host says has to be published anew, and whether that may wait for the next beat."""

from __future__ import annotations

from hacore.core.effects import Effect, Publish, Say
from hacore.core.says import Says

Key = tuple[tuple[object, ...], tuple[object, ...]]
_NOTHING: Key = ((), ())


class Telling:
    """What was said last; numbers the publications."""

    def __init__(self, says: Says) -> None:
        self._says = says
        self._on_disk = self._on_network = _NOTHING
        self.version = 0
        self.again = False
        """The same body has to be written once more, now."""

    @property
    def coming(self) -> int:
        """Return the number of the next publication: of this very event if anything changes in it."""
        return self.version + 1

    def tell(self) -> list[Effect]:
        """Return what has to be published; the disk first: persist before send."""
        says = self._says
        small = says.small()
        on_disk, on_network = (says.weighty(), small), (says.urgent(), small)
        effects: list[Effect] = []
        if on_disk != self._on_disk or self.again:
            self.version += 1
            at_once = self.again or on_disk[0] != self._on_disk[0]
            effects.append(Publish(self.version, says.slot(), at_once))
            self._on_disk, self.again = on_disk, False
        if on_network != self._on_network:
            effects.append(Say(says.packet(), at_once=on_network[0] != self._on_network[0]))
            self._on_network = on_network
        return effects
