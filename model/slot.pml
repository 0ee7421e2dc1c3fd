/* What one slot remembers: copies in turn, ghosts, daemons that are killed or leave, and copies that come back.
 *
 * Others rely on what a slot says once it stands on two clean copies (decision 23): a promise of Paxos, a denial,
 * "disarmed", "left". epoch.pml asks what follows from promises; here is asked whether one can be forgotten.
 *
 * Checked: whatever counted once is in the copy that readers take for the newest (or they doubt the slot), and in
 * the one that a starting daemon goes on from, doubt or not.
 * Each BUG_… takes away one rule; spin has to find what then goes wrong.
 *
 * What each step stands for, in hacore/kernel/_pump (pumprules.pyx, pumpdisk.pyx) and hacore/core:
 *   write   one write of the published body                 CopyTurn.next/ended, write_slot
 *   read    a read after it: phases and last words count    read_good, Proposer.written, Posture.take, paxos.enough
 *   start   a daemon takes over, erases the record          take_over, edge/numbering.take_finished, start_floor
 *   leave   its pump has ended; it notes that it finished   nothing_out, edge/start.finished_now, note_finished
 *   kill    at any time, also with a write out
 *   reboot  a power failure may tear the write that is out; what was out lands no more
 *   hour    an hour has passed since whatever failed or came back before: each copy is tried once more
 *
 * What makes it small enough for any number of writes, failures, daemons, boots and hours:
 *   words    one is followed, made at any time; everything said later by who knows it says it, too. That is all
 *            words at once: none is treated other than the next.
 *   numbers  only the order of sequences matters: after each step they are 1, 2, 3, …
 *   hours    come anywhere between two steps, as the ticks of grant.pml: a ghost lands before its hour is over, and
 *            who waits for an hour from then on or from later waits longer.
 * Bounded: COPIES (8 in truth), GHOSTS (writes out at a time; further failures leave none), LOSSES (copies that are
 * destroyed: torn by a failure of power or of the write, or hit by somebody else's).
 * LIFE: how many hours a ghost may take. Above 1 is later than what decision 22 takes for possible.
 */

#ifndef COPIES
#define COPIES 4
#endif
#ifndef GHOSTS
#define GHOSTS 2
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef LIFE
#define LIFE 1
#endif

#define BIT(n) (1 << (n))
#define IN(mask, n) (((mask) >> (n)) & 1)
#define NONE 15
#define MOST (COPIES + GHOSTS + 3) /* different numbers */

/* On the disk, by copy. */
byte number[COPIES]; /* the sequence */
byte said[COPIES]; /* which copies it calls burnt */
byte bad; /* masks: not valid, */
byte says; /* says the word, */
byte mine; /* is of this boot */

/* On its way to the disk; number 0: nothing. */
byte ghost_copy[GHOSTS], ghost_number[GHOSTS], ghost_said[GHOSTS], ghost_hours[GHOSTS];
bit ghost_says[GHOSTS];

/* In the daemon. */
bit up, knows; /* the word */
bit wrote; /* its last write counts */
bit tried; /* it has tried to write */
byte current; /* the number of its last attempt */
byte burnt, ripe; /* masks; ripe: an hour has passed since it failed last */
byte last, probing = NONE;
bit spaced; /* an hour has passed since a copy came back */
byte stands; /* mask: clean copies that say the word */

/* In the lock file: the number of the last write of a daemon that finished; 0: none. It keeps `ripe` and `spaced`. */
byte record;
byte before; /* what the daemon has found there */

bit counted; /* others rely on it */
byte losses = LOSSES;
byte i, j, k, newest, next, copy; /* of one step */
bit doubt;

