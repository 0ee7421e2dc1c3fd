"""What happened, line by line: every host's journal, its fences, the faults in between. Judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hacore.core.effects import Note
from hacore.core.timing import NS
from hacore.core.words import spoken
from hacore.records import FenceCause
from hacore.testing.disk import Copy

if TYPE_CHECKING:
    from hacore.testing.host import Host
    from hacore.testing.world import World


class Story:
    """Lines, each with the true time and who it is about."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lines: list[str] = []

    def noted(self, host: Host, note: Note) -> None:
        values = " ".join(f"{key}={spoken(value, str)}" for key, value in note.values)
        self.tell(host.index, f"{note.word} {values}".rstrip())

    def tell(self, host: int, text: str) -> None:
        who = "     *" if host < 0 else f"host {host}"
        self.lines.append(f"{self.world.now_ns / NS:10.3f}  {who}  {text}")

    def vms_started(self, host: Host) -> None:
        self.tell(host.index, "runs VMs")

    def looked(self, host: Host) -> None: ...
    def arming(self, host: Host) -> None: ...
    def fenced(self, host: Host, cause: FenceCause | None) -> None: ...
    def went_down(self, host: Host) -> None: ...
    def landed(self, host: int, content: Copy) -> None: ...
