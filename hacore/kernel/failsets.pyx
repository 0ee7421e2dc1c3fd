"""Branch and bound over the failure sets that the certificate leaves open (TOLERANCE §4).

Walks all sets of k units that can reach the limit of some open row, without those that a dominating set
stands for, and packs the VMs of each with the greedy packers. Says of a set: it packs, it is lost (volume,
slots, or a complete search of a small one), or "open": then somebody else must decide it. Must never skip a
set that is neither excluded by every row nor dominated.
"""

from cpython.array cimport array, clone
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free as release
from libc.string cimport memset

from hacore.kernel.certificate cimport sort_descending
from hacore.kernel.packing cimport FITS, FITS_NOT, STRATEGIES, Exact, Packing, fills, pack_exactly, pack_with

cdef enum:
    EXHAUSTED = 0       # every set of k units is excluded, dominated, packed or was handed out
    SLICE_OVER = 1      # the budget is used up: call again
    LOST = 2            # `chosen` cannot be survived
    OPEN = 3            # `chosen` is undecided: somebody else must decide it
    EXACT_STEPS = 100000    # bins looked at by the complete search that small sets get
    GREEDY_SHARE = 8        # a greedy packer costs as much as (kinds × bins / this) nodes,
    FILL_FACTOR = 32        # one that fills bins by search this times as much


