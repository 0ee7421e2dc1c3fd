"""What a host's way to the shared disk does to its I/O, and how a person writes it down. Touches no disk.

ok                     everything works
eio                    reads and writes fail at once
hang                   reads and writes never end; once the fault is over they are carried out and end
delay:250              reads and writes take 250 ms longer
gone                   the device has vanished: it cannot be opened any more, and what is open fails
read=eio  write=hang   the same for reads or writes only; both may stand beside each other
write=torn             only the first sectors of a write land, then it fails
write=ghost:500        a write fails at once and lands all the same, 500 ms later
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

What = Literal["ok", "eio", "hang", "delay", "gone", "torn", "ghost"]

TIMED = frozenset({"delay", "ghost"})
FOR_WRITES = frozenset({"torn", "ghost"})
KNOWN: tuple[What, ...] = ("ok", "eio", "hang", "delay", "gone", "torn", "ghost")
LONGEST_MS = 600_000


class BadFaultError(ValueError):
    """Somebody asked for a fault that does not exist."""

    def __init__(self, text: str, expected: str) -> None:
        super().__init__(f"fault {text!r}: expected {expected}")


@dataclass(frozen=True, slots=True)
class Act:
    """What happens to one kind of request."""

    what: What = "ok"
    delay_ms: int = 0  # of "delay" and "ghost"

    def __str__(self) -> str:
        return f"{self.what}:{self.delay_ms}" if self.what in TIMED else self.what


FINE = Act()


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to all requests."""

    read: Act = FINE
    write: Act = FINE

    def __str__(self) -> str:
        if self.read == self.write:
            return str(self.read)
        return f"read={self.read} write={self.write}"


def parse_fault(text: str) -> Fault:
    """Return the fault a text names.

    Raises:
        BadFaultError: It names none.
    """
    words = text.split()
    if len(words) == 1 and "=" not in words[0]:
        act = _act(words[0])
        if act.what in FOR_WRITES:
            raise BadFaultError(text, f"write={act}: only writes can be torn or become ghosts")
        return Fault(act, act)
    acts = {"read": FINE, "write": FINE}
    for word in words:
        way, _, rest = word.partition("=")
        if way not in acts or not rest:
            raise BadFaultError(text, "read=… and write=…, or one word for both")
        acts[way] = _act(rest)
    if not words or acts["read"].what in FOR_WRITES | {"gone"} or acts["write"].what == "gone":
        raise BadFaultError(text, "a fault that reads can have; `gone` is for both")
    return Fault(**acts)


def _act(word: str) -> Act:
    name, colon, number = word.partition(":")
    what = next((known for known in KNOWN if known == name), None)
    if what is None:
        raise BadFaultError(word, " | ".join(KNOWN))
    if bool(colon) != (what in TIMED):
        raise BadFaultError(word, f"{what}:MILLISECONDS" if what in TIMED else f"{what} without a time")
    if not colon:
        return Act(what)
    if not number.isascii() or not number.isdigit() or int(number) > LONGEST_MS:
        raise BadFaultError(word, f"a whole number of milliseconds up to {LONGEST_MS}")
    return Act(what, int(number))
