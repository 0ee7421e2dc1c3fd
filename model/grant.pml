/* Who is alive, who is dead, and who lives on grants (MEMBERSHIP §2, §4, §5.2; guarantee G1).
 *
 * Time is counted in ticks; between two of them anything may happen in any order, any number of times, or not at
 * all: a host that does nothing is paused, one that begins no cycle has lost its storage, a cycle that began and
 * has not ended hangs. A member lives until T ticks after S: its watchdog sees to that. Ages stop at their
 * bounds, so that the world is finite and is explored whole; only the number of epochs is bounded.
 *
 * A decision is abstracted (epoch.pml is about it): a host begins to propose, a later cycle of its decides, if
 * the epoch is unchanged, either its wish or one that another has begun; or nothing, and the wish stays on the
 * disk.
 *
 * Checked: nobody is declared dead while it runs VMs (G1); no cold start begins beside a living member.
 * Each BUG_… takes away one rule; spin has to find what then goes wrong.
 */

#ifndef T
#define T 2 /* the least with which anybody survives a tick */
#endif
#ifndef EPOCHS
#define EPOCHS 3
#endif
#ifndef HOSTS
#define HOSTS 3
#endif
#ifndef FIRST
#define FIRST ALL /* the members of the first epoch */
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif

/* T (1 + rho) + g, more than T by as little as possible: at the tick that completes T the watchdog comes first. */
#ifdef BUG_SHORT_SILENCE
#define SILENCE (T - 1)
#else
#define SILENCE T
#endif

#define BIT(n) (1 << (n))
#define ALL ((1 << HOSTS) - 1)
#define NEWS (SILENCE + 1) /* there is something on the disk that the observer has not read yet */
#define IDLE (T + 1) /* no cycle is running */
#define LATE T

#define OFF 0
#define JOINING 1
#define MEMBER 2 /* runs VMs */
#define FENCING 3 /* has confirmed, and runs VMs until its watchdog fires */

/* On the disk. */
byte epoch = 1; /* the newest decided one */
byte live; /* its members by index */
byte same; /* those of them that have not rebooted since: a member is an incarnation */
byte joining; /* whose slots show JOINING */
byte said[3]; /* the epoch that a JOINING slot knows */
byte reborn; /* whose slots show another incarnation than they were members as */
byte wish[3]; /* what each host has begun to propose for the next epoch; 0: nothing */
byte wished[3]; /* those of it that have not rebooted since */

/* In the hosts. */
byte mode[3];
byte at[3]; /* the epoch it knows */
byte knows[3]; /* and its members */
byte disk[3]; /* age of S by the disk */
byte cycle[3]; /* age of the running cycle */
byte gave[3]; /* ticks since it granted anything */
byte since[3]; /* ticks since it learnt its epoch */
byte lost; /* mask: say that they have no storage */
byte open; /* mask: a proposal of theirs is unresolved */
byte fired; /* mask: their watchdogs were last pinged before the last tick */
byte grant[9]; /* giver * 3 + taker: age */
byte bound[9]; /* the epoch it is bound to; 0: no grant */
byte quiet[9]; /* observer * 3 + host: ticks since a sign of life was read */
#ifdef BUG_NO_ECHO
byte socket[3]; /* by giver, a mask: grants that wait to be read */
#endif
byte restarts = RESTARTS;

byte i, j, choice;

#define RUNS(h) (mode[h] == MEMBER || mode[h] == FENCING)
#define IN(mask, h) ((mask) & BIT(h))
#define LIVES(h) (RUNS(h) && IN(live, h))

/* Whether the taker may count on the giver's grant. */
#ifdef BUG_NO_EPOCH
#define TIED(g, h) bound[(g) * 3 + (h)]
#else
#define TIED(g, h) (bound[(g) * 3 + (h)] == at[h])
#endif
#define TAKEN(g, h) ((g) == (h) || !IN(knows[h], g) || (TIED(g, h) && grant[(g) * 3 + (h)] < T))
#ifdef BUG_ONE_GRANT
#define GRANTED(h) (((h) != 0 && TAKEN(0, h)) || ((h) != 1 && TAKEN(1, h)) || ((h) != 2 && TAKEN(2, h)))
#else
#define GRANTED(h) (TAKEN(0, h) && TAKEN(1, h) && TAKEN(2, h))
#endif
/* S + T is not over; a host on its way out is on no other lease than before. */
#define LEASED(h) (disk[h] < T || GRANTED(h))

