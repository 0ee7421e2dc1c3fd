"""The dearest load of a bin and what is in it, by branch and bound (Martello & Toth, Knapsack Problems, 3.3).

The same K_h(π) as `knapsack`, at a cost that does not grow with the capacity's units; also names the load.
Exact in integers unless the budget ends the search, and then says so with an upper bound. Must never round.
"""

from cpython.array cimport array, clone
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

cdef array _INT64 = array("q")

cdef struct Kinds:
    Py_ssize_t kinds
    const int64_t* sizes            # > 0, in the order of falling price / size
    const int64_t* counts           # ≥ 0
    const int64_t* prices           # > 0
    int64_t* least                  # least size of this kind and all later ones
    int64_t* taken                  # scratch


cdef inline int64_t promise(const Kinds* p, Py_ssize_t kind, int64_t room) noexcept nogil:
    """What room is worth at most from `kind` on."""
    return room * p.prices[kind] // p.sizes[kind] if kind < p.kinds else 0


cdef int64_t dearest(
    const Kinds* p, int64_t capacity, int64_t budget, int64_t* load, bint* exact
) noexcept nogil:
    cdef Py_ssize_t kind = 0
    cdef int64_t room = capacity, value = 0, best = -1, number
    exact[0] = True
    while True:
        while kind < p.kinds:
            if room < p.least[kind] or value + promise(p, kind, room) <= best:
                memset(p.taken + kind, 0, (p.kinds - kind) * sizeof(int64_t))
                break
            number = min(p.counts[kind], room // p.sizes[kind])
            p.taken[kind] = number
            room -= number * p.sizes[kind]
            value += number * p.prices[kind]
            kind += 1
        if value > best:
            best = value
            memcpy(load, p.taken, p.kinds * sizeof(int64_t))
        budget -= 1
        if budget <= 0:
            exact[0] = False
            return best
        kind = p.kinds - 1
        while kind >= 0:
            if p.taken[kind] > 0:
                room += p.sizes[kind]
                value -= p.prices[kind]
                p.taken[kind] -= 1
                if value + promise(p, kind + 1, room) > best:
                    break
                # One less of this kind promises even less: drop them all.
                room += p.taken[kind] * p.sizes[kind]
                value -= p.taken[kind] * p.prices[kind]
                p.taken[kind] = 0
            kind -= 1
        if kind < 0:
            return best
        kind += 1


def dearest_contents(
    const int64_t[::1] capacities not None, const int64_t[::1] sizes not None,
    const int64_t[::1] counts not None, const int64_t[::1] prices not None, int64_t budget
):
    """Return (values, bounds, loads) for each capacity ≥ 0: the price of the dearest load found, what no load
    exceeds, and how many of each kind are in it (capacities × kinds).

    Kinds in the order of falling price / size, all prices and sizes > 0; capacity · price < 2^62. At most
    `budget` > 0 loads are looked at for each capacity; value = bound where that was enough.
    """
    cdef Kinds p
    cdef Py_ssize_t bins = capacities.shape[0], kinds = sizes.shape[0], i
    cdef array values = clone(_INT64, bins, True)       # zeros
    cdef array bounds = clone(_INT64, bins, True)
    cdef array loads = clone(_INT64, bins * kinds, True)
    cdef array scratch = clone(_INT64, 2 * kinds, True)
    cdef int64_t* value = <int64_t*> values.data.as_longlongs
    cdef int64_t* bound = <int64_t*> bounds.data.as_longlongs
    cdef int64_t* load = <int64_t*> loads.data.as_longlongs
    cdef bint exact
    if kinds == 0:
        return values, bounds, loads
    with nogil:
        p.kinds = kinds
        p.sizes = &sizes[0]
        p.counts = &counts[0]
        p.prices = &prices[0]
        p.least = <int64_t*> scratch.data.as_longlongs
        p.taken = p.least + kinds
        p.least[kinds - 1] = sizes[kinds - 1]
        for i in range(kinds - 2, -1, -1):
            p.least[i] = min(p.least[i + 1], sizes[i])
        for i in range(bins):
            value[i] = dearest(&p, capacities[i], budget, load + i * kinds, &exact)
            bound[i] = value[i] if exact else promise(&p, 0, capacities[i])
    return values, bounds, loads