cdef class FailureSets:
    """The search for one k; `run` again and again until it is exhausted.

    Units are searched in `order`; `dominators` of a unit are words of order positions that must all be chosen
    before it. rows: the open rows of the certificate.
    """

    cdef readonly int64_t nodes, leaves
    cdef Py_ssize_t units, k, rows, row_words, unit_words, hosts, kinds
    cdef int depth, first_strategy
    cdef bint finished
    cdef int64_t spent, greedy_cost     # in nodes: on the current leaf, by one greedy packer
    # what is read only; arrays keep the memory alive
    cdef const int64_t[::1] host_unit, order, start, unit, count, down
    cdef const int64_t[::1] capacity, sizes, mask_of, floor_sizes, most
    cdef const uint64_t[::1] masks, dominators
    # rows × units by position; rows; rows × (units + 1) × (k + 1)
    cdef int64_t* terms
    cdef int64_t* limits
    cdef int64_t* best
    cdef int64_t* partial           # (k + 1) × rows
    cdef int64_t* cursor            # k + 1: the next position to try
    cdef int64_t* picked            # k: positions
    cdef uint64_t* taken            # the picked positions as words
    cdef uint64_t* holders          # rows × unit_words: positions with a VM of the row's kind
    cdef char* anybody              # rows: a VM of the kind is down, so no unit needs to hold one
    cdef int64_t* by_capacity       # hosts by falling capacity
    cdef int64_t* wanted            # kinds
    cdef int64_t* live_order        # hosts
    cdef int64_t* scratch
    cdef char* dead                 # hosts
    cdef Packing packing

    def __cinit__(
        self, Py_ssize_t k, const int64_t[::1] host_unit not None, Py_ssize_t units,
        const int64_t[::1] order not None, const uint64_t[::1] dominators not None,
        const int64_t[::1] rows not None, const int64_t[::1] terms not None,
        const int64_t[::1] limits not None,
        const int64_t[::1] start not None, const int64_t[::1] unit not None,
        const int64_t[::1] count not None,
        const int64_t[::1] down not None, const int64_t[::1] capacity not None,
        const int64_t[::1] sizes not None,
        const int64_t[::1] mask_of not None, const uint64_t[::1] masks not None,
        const int64_t[::1] floor_sizes not None, const int64_t[::1] most not None
    ):
        if not 0 <= k <= units or order.shape[0] != units:
            raise ValueError(f"{k} of {units} units, {order.shape[0]} in order")
        self.k, self.units, self.rows = k, units, rows.shape[0]
        self.hosts, self.kinds = host_unit.shape[0], sizes.shape[0]
        self.unit_words = units // 64 + 1
        self.host_unit, self.order, self.dominators = host_unit, order, dominators
        self.start, self.unit, self.count, self.down = start, unit, count, down
        self.capacity, self.sizes, self.mask_of, self.masks = capacity, sizes, mask_of, masks
        self.floor_sizes, self.most = floor_sizes, most
        self.greedy_cost = 1 + self.kinds * self.hosts // GREEDY_SHARE
        self.reserve()
        self.prepare_rows(rows, terms, limits)
        self.prepare_packing()

    def __dealloc__(self):
        for pointer in (
            <size_t> self.terms, <size_t> self.limits, <size_t> self.best, <size_t> self.partial,
            <size_t> self.cursor, <size_t> self.picked, <size_t> self.taken, <size_t> self.holders,
            <size_t> self.anybody, <size_t> self.by_capacity, <size_t> self.wanted, <size_t> self.live_order,
            <size_t> self.scratch, <size_t> self.dead
        ):
            release(<void*> <size_t> pointer)

    cdef void* zeros(self, Py_ssize_t items, Py_ssize_t width) except NULL:
        cdef void* memory = calloc(items + 1, width)
        if memory == NULL:
            raise MemoryError
        return memory

    cdef int reserve(self) except -1:
        cdef Py_ssize_t rows = self.rows, units = self.units, k = self.k, word = sizeof(int64_t)
        self.terms = <int64_t*> self.zeros(rows * units, word)
        self.limits = <int64_t*> self.zeros(rows, word)
        self.best = <int64_t*> self.zeros(rows * (units + 1) * (k + 1), word)
        self.partial = <int64_t*> self.zeros((k + 1) * rows, word)
        self.cursor = <int64_t*> self.zeros(k + 1, word)
        self.picked = <int64_t*> self.zeros(k, word)
        self.taken = <uint64_t*> self.zeros(self.unit_words, word)
        self.holders = <uint64_t*> self.zeros(rows * self.unit_words, word)
        self.anybody = <char*> self.zeros(rows, 1)
        self.by_capacity = <int64_t*> self.zeros(self.hosts, word)
        self.wanted = <int64_t*> self.zeros(self.kinds, word)
        self.live_order = <int64_t*> self.zeros(self.hosts, word)
        self.scratch = <int64_t*> self.zeros(2 * self.hosts + 3 * self.kinds + units, word)
        self.dead = <char*> self.zeros(self.hosts, 1)
        return 0

    cdef int prepare_rows(
        self, const int64_t[::1] rows, const int64_t[::1] terms, const int64_t[::1] limits
    ) except -1:
        cdef Py_ssize_t r, p, e, kind
        cdef int64_t* position_of = self.scratch
        for p in range(self.units):
            position_of[self.order[p]] = p
        for r in range(self.rows):
            kind = rows[r]
            self.limits[r] = limits[kind]
            self.anybody[r] = self.down[kind] > 0
            for p in range(self.units):
                self.terms[r * self.units + p] = terms[kind * self.units + self.order[p]]
            for e in range(self.start[kind], self.start[kind + 1]):
                p = position_of[self.unit[e]]
                self.holders[r * self.unit_words + (p >> 6)] |= (<uint64_t> 1) << (p & 63)
            self.tabulate(r)
        return 0

    cdef void tabulate(self, Py_ssize_t r) noexcept nogil:
        """best[r][p][c] = the sum of the c largest terms among the positions ≥ p."""
        cdef Py_ssize_t p, c, k = self.k, known = 0
        cdef int64_t* largest = self.cursor
        cdef int64_t* into
        cdef int64_t term
        for p in range(self.units - 1, -1, -1):
            term = self.terms[r * self.units + p]
            if known < k:
                known += 1
                c = known - 1
            elif known and term > largest[known - 1]:
                c = known - 1
            else:
                c = -1
            if c >= 0:
                while c > 0 and largest[c - 1] < term:
                    largest[c] = largest[c - 1]
                    c -= 1
                largest[c] = term
            into = self.best + (r * (self.units + 1) + p) * (k + 1)
            for c in range(k):
                into[c + 1] = into[c] + (largest[c] if c < known else 0)
        memset(self.cursor, 0, (k + 1) * sizeof(int64_t))

    cdef int prepare_packing(self) except -1:
        cdef Packing* p = &self.packing
        cdef Py_ssize_t h
        cdef int64_t* keys = self.scratch
        for h in range(self.hosts):
            keys[h] = self.capacity[h]
            self.by_capacity[h] = h
        sort_descending(keys, self.by_capacity, self.hosts)
        p.bins, p.kinds, p.words = self.hosts, self.kinds, (self.hosts + 63) >> 6
        p.sizes, p.mask_of, p.masks = &self.sizes[0], &self.mask_of[0], &self.masks[0]
        p.capacity, p.wanted, p.order = &self.capacity[0], self.wanted, self.live_order
        p.room = self.scratch
        p.left = self.scratch + self.hosts
        p.trial = p.left + self.kinds
        p.chosen = p.trial + self.kinds
        p.placed = NULL
        return 0

    cdef bint reachable(self, Py_ssize_t depth, Py_ssize_t position) noexcept nogil:
        """Tell whether the picks so far and the best from `position` on can reach some row's limit."""
        cdef Py_ssize_t r
        cdef const int64_t* best
        cdef int64_t* partial = self.partial + depth * self.rows
        for r in range(self.rows):
            best = self.best + (r * (self.units + 1) + position) * (self.k + 1)
            if partial[r] + best[self.k - depth] >= self.limits[r]:
                return True
        return False

    cdef bint is_open(self) noexcept nogil:
        """Tell whether some row does not exclude the complete set."""
        cdef Py_ssize_t r, w
        cdef int64_t* partial = self.partial + self.k * self.rows
        for r in range(self.rows):
            if partial[r] < self.limits[r]:
                continue
            if self.anybody[r]:
                return True
            for w in range(self.unit_words):
                if self.holders[r * self.unit_words + w] & self.taken[w]:
                    return True
        return False

    cdef bint undominated(self, Py_ssize_t position) noexcept nogil:
        cdef Py_ssize_t w
        for w in range(self.unit_words):
            if self.dominators[position * self.unit_words + w] & ~self.taken[w]:
                return False
        return True

    cdef void pick(self, Py_ssize_t position) noexcept nogil:
        cdef Py_ssize_t r
        cdef int64_t* before = self.partial + self.depth * self.rows
        cdef int64_t* after = before + self.rows
        for r in range(self.rows):
            after[r] = before[r] + self.terms[r * self.units + position]
        self.picked[self.depth] = position
        self.taken[position >> 6] |= (<uint64_t> 1) << (position & 63)
        self.depth += 1

    cdef void unpick(self) noexcept nogil:
        self.depth -= 1
        cdef int64_t position = self.picked[self.depth]
        self.taken[position >> 6] &= ~((<uint64_t> 1) << (position & 63))

    cdef void gather(self) noexcept nogil:
        """Write the VMs of the set and the survivors' order for the packers."""
        cdef Py_ssize_t h, kind, e, i
        cdef int64_t u, p
        for h in range(self.hosts):
            u = self.host_unit[h]
            self.dead[h] = 0
            for i in range(self.k):
                if self.order[self.picked[i]] == u:
                    self.dead[h] = 1
                    break
        for kind in range(self.kinds):
            self.wanted[kind] = self.down[kind]
        for i in range(self.k):
            p = self.order[self.picked[i]]
            for kind in range(self.kinds):
                for e in range(self.start[kind], self.start[kind + 1]):
                    if self.unit[e] == p:
                        self.wanted[kind] += self.count[e]
                        break
        i = 0
        for h in range(self.hosts):
            if not self.dead[self.by_capacity[h]]:
                self.live_order[i] = self.by_capacity[h]
                i += 1
        self.packing.open_bins = i

    cdef bint packs(self) noexcept nogil:
        cdef int i, strategy
        for i in range(STRATEGIES):
            strategy = (self.first_strategy + i) % STRATEGIES
            self.spent += self.greedy_cost * (FILL_FACTOR if fills(strategy) else 1)
            if pack_with(&self.packing, strategy):
                self.first_strategy = strategy
                return True
        return False

    cdef bint too_much(self) noexcept nogil:
        """Tell whether volume or slots at some threshold refute the set (TOLERANCE §3, masks ignored)."""
        cdef Py_ssize_t kind, i
        cdef int64_t volume = 0, slots = 0, held, slots_held, h
        for kind in range(self.kinds):
            volume += self.floor_sizes[kind] * self.wanted[kind]
            slots += self.wanted[kind]
            if kind + 1 < self.kinds and self.sizes[kind + 1] == self.sizes[kind]:
                continue
            if slots == 0:
                continue
            held = 0
            slots_held = 0
            for i in range(self.packing.open_bins):
                h = self.live_order[i]
                held += self.most[kind * self.hosts + h]
                slots_held += self.capacity[h] // self.sizes[kind]
            if volume > held or slots > slots_held:
                return True
        return False

    cdef int judge(self) noexcept nogil:
        self.leaves += 1
        self.gather()
        if self.packs():
            return EXHAUSTED
        if self.too_much():
            return LOST
        cdef Exact exact = pack_exactly(&self.packing, EXACT_STEPS)
        self.spent += EXACT_STEPS // GREEDY_SHARE
        if exact == FITS:
            return EXHAUSTED
        return LOST if exact == FITS_NOT else OPEN

    cdef int step(self, int64_t budget) noexcept nogil:
        cdef int64_t position
        cdef int verdict
        while budget > 0:
            budget -= 1
            self.nodes += 1
            if self.depth == self.k:
                verdict = EXHAUSTED
                if self.is_open():
                    self.spent = 0
                    verdict = self.judge()
                    budget -= self.spent
                if self.depth == 0:
                    self.finished = True
                    return verdict
                self.unpick()       # `picked` still holds the set for `chosen`
                if verdict != EXHAUSTED:
                    return verdict
                continue
            position = self.cursor[self.depth]
            if self.units - position < self.k - self.depth or not self.reachable(self.depth, position):
                if self.depth == 0:
                    self.finished = True
                    return EXHAUSTED
                self.unpick()
                continue
            self.cursor[self.depth] = position + 1
            if self.undominated(position):
                self.pick(position)
                self.cursor[self.depth] = position + 1
        return SLICE_OVER

    def run(self, int64_t budget):
        """Search on for about `budget` nodes; return EXHAUSTED, SLICE_OVER, LOST or OPEN (0 … 3)."""
        cdef int verdict
        if self.finished:
            return EXHAUSTED
        with nogil:
            verdict = self.step(budget)
        return verdict

    @property
    def chosen(self):
        """The units of the set that the last LOST or OPEN spoke of."""
        return tuple(sorted(self.order[self.picked[i]] for i in range(self.k)))


