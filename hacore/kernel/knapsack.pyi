from array import array

def dearest_loads(
    capacities: array[int], sizes: array[int], counts: array[int], prices: array[int]
) -> array[int]: ...
