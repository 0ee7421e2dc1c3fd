from collections.abc import Sequence

def lease_since_ns(disk: bool, disk_since_ns: int, granted_ns: int) -> int: ...
def may_ping(
    now_ns: int,
    since_ns: int,
    checked_in_ns: int,
    *,
    watching: bool,
    ping_until_ns: int,
    check_in_ns: int,
) -> bool: ...
def has_outlived(now_ns: int, since_ns: int, *, watching: bool, over_ns: int) -> bool: ...
def next_beat(due_ns: int, now_ns: int, beat_ns: int) -> tuple[int, int]: ...
def read_good(published: bool, written: bool, read: bool, sequence: int, shown: int) -> bool: ...
def disk_since_ns(before_ns: int, started_ns: int, written: bool, good: bool, member: bool) -> int: ...
def admitted(blocks: Sequence[bytes | None], me: int, incarnation: int) -> bool: ...

_Turn = tuple[int, int, int, list[int], int]

class CopyTurn:
    def __init__(self, ghost_ns: int, burnt: int = 0, last: int = 7, probing: int = -1) -> None: ...
    def next(self, now_ns: int) -> int: ...
    def clean(self, copy: int) -> bool: ...
    def ended(self, copy: int, worked: bool, started_ns: int, ended_ns: int) -> None: ...
    def state(self) -> _Turn: ...

def take_over(
    copies: Sequence[tuple[int, int, int] | None],
    incarnation: int,
    *,
    now_ns: int,
    wall_ns: int,
    ghost_ns: int,
    finished: int = 0,
    failed_ns: Sequence[int] = ...,
    returned_ns: int = 0,
) -> tuple[int, _Turn]: ...

class Book:
    def __init__(self, hosts: int, me: int, networks: int, unheard_ns: int) -> None: ...
    def accept(
        self,
        network: int,
        sender: int,
        incarnation: int,
        sequence: int,
        stamp_ns: int,
        echo_ns: int,
        now_ns: int,
    ) -> int: ...
    def state(
        self,
    ) -> tuple[list[int], list[int], list[int], list[int], list[int], list[list[int]], list[list[int]]]: ...
