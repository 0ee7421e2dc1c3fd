from array import array

class FailureSets:
    nodes: int
    leaves: int

    def __init__(
        self,
        k: int,
        host_unit: array[int],
        units: int,
        order: array[int],
        dominators: array[int],
        rows: array[int],
        terms: array[int],
        limits: array[int],
        start: array[int],
        unit: array[int],
        count: array[int],
        down: array[int],
        capacity: array[int],
        sizes: array[int],
        mask_of: array[int],
        masks: array[int],
        floor_sizes: array[int],
        most: array[int],
    ) -> None: ...
    def run(self, budget: int) -> int: ...
    @property
    def chosen(self) -> tuple[int, ...]: ...

def dominators(
    order: array[int],
    room: array[int],
    mask_of: array[int],
    masks: array[int],
    words: int,
    start: array[int],
    unit: array[int],
    count: array[int],
) -> array[int]: ...
