from array import array

def find_witness(
    host_unit: array[int],
    units: int,
    sizes: array[int],
    room: array[int],
    mask_of: array[int],
    masks: array[int],
    words: int,
    start: array[int],
    unit: array[int],
    count: array[int],
    down: array[int],
    most: array[int],
    areas: array[int],
) -> tuple[tuple[int, ...], int, int, bool] | None: ...
def lost_under_prices(
    host_unit: array[int],
    units: int,
    sizes: array[int],
    room: array[int],
    mask_of: array[int],
    masks: array[int],
    words: int,
    start: array[int],
    unit: array[int],
    count: array[int],
    down: array[int],
    prices: array[int],
    area: array[int],
    top: int,
) -> tuple[int, ...] | None: ...
