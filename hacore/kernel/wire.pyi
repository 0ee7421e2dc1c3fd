from collections.abc import Sequence
from typing import Self

class PoolIdentity:
    def __new__(cls, key: bytes, generation: bytes, uuids: Sequence[bytes]) -> Self: ...
    @property
    def hosts(self) -> int: ...
