"""Packers: does this multiset of items fit into these bins?

The greedy ones take items by falling size; their yes comes with its packing, their no says nothing. Only the
complete search, for small questions, may say that something does not fit.
"""

from cpython.array cimport array, clone
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

cdef array _INT64 = array("q")

cdef enum:
    BEST_FIT, FIRST_FIT_ROOMY, FILL_TIGHT, FILL_ROOMY, FIRST_FIT_TIGHT, WORST_FIT
    FILL_STEPS = 400      # nodes of one bin's subset-sum search


cdef inline bint allowed(const Packing* p, Py_ssize_t kind, int64_t bin_) noexcept nogil:
    return p.masks[p.mask_of[kind] * p.words + (bin_ >> 6)] >> (bin_ & 63) & 1


cdef inline void put(Packing* p, Py_ssize_t kind, int64_t bin_, int64_t count) noexcept nogil:
    p.left[kind] -= count
    p.room[bin_] -= count * p.sizes[kind]
    if p.placed != NULL:
        p.placed[kind * p.bins + bin_] += count


cdef void reset(Packing* p) noexcept nogil:
    memcpy(p.room, p.capacity, p.bins * sizeof(int64_t))
    memcpy(p.left, p.wanted, p.kinds * sizeof(int64_t))
    if p.placed != NULL:
        memset(p.placed, 0, p.kinds * p.bins * sizeof(int64_t))