inline forget_sights(h) {
    quiet[(h) * 3] = NEWS;
    quiet[(h) * 3 + 1] = NEWS;
    quiet[(h) * 3 + 2] = NEWS
}

inline void(g, h) {
    grant[(g) * 3 + h] = T;
    bound[(g) * 3 + h] = 0
}

inline forget_grants(h) {
    void(0, h);
    void(1, h);
    void(2, h);
#ifdef BUG_NO_ECHO
    socket[0] = socket[0] & ~BIT(h);
    socket[1] = socket[1] & ~BIT(h);
    socket[2] = socket[2] & ~BIT(h);
#endif
}

inline die(h) {
    mode[h] = OFF; at[h] = 0; knows[h] = 0; disk[h] = LATE; cycle[h] = IDLE; gave[h] = SILENCE; since[h] = 0;
    lost = lost & ~BIT(h);
    open = open & ~BIT(h);
    fired = fired & ~BIT(h);
    forget_grants(h);
    forget_sights(h)
}

inline age(value, most) {
    if
    :: value < most -> value = value + 1
    :: else
    fi
}

inline tick() {
    d_step {
        i = 0;
        do
        :: i < 9 ->
            age(grant[i], T);
            age(quiet[i], SILENCE);
            i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < 3 ->
            age(disk[i], LATE);
            age(cycle[i], LATE);
            age(gave[i], SILENCE);
            if
            :: mode[i] == MEMBER -> age(since[i], SILENCE)
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < 3 ->
            if
            :: RUNS(i) && (!LEASED(i) || IN(fired, i)) -> die(i)
            :: mode[i] == FENCING && LEASED(i) && !IN(fired, i) -> fired = fired | BIT(i)
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

/* A cycle writes the slot, then reads all of them. */
inline begin(h) {
    d_step {
        cycle[h] = 0;
        quiet[h] = NEWS;
        quiet[3 + h] = NEWS;
        quiet[6 + h] = NEWS;
        if
        :: mode[h] == JOINING -> joining = joining | BIT(h); said[h] = at[h]; reborn = reborn | (BIT(h) & ~same)
        :: else -> joining = joining & ~BIT(h); said[h] = 0
        fi
    }
}

#define SILENT(h, o) (quiet[(h) * 3 + (o)] == SILENCE)
#ifdef BUG_DEAD_AT_CONFIRMATION
#define WORD(o) (mode[o] == FENCING)
#else
#define WORD(o) 0 /* W + g later it is off by itself: see tick */
#endif
#ifdef BUG_DEAD_AT_REMOVAL
#define WAITED(h) 1
#else
#define WAITED(h) (since[h] == SILENCE)
#endif
#ifdef BUG_REGAINED_ACTS
#define MAY_ACT(h) 1
#else
#define MAY_ACT(h) (gave[h] == SILENCE)
#endif

/* Judge one that is left out of the newest epoch: G1. */
inline judge(h, o) {
    if
    :: o != h && !IN(live, o) && MAY_ACT(h) && (SILENT(h, o) || IN(reborn, o) || WORD(o) || WAITED(h)) -> assert(!RUNS(o))
    :: else
    fi
}

inline learn(h) {
    at[h] = epoch;
    knows[h] = live;
    since[h] = 0;
    open = open & ~BIT(h)
}

#ifdef BUG_INCARNATION
#define MINE(h) IN(live, h)
#else
#define MINE(h) IN(same, h)
#endif

inline look(h, o) {
    if
    :: quiet[(h) * 3 + (o)] == NEWS -> quiet[(h) * 3 + (o)] = 0
    :: else
    fi
}

inline finish(h) {
    look(h, 0);
    look(h, 1);
    look(h, 2);
    if
    :: mode[h] == MEMBER && MINE(h) ->
        if
        :: at[h] != epoch -> learn(h)
        :: else
        fi;
        disk[h] = cycle[h];
        lost = lost & ~BIT(h);
        judge(h, 0);
        judge(h, 1);
        judge(h, 2)
    :: mode[h] == MEMBER && !MINE(h) -> /* left out: it confirms */
        mode[h] = FENCING;
        lost = lost & ~BIT(h);
        open = open & ~BIT(h)
    :: mode[h] == JOINING && MINE(h) && cycle[h] < T ->
        mode[h] = MEMBER;
        learn(h);
        disk[h] = cycle[h]
    :: mode[h] == JOINING && !MINE(h) && at[h] != epoch ->
        at[h] = epoch;
        open = open & ~BIT(h)
    :: else
    fi;
    cycle[h] = IDLE
}

/* The epoch that host h ends a round of becomes what o has wished. */
inline decide(o) {
    epoch++;
    live = wish[o];
    same = wished[o];
    reborn = reborn & ~same;
    wish[0] = 0; wished[0] = 0;
    wish[1] = 0; wished[1] = 0;
    wish[2] = 0; wished[2] = 0
}

/* A cycle of h that resolves its round: decided, or nothing, and then somebody else may still take up the wish. */
#define END_ROUND(h) \
    if \
    :: wish[0] -> decide(0) \
    :: wish[1] -> decide(1) \
    :: wish[2] -> decide(2) \
    :: true -> open = open & ~BIT(h) \
    fi

/* A slot that shows JOINING may be of a member: admitted, and it has not written since. So it has to show that it
 * knows the newest epoch. */
#ifdef BUG_JOINER_IS_MEMBER
#define JOINS(h) ((joining >> (h)) & 1)
#else
#define JOINS(h) (IN(joining, h) && said[h] == epoch)
#endif
#define JOINERS (JOINS(0) | (JOINS(1) << 1) | (JOINS(2) << 2))

#define STILL(o) (mode[o] == JOINING) /* the incarnation of the slot */

/* Wishes of a member: without one other host, or with one that is joining. */
inline want(h, o) {
    if
    :: IN(live, o) -> wish[h] = live & ~BIT(o); wished[h] = same & ~BIT(o)
    :: !IN(live, o) && JOINS(o) ->
        wish[h] = live | BIT(o);
        wished[h] = same | (STILL(o) << o)
    fi
}

#ifdef BUG_COLD_START_ANYBODY
#define HEIR(group) 1
#else
#define HEIR(group) ((group) & live)
#endif
#ifdef BUG_COLD_START_BESIDE
#define GONE(h, o, group) 1
#else
#define GONE(h, o, group) (!IN(live, o) || IN(group, o) || SILENT(h, o))
#endif
#define MAY_FORM(h, group) ((group) == ALL \
    || (HEIR(group) && GONE(h, 0, group) && GONE(h, 1, group) && GONE(h, 2, group)))
#define TRUE_ONES(group) ((group) & ((mode[0] == JOINING) | ((mode[1] == JOINING) << 1) | ((mode[2] == JOINING) << 2)))

#ifdef BUG_UNRESOLVED_GRANTS
#define MAY_GRANT(h) IN(lost, h)
#else
#ifdef BUG_STORAGE_GRANTS
#define MAY_GRANT(h) (!IN(open, h))
#else
#define MAY_GRANT(h) (IN(lost, h) && !IN(open, h))
#endif
#endif

inline give(h, o) {
    d_step {
        gave[h] = 0;
        bound[(h) * 3 + (o)] = at[h];
#ifdef BUG_NO_ECHO
        socket[h] = socket[h] | BIT(o);
#endif
        grant[(h) * 3 + (o)] = 0
    }
}

#define GRANT(h, o) \
    :: o != h && mode[h] == MEMBER && MAY_GRANT(h) && IN(knows[h], o) && mode[o] == MEMBER -> give(h, o)

#ifdef BUG_NO_ECHO
#define ARRIVE(h, o) \
    :: o != h && IN(socket[h], o) && mode[o] == MEMBER -> d_step { \
        socket[h] = socket[h] & ~BIT(o); grant[(h) * 3 + (o)] = 0 }
#else
#define ARRIVE(h, o)
#endif

/* Whoever reboots is somebody else. */
inline reboot(h) {
    d_step {
        mode[h] = JOINING;
        same = same & ~BIT(h);
        wished[0] = wished[0] & ~BIT(h);
        wished[1] = wished[1] & ~BIT(h);
        wished[2] = wished[2] & ~BIT(h)
    }
}

#if RESTARTS
#ifdef BUG_RESTART_FORGETS
#define RESUME(h) gave[h] = SILENCE
#else
#define RESUME(h) gave[h] = 0
#endif
#define RESTART(h) \
    :: mode[h] == MEMBER && restarts -> d_step { \
        restarts--; RESUME(h); since[h] = 0; cycle[h] = IDLE; \
        lost = lost & ~BIT(h); open = open | BIT(h); forget_grants(h); forget_sights(h) }
#else
#define RESTART(h)
#endif

/* A world in which hosts only end by their watchdogs is small enough for three. */
#ifdef NO_CRASH
#define CRASH(h)
#define NEWCOMERS 1
#else
#define NEWCOMERS 0
#define CRASH(h) \
    :: mode[h] == OFF -> reboot(h) \
    :: mode[h] != OFF -> d_step { die(h) }
#endif

#define HOST(h) \
    :: (mode[h] == JOINING || mode[h] == MEMBER) -> begin(h) \
    :: (mode[h] == JOINING || mode[h] == MEMBER) && cycle[h] != IDLE -> \
        atomic { \
            if \
            :: IN(open, h) && at[h] == epoch && epoch < EPOCHS -> END_ROUND(h) \
            :: else \
            fi; \
            d_step { finish(h) } \
        } \
    :: mode[h] == MEMBER && !IN(lost, h) -> lost = lost | BIT(h) \
    :: mode[h] == MEMBER && !IN(lost, h) && !IN(open, h) && MAY_ACT(h) && at[h] == epoch && epoch < EPOCHS -> \
        atomic { \
            open = open | BIT(h); \
            if \
            :: wish[h] \
            :: !wish[h] && h != 0 && (IN(live, 0) || JOINS(0)) -> want(h, 0) \
            :: !wish[h] && h != 1 && (IN(live, 1) || JOINS(1)) -> want(h, 1) \
            :: !wish[h] && h != 2 && (IN(live, 2) || JOINS(2)) -> want(h, 2) \
            :: else -> open = open & ~BIT(h) \
            fi \
        } \
    :: mode[h] == JOINING && IN(joining, h) && !IN(open, h) && !MINE(h) && at[h] == epoch && epoch < EPOCHS -> \
        atomic { \
            select(choice : 1 .. ALL); \
            if \
            :: IN(choice, h) && !(choice & ~JOINERS) && MAY_FORM(h, choice) -> \
                assert(!LIVES(0) && !LIVES(1) && !LIVES(2)); \
                open = open | BIT(h); \
                if \
                :: wish[h] \
                :: else -> wish[h] = choice; wished[h] = TRUE_ONES(choice) \
                fi \
            :: else \
            fi; \
            choice = 0 \
        } \
    CRASH(h) \
    GRANT(h, 0) GRANT(h, 1) GRANT(h, 2) \
    ARRIVE(h, 0) ARRIVE(h, 1) ARRIVE(h, 2) \
    RESTART(h)

init {
    d_step {
        live = FIRST;
        same = FIRST;
        i = 0;
        do
        :: i < 3 ->
            die(i);
            if
            :: IN(FIRST, i) -> mode[i] = MEMBER; disk[i] = 0; learn(i)
            :: else -> mode[i] = (NEWCOMERS -> JOINING : OFF)
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
    do
    :: tick()
    HOST(0)
    HOST(1)
#if HOSTS > 2
    HOST(2)
#endif
    od
}
