from array import array

def certificate_rows(
    host_unit: array[int],
    units: int,
    sizes: array[int],
    mask_of: array[int],
    masks: array[int],
    words: int,
    start: array[int],
    unit: array[int],
    count: array[int],
    down: array[int],
    least: array[int],
    any_size: bool = False,
) -> tuple[array[int], array[int]]: ...
def certified(
    terms: array[int],
    limits: array[int],
    units: int,
    start: array[int],
    unit: array[int],
    down: array[int],
) -> array[int]: ...
