from collections.abc import Mapping

from hacore.kernel.wire import PoolIdentity
from hacore.records import PacketBody

Body = tuple[int, int, int, int, bool, bool, int, int, int, int, int]

def pack_body(body: PacketBody, hosts: int) -> bytes: ...
def unpack_body(raw: bytes | memoryview, hosts: int) -> Body: ...
def make_packet(
    pool: PoolIdentity,
    body: bytes,
    host: int,
    sequence: int,
    stamp_ns: int,
    echoes: Mapping[int, tuple[int, int]],
) -> bytes: ...
def examine_packet(pool: PoolIdentity, packet: bytes) -> int: ...
def packet_head(packet: bytes) -> tuple[int, int, int]: ...
def echo_of(packet: bytes, me: int, incarnation: int) -> int: ...
