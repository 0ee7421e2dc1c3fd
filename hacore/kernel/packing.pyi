from array import array

def pack(
    capacity: array[int],
    sizes: array[int],
    mask_of: array[int],
    masks: array[int],
    wanted: array[int],
    order: array[int],
    strategy: int = -1,
) -> array[int] | None: ...
def fits(
    capacity: array[int],
    sizes: array[int],
    mask_of: array[int],
    masks: array[int],
    wanted: array[int],
    order: array[int],
    steps: int,
) -> bool | None: ...
