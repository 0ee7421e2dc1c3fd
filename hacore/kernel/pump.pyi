from collections.abc import Sequence

from hacore.kernel.wire import PoolIdentity

_Histogram = tuple[tuple[int, ...], int]
_Cycle = tuple[int, int, bool, int, int, bool, int, int, int, bool]

class PumpThreads:
    def __init__(
        self,
        pool: PoolIdentity,
        me: int,
        incarnation: int,
        *,
        device: int | None,
        slots_at: int,
        sockets: Sequence[int | None],
        beat_ns: int,
        dog_beat_ns: int,
        ping_until_ns: int,
        check_in_ns: int,
        unheard_ns: int,
        ghost_ns: int,
        wall_ns: int,
        since_ns: int = 0,
        finished: bool = False,
    ) -> None: ...
    def start(self) -> tuple[tuple[bool, bool, bool], int]: ...
    def stop(self, grace_ns: int) -> bool: ...
    def fileno(self) -> int: ...
    def publish(self, version: int, body: bytes, at_once: bool) -> None: ...
    def say(self, body: bytes, at_once: bool) -> None: ...
    def lease(self, disk: bool, granted_ns: int) -> None: ...
    def watch(self, watchdog: int | None) -> None: ...
    def check_in(self) -> None: ...
    def set_device(self, device: int | None) -> None: ...
    def set_socket(self, network: int, socket: int | None) -> None: ...
    def set_address(self, peer: int, network: int, address: bytes, port: int, scope: int) -> None: ...
    def take_cycle(self) -> tuple[_Cycle, list[int], list[tuple[int, bytes | None]]] | None: ...
    def take_words(self) -> tuple[list[int], list[int], int, list[tuple[int, bytes]]]: ...
    def beats(self) -> list[tuple[int, int, _Histogram]]: ...
    def disk(
        self,
    ) -> tuple[
        tuple[_Histogram, _Histogram, _Histogram],
        tuple[int, int, int, int, int, int, int, int, int],
        list[int],
    ]: ...
    def network(
        self, network: int
    ) -> tuple[
        int,
        int,
        list[tuple[int, int]],
        list[tuple[int, int]],
        list[int],
        list[int],
        list[tuple[bytes, int, int] | None],
    ]: ...
    def dog(self) -> tuple[bool, int, int, int, int, int]: ...