cdef bint first_fit(Packing* p, bint roomy_first) noexcept nogil:
    cdef Py_ssize_t kind, i
    cdef int64_t b
    for kind in range(p.kinds):
        for i in range(p.open_bins):
            if p.left[kind] == 0:
                break
            b = p.order[i if roomy_first else p.open_bins - 1 - i]
            if p.room[b] >= p.sizes[kind] and allowed(p, kind, b):
                put(p, kind, b, min(p.left[kind], p.room[b] // p.sizes[kind]))
        if p.left[kind] > 0:
            return False
    return True


cdef bint best_fit(Packing* p) noexcept nogil:
    """The tightest bin stays the tightest until it is full, so equal items go in together."""
    cdef Py_ssize_t kind, i
    cdef int64_t b, tightest
    for kind in range(p.kinds):
        while p.left[kind] > 0:
            tightest = -1
            for i in range(p.open_bins):
                b = p.order[i]
                if p.room[b] >= p.sizes[kind] and allowed(p, kind, b):
                    if tightest < 0 or p.room[b] < p.room[tightest]:
                        tightest = b
            if tightest < 0:
                return False
            put(p, kind, tightest, min(p.left[kind], p.room[tightest] // p.sizes[kind]))
    return True


cdef bint worst_fit(Packing* p) noexcept nogil:
    cdef Py_ssize_t kind, i
    cdef int64_t b, roomiest
    for kind in range(p.kinds):
        while p.left[kind] > 0:
            roomiest = -1
            for i in range(p.open_bins):
                b = p.order[i]
                if (roomiest < 0 or p.room[b] > p.room[roomiest]) and allowed(p, kind, b):
                    roomiest = b
            if roomiest < 0 or p.room[roomiest] < p.sizes[kind]:
                return False
            put(p, kind, roomiest, 1)
    return True


cdef void fill_bin(Packing* p, int64_t b) noexcept nogil:
    """Fill one bin as full as a bounded depth-first search finds, large items first (minimum bin slack)."""
    cdef Py_ssize_t kind = 0, kinds = p.kinds
    cdef int64_t room = p.room[b], best = -1, used = 0, steps = 0, fits
    cdef bint forward = True
    while True:
        while forward and kind < kinds:
            fits = 0
            if p.left[kind] > 0 and p.sizes[kind] <= room - used and allowed(p, kind, b):
                fits = min(p.left[kind], (room - used) // p.sizes[kind])
            p.trial[kind] = fits
            used += fits * p.sizes[kind]
            kind += 1
        if used > best:
            best = used
            memcpy(p.chosen, p.trial, kinds * sizeof(int64_t))
        steps += 1
        if best == room or steps >= FILL_STEPS:
            break
        kind -= 1
        while kind >= 0 and p.trial[kind] == 0:
            kind -= 1
        if kind < 0:
            break
        p.trial[kind] -= 1
        used -= p.sizes[kind]
        kind += 1
        if kind == kinds:       # dropping one of the smallest never fills better
            used -= p.trial[kinds - 1] * p.sizes[kinds - 1]
            p.trial[kinds - 1] = 0
    for kind in range(kinds):
        if p.chosen[kind] > 0:
            put(p, kind, b, p.chosen[kind])


cdef bint fill(Packing* p, bint roomy_first) noexcept nogil:
    cdef Py_ssize_t i, kind
    for i in range(p.open_bins):
        fill_bin(p, p.order[i if roomy_first else p.open_bins - 1 - i])
    for kind in range(p.kinds):
        if p.left[kind] > 0:
            return False
    return True


cdef bint fills(int strategy) noexcept nogil:
    """Tell whether a strategy fills bin after bin by search: better and much dearer than a fit."""
    return strategy == FILL_TIGHT or strategy == FILL_ROOMY


cdef bint pack_with(Packing* p, int strategy) noexcept nogil:
    """Try one packer; True: everything is placed, and `placed` says where if asked for."""
    reset(p)
    if strategy == BEST_FIT:
        return best_fit(p)
    if strategy == FIRST_FIT_ROOMY:
        return first_fit(p, True)
    if strategy == FIRST_FIT_TIGHT:
        return first_fit(p, False)
    if strategy == FILL_TIGHT:
        return fill(p, False)
    if strategy == FILL_ROOMY:
        return fill(p, True)
    return worst_fit(p)


cdef int pack_any(Packing* p, int first) noexcept nogil:
    """Try all packers, beginning with `first`; return the one that placed everything, −1 if none did."""
    cdef int i, strategy
    for i in range(STRATEGIES):
        strategy = (first + i) % STRATEGIES
        if pack_with(p, strategy):
            return strategy
    return -1


cdef bint alike(const Packing* p, int64_t one, int64_t other) noexcept nogil:
    """Tell whether two bins can be exchanged: equal room, and allowed to the same kinds."""
    cdef Py_ssize_t kind
    if p.room[one] != p.room[other]:
        return False
    for kind in range(p.kinds):
        if p.left[kind] > 0 and allowed(p, kind, one) != allowed(p, kind, other):
            return False
    return True


cdef Exact place_rest(Packing* p, Py_ssize_t kind, Py_ssize_t first, int64_t* steps) noexcept nogil:
    """Place one more of the kind into `order[first]` or a later bin, then all the rest.

    Equal items go into bins by rising position, and of bins that are alike only the first is tried: both only
    leave out packings that mirror one that is tried.
    """
    cdef Py_ssize_t i, j
    cdef int64_t b
    cdef Exact rest
    while kind < p.kinds and p.left[kind] == 0:
        kind += 1
        first = 0
    if kind == p.kinds:
        return FITS
    if steps[0] <= 0:
        return TOO_LONG
    steps[0] -= p.open_bins
    for i in range(first, p.open_bins):
        b = p.order[i]
        if p.room[b] < p.sizes[kind] or not allowed(p, kind, b):
            continue
        for j in range(first, i):
            if alike(p, p.order[j], b):
                break
        else:
            put(p, kind, b, 1)
            rest = place_rest(p, kind, i, steps)
            if rest != FITS_NOT:
                return rest
            put(p, kind, b, -1)
    return FITS_NOT


cdef Exact pack_exactly(Packing* p, int64_t steps) noexcept nogil:
    """Search all packings of a small question, looking at about so many bins at most."""
    cdef Py_ssize_t kind, i
    cdef int64_t items = 0, slack = 0
    reset(p)
    for i in range(p.open_bins):
        slack += p.room[p.order[i]]
    for kind in range(p.kinds):
        items += p.left[kind]
        slack -= p.left[kind] * p.sizes[kind]
    if slack < 0:
        return FITS_NOT
    if items > MOST_EXACT_ITEMS:
        return TOO_LONG
    return place_rest(p, 0, 0, &steps)


cdef class Question:
    """A packing question with its scratch memory, for the doors below."""

    cdef Packing packing
    cdef array scratch, placed

    def __cinit__(
        self, const int64_t[::1] capacity not None, const int64_t[::1] sizes not None,
        const int64_t[::1] mask_of not None, const uint64_t[::1] masks not None,
        const int64_t[::1] wanted not None, const int64_t[::1] order not None
    ):
        cdef Packing* p = &self.packing
        cdef Py_ssize_t bins = capacity.shape[0], kinds = sizes.shape[0], i
        self.placed = clone(_INT64, bins * kinds + 1, True)
        self.scratch = clone(_INT64, 2 * bins + 3 * kinds + 1, True)
        p.bins, p.kinds, p.words, p.open_bins = bins, kinds, (bins + 63) >> 6, bins
        p.sizes = &sizes[0] if kinds else NULL
        p.mask_of = &mask_of[0] if kinds else NULL
        p.masks = &masks[0] if masks.shape[0] else NULL
        p.capacity = &capacity[0] if bins else NULL
        p.wanted = &wanted[0] if kinds else NULL
        p.room = <int64_t*> self.scratch.data.as_longlongs
        p.order = p.room + bins
        p.left = p.order + bins
        p.trial = p.left + kinds
        p.chosen = p.trial + kinds
        p.placed = <int64_t*> self.placed.data.as_longlongs
        for i in range(bins):
            p.order[i] = order[i]


def pack(
    const int64_t[::1] capacity not None, const int64_t[::1] sizes not None,
    const int64_t[::1] mask_of not None, const uint64_t[::1] masks not None,
    const int64_t[::1] wanted not None, const int64_t[::1] order not None,
    int strategy=-1
):
    """Return where everything goes, kinds × bins, or None if the packers do not find room.

    capacity ≥ 0 by bin; sizes > 0 by kind, descending; masks: words of 64 bins each; order: bins by falling
    capacity; strategy 0 … 5 tries one packer only.
    """
    cdef Question question = Question(capacity, sizes, mask_of, masks, wanted, order)
    cdef bint found
    with nogil:
        if strategy >= 0:
            found = pack_with(&question.packing, strategy)
        else:
            found = pack_any(&question.packing, 0) >= 0
    return question.placed[:sizes.shape[0] * capacity.shape[0]] if found else None


def fits(
    const int64_t[::1] capacity not None, const int64_t[::1] sizes not None,
    const int64_t[::1] mask_of not None, const uint64_t[::1] masks not None,
    const int64_t[::1] wanted not None, const int64_t[::1] order not None,
    int64_t steps
):
    """Return whether everything fits, by a complete search; None if that takes too long."""
    cdef Question question = Question(capacity, sizes, mask_of, masks, wanted, order)
    cdef Exact answer
    with nogil:
        answer = pack_exactly(&question.packing, steps)
    return None if answer == TOO_LONG else answer == FITS
