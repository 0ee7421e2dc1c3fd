from hacore.records import SlotBody

Decided = tuple[int, int, tuple[int, ...], int, int]
Ballots = tuple[int, int, int, Decided | None]
Who = tuple[int, int, bool]
Sight = tuple[int, bool, bool, int, int]
Said = tuple[int, int, int, int, int]
Body = tuple[Who, Decided, Ballots, Sight, Said]

def pack_body(body: SlotBody, hosts: int) -> bytes: ...
def unpack_body(raw: bytes | memoryview, hosts: int) -> Body: ...
