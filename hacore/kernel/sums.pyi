from array import array

def saturation(
    room: array[int], sizes: array[int], any_size: bool = False
) -> tuple[array[int], array[int]]: ...
