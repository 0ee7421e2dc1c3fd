"""The bounded knapsack: the dearest load that fits, K_h(π) of TOLERANCE §3, for every capacity at once.

Exact in integers. Must never round: what comes in is rounded down already.
"""

from cpython.array cimport array, clone
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free as release

cdef array _INT64 = array("q")


cdef void take(int64_t* dearest, int64_t top, int64_t size, int64_t price) noexcept nogil:
    """Offer one parcel, to be taken at most once."""
    cdef int64_t room
    for room in range(top, size - 1, -1):
        if dearest[room - size] + price > dearest[room]:
            dearest[room] = dearest[room - size] + price


def dearest_loads(
    const int64_t[::1] capacities not None, const int64_t[::1] sizes not None,
    const int64_t[::1] counts not None,
    const int64_t[::1] prices not None
):
    """Return for each capacity ≥ 0 the dearest load of at most counts[i] items of sizes[i] ≥ 0."""
    cdef Py_ssize_t i, bins = capacities.shape[0]
    cdef int64_t top = 0, left, parcel, free_of_room = 0
    cdef array answer = clone(_INT64, bins, True)
    cdef int64_t* dearest
    for i in range(bins):
        top = max(top, capacities[i])
    dearest = <int64_t*> calloc(top + 1, sizeof(int64_t))
    if dearest == NULL:
        raise MemoryError
    with nogil:
        for i in range(sizes.shape[0]):
            if prices[i] <= 0:
                continue
            if sizes[i] == 0:
                free_of_room += prices[i] * counts[i]
                continue
            left = min(counts[i], top // sizes[i])
            parcel = 1
            while left > 0:
                parcel = min(parcel, left)
                take(dearest, top, sizes[i] * parcel, prices[i] * parcel)
                left -= parcel
                parcel *= 2
    for i in range(bins):
        answer.data.as_longlongs[i] = dearest[capacities[i]] + free_of_room
    release(dearest)
    return answer