def dominators(
    const int64_t[::1] order not None, const int64_t[::1] room not None, const int64_t[::1] mask_of not None,
    const uint64_t[::1] masks not None, Py_ssize_t words,
    const int64_t[::1] start not None, const int64_t[::1] unit not None, const int64_t[::1] count not None
):
    """Return, for each position of `order`, the earlier positions whose hosts dominate it, as words.

    h dominates h' (one host a unit) if it has as much room, every VM that may run on h' may run on h, and for
    every mask and size h runs at least as many VMs of that size or more. A set with h' but without h is then
    survivable if the one with h instead is (exchange the two hosts; what went to h' goes to h).
    """
    cdef Py_ssize_t hosts = room.shape[0], kinds = mask_of.shape[0]
    cdef Py_ssize_t distinct = masks.shape[0] // max(words, 1)
    cdef Py_ssize_t out_words = hosts // 64 + 1
    cdef array answer = clone(array("Q"), hosts * out_words, True)
    cdef uint64_t* out = <uint64_t*> answer.data.as_ulonglongs
    cdef int64_t* held = <int64_t*> calloc(kinds * hosts + 1, sizeof(int64_t))
    cdef int64_t* ahead = <int64_t*> calloc(distinct + 1, sizeof(int64_t))
    cdef Py_ssize_t p, q, kind, e
    if held == NULL or ahead == NULL:
        release(held)
        release(ahead)
        raise MemoryError
    with nogil:
        for kind in range(kinds):
            for e in range(start[kind], start[kind + 1]):
                held[kind * hosts + unit[e]] = count[e]
        for p in range(hosts):
            for q in range(p):
                if dominates(
                    order[q], order[p], room, mask_of, masks, words, kinds, hosts, held, ahead, distinct
                ):
                    out[p * out_words + (q >> 6)] |= (<uint64_t> 1) << (q & 63)
    release(held)
    release(ahead)
    return answer


cdef inline bint holds(const uint64_t* mask, int64_t host) noexcept nogil:
    return mask[host >> 6] >> (host & 63) & 1


cdef bint dominates(
    int64_t strong, int64_t weak, const int64_t[::1] room, const int64_t[::1] mask_of,
    const uint64_t[::1] masks,
    Py_ssize_t words, Py_ssize_t kinds, Py_ssize_t hosts, const int64_t* held, int64_t* ahead,
    Py_ssize_t distinct
) noexcept nogil:
    cdef Py_ssize_t m, kind
    if room[strong] < room[weak]:
        return False
    for m in range(distinct):
        if holds(&masks[m * words], weak) and not holds(&masks[m * words], strong):
            return False
    memset(ahead, 0, distinct * sizeof(int64_t))
    for kind in range(kinds):
        m = mask_of[kind]
        ahead[m] += held[kind * hosts + strong] - held[kind * hosts + weak]
        if ahead[m] < 0:
            return False
    return True
