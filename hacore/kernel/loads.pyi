from array import array

def dearest_contents(
    capacities: array[int], sizes: array[int], counts: array[int], prices: array[int], budget: int
) -> tuple[array[int], array[int], array[int]]: ...