/* The newest valid copy; NONE: no copy is valid. */
inline find_newest() {
    newest = NONE;
    i = 0;
    do
    :: i < COPIES ->
        if
        :: !IN(bad, i) && (newest == NONE || number[i] > number[newest]) -> newest = i
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

/* The copy after `from` that is not burnt, possibly itself. */
inline find_next(from, burn) {
    next = NONE;
    i = 1;
    do
    :: i <= COPIES && next == NONE ->
        if
        :: !IN(burn, (from + i) % COPIES) -> next = (from + i) % COPIES
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

/* What a reader makes of it: slotcodec.choose. */
inline look() {
    find_newest();
    doubt = 1;
    if
    :: newest != NONE ->
        find_next(newest, said[newest]);
        doubt = ((bad & ~said[newest] & ~(next == NONE || next == newest -> 0 : BIT(next))) != 0)
    :: else
    fi
}

#if GHOSTS > 1
#define OUT_SAYS (ghost_says[0] || ghost_says[1] || ghost_says[GHOSTS - 1])
#else
#define OUT_SAYS ghost_says[0]
#endif

#define REMEMBERED (!counted || doubt || (newest != NONE && IN(says, newest)))

/* --- numbers */

inline lower(value) {
    if
    :: value > k -> value = value - 1
    :: else
    fi
}

inline number_anew() {
    k = MOST;
    do
    :: k > 0 ->
        j = (k == current || k == record || k == before);
        i = 0;
        do
        :: i < COPIES -> j = j || number[i] == k; i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < GHOSTS -> j = j || ghost_number[i] == k; i++
        :: else -> break
        od;
        if
        :: !j ->
            lower(current);
            lower(record);
            lower(before);
            i = 0;
            do
            :: i < COPIES -> lower(number[i]); i++
            :: else -> break
            od;
            i = 0;
            do
            :: i < GHOSTS -> lower(ghost_number[i]); i++
            :: else -> break
            od
        :: else
        fi;
        k--
    :: else -> break
    od;
    i = 0
}

inline highest() {
    j = 0;
    i = 0;
    do
    :: i < COPIES -> j = (number[i] > j -> number[i] : j); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < GHOSTS -> j = (ghost_number[i] > j -> ghost_number[i] : j); i++
    :: else -> break
    od;
    j = (current > j -> current : j);
    j = (record > j -> record : j);
    j = (before > j -> before : j)
}

/* --- the pump */

#ifdef BUG_COME_BACK_EARLY
#define IS_DUE(c) (IN(burnt, c))
#else
#define IS_DUE(c) (IN(burnt, c) && IN(ripe, c) && spaced)
#endif

/* A copy that is due goes first: any of them. */
#define DUE(c) (probing == NONE && IS_DUE(c))
#if COPIES > 4
#define NONE_DUE !(DUE(0) || DUE(1) || DUE(2) || DUE(3) || DUE(4) || DUE(5) || DUE(COPIES - 1))
#else
#define NONE_DUE !(DUE(0) || DUE(1) || DUE(2) || DUE(COPIES - 1))
#endif
#define MAY_TRY(c) (up && ((c) == NONE -> NONE_DUE : DUE(c)))

inline attempt(due) {
    copy = ((due) == NONE -> probing : (due));
    if
    :: copy == NONE -> find_next(last, burnt); copy = next
    :: else
    fi;
    wrote = 0;
    tried = 1;
#ifdef BUG_SEQUENCE
    if
    :: !current -> find_newest(); current = number[newest]
    :: else
    fi;
    current = (copy == NONE -> current : current + 1)
#else
    highest();
    current = (copy == NONE -> current : j + 1)
#endif
}

inline haunt() {
    i = 0;
    do
    :: i < GHOSTS && ghost_number[i] -> i++
    :: else -> break
    od;
    if
    :: i < GHOSTS ->
        ghost_copy[i] = copy;
        ghost_number[i] = current;
        ghost_said[i] = burnt;
        ghost_says[i] = knows;
        ghost_hours[i] = 0
    :: else
    fi
}

inline store(at, its_number, its_said, its_word) {
    number[at] = its_number;
    said[at] = its_said;
    says = (says & ~BIT(at)) | ((its_word) << (at));
    mine = mine | BIT(at);
    bad = bad & ~BIT(at)
}

inline write_works() {
    store(copy, current, burnt, knows);
    last = copy;
#ifdef BUG_PROBE_COUNTS
    wrote = 1;
#else
    wrote = !IN(burnt, copy);
#endif
    if
    :: IS_DUE(copy) ->
        burnt = burnt & ~BIT(copy);
        ripe = ripe & ~BIT(copy);
        spaced = 0
    :: else
    fi;
    probing = NONE;
    if
    :: wrote ->
#ifdef BUG_PROBE_COUNTS
        stands = (knows -> stands | BIT(copy) : 0)
#else
        stands = (knows -> (stands | BIT(copy)) & ~burnt : 0)
#endif
    :: else
    fi
}

inline lose(at) {
    losses--;
    bad = bad | BIT(at)
}

inline write_fails() {
    haunt();
    last = copy;
#ifndef BUG_REUSE_GHOST
    burnt = burnt | BIT(copy);
#endif
    ripe = ripe & ~BIT(copy);
    probing = copy
}

#ifdef BUG_ONE_COPY
#define ENOUGH (stands != 0)
#else
#define ENOUGH ((stands & (stands - 1)) != 0)
#endif

inline read() {
    look();
    if
    :: newest != NONE && number[newest] == current && !doubt && knows && ENOUGH -> counted = 1
    :: else
    fi
}

/* --- daemons and boots */

inline end() {
    up = 0; knows = 0; wrote = 0; tried = 0; current = 0; burnt = 0; last = 0; probing = NONE; stands = 0; before = 0
}

inline leave() {
    record = (tried -> (wrote -> current : 0) : before);
    end()
}

inline unknown_burnt() {
    burnt = 0;
    ripe = 0;
    spaced = 1;
    if
    :: IN(mine, newest) ->
        i = 0;
        do
        :: i < COPIES -> burnt = burnt | (IN(mine & ~bad, i) -> said[i] : 0); i++
        :: else -> break
        od;
        burnt = burnt | bad;
#ifndef BUG_TRUST_NEWEST
        burnt = burnt | BIT(newest)
#endif
    :: else
    fi;
    if
    :: next != NONE ->
        burnt = burnt | BIT(next);
#ifndef BUG_NO_PROBE
        probing = next
#endif
    :: else
    fi
}

inline start() {
    find_newest();
    doubt = 0;
    assert(REMEMBERED);
    up = 1;
    knows = IN(says, newest);
    last = newest;
    k = (IN(mine, newest) -> said[newest] : 0);
    find_next(newest, k);
    before = record;
    if
    :: IN(mine, newest) && record && number[newest] == record -> burnt = said[newest]
    :: else -> unknown_burnt()
    fi;
#ifndef BUG_NOT_ERASED
    record = 0
#endif
}

inline hour() {
    ripe = burnt | ripe | (record -> BIT(COPIES) - 1 : 0);
    spaced = 1;
    i = 0;
    do
    :: i < GHOSTS ->
        ghost_hours[i] = (ghost_number[i] -> ghost_hours[i] + 1 : 0);
        ghost_number[i] = (ghost_hours[i] < LIFE -> ghost_number[i] : 0);
        i++
    :: else -> break
    od;
    i = 0
}

inline reboot() {
    end();
    record = 0;
    mine = 0;
    i = 0;
    do
    :: i < GHOSTS -> ghost_number[i] = 0; i++
    :: else -> break
    od;
    i = 0
}

#define TURNED(mask) ((((mask) << 1) | ((mask) >> (COPIES - 1))) & (BIT(COPIES) - 1))

/* Copies lie in a ring: it is turned until the newest is the last. */
inline turn() {
    k = number[COPIES - 1];
    j = said[COPIES - 1];
    i = COPIES - 1;
    do
    :: i > 0 ->
        number[i] = number[i - 1];
        said[i] = TURNED(said[i - 1]);
        i--
    :: else -> break
    od;
    number[0] = k;
    said[0] = TURNED(j);
    bad = TURNED(bad);
    says = TURNED(says);
    mine = TURNED(mine);
    burnt = TURNED(burnt);
    ripe = TURNED(ripe);
    stands = TURNED(stands);
    last = (up -> (last + 1) % COPIES : 0);
    probing = (probing == NONE -> NONE : (probing + 1) % COPIES);
    do
    :: i < GHOSTS ->
        ghost_copy[i] = (ghost_copy[i] + 1) % COPIES;
        ghost_said[i] = TURNED(ghost_said[i]);
        i++
    :: else -> break
    od;
    i = 0
}

/* Nothing stays of what nobody can ask for. */
inline settle() {
    look();
    assert(REMEMBERED);
    do
    :: newest != COPIES - 1 -> turn(); newest = (newest + 1) % COPIES
    :: else -> break
    od;

    i = 0;
    do
    :: i < GHOSTS ->
        if
        :: !ghost_number[i] -> ghost_copy[i] = 0; ghost_said[i] = 0; ghost_says[i] = 0; ghost_hours[i] = 0
        :: else
        fi;
        i++
    :: else -> break
    od;
    if
    :: up -> ripe = ripe & burnt
    :: !up && !record -> ripe = 0; spaced = 1
    :: else
    fi;
#if !LOSSES
    i = 0;
    do /* only doubts rest on it */
    :: i < COPIES -> said[i] = (IN(mine, i) -> said[i] : 0); i++
    :: else -> break
    od;
#endif
    stands = (knows && !counted -> stands : 0);
    before = (tried -> 0 : before);
    current = (wrote -> current : 0);
    number_anew();
    i = 0; j = 0; k = 0; newest = 0; next = 0; copy = 0; doubt = 0
}

#define WRITE(due, so) :: d_step { MAY_TRY(due) -> attempt(due); if :: copy != NONE -> so :: else fi; settle() }
#define WRITE_BAD(due, so) :: d_step { \
    MAY_TRY(due) && losses -> attempt(due); if :: copy != NONE -> so :: else fi; settle() }
#if LOSSES
#define TRY(due) \
    WRITE(due, write_works()) \
    WRITE(due, write_fails()) \
    WRITE(due, haunt(); end()) /* killed */ \
    WRITE_BAD(due, write_fails(); lose(copy)) /* and torn */ \
    WRITE_BAD(due, lose(copy); reboot()) /* torn by a power failure */
#else
#define TRY(due) WRITE(due, write_works()) WRITE(due, write_fails()) WRITE(due, haunt(); end())
#endif

#define LAND(g) \
    :: d_step { g < GHOSTS && ghost_number[g] -> \
        store(ghost_copy[g], ghost_number[g], ghost_said[g], ghost_says[g]); ghost_number[g] = 0; settle() }

init {
    d_step {
        spaced = 1;
        do
        :: i < COPIES -> number[i] = i + 1; i++
        :: else -> break
        od;
        start();
        settle()
    }
    do
    TRY(NONE)
    TRY(0)
    TRY(1)
    TRY(2)
#if COPIES > 3
    TRY(3)
#endif
#if COPIES > 4
    TRY(4)
#endif
#if COPIES > 5
    TRY(5)
#endif
#if LOSSES
    :: atomic {
        losses ->
        select(copy : 0 .. COPIES - 1);
        d_step { lose(copy); settle() }
       }
#endif
    :: d_step { up && wrote && knows && !counted -> read(); settle() }
    :: d_step { up && !knows && !says && !OUT_SAYS -> knows = 1; stands = 0; settle() }
    :: d_step { up -> end(); settle() } /* killed */
    :: d_step { up -> leave(); settle() }
    :: d_step { !up -> start(); settle() }
    :: d_step { reboot(); settle() }
    :: d_step { hour(); settle() }
    LAND(0)
#if GHOSTS > 1
    LAND(1)
#endif
#if GHOSTS > 2
    LAND(2)
#endif
    od
}
