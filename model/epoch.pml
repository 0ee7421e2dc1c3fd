/* How the value of one epoch is decided: Disk Paxos over slots of several copies each (MEMBERSHIP §3, §4).
 *
 * Each host writes its own block into its own slot, copy after copy, and reads those of all hosts, one by one,
 * in any order. Between any two steps anything else may happen (a pause). The world is bounded, not the order:
 *   FAILS     writes that are reported failed; each may land later, on its copy, at any time, or never (a ghost)
 *   RESTARTS  daemons that are killed, also in the middle of a write, which then is a ghost, too
 *   ROTS      copies that become invalid: torn by a crash, hit by somebody's misdirected write
 *   BADS      reads that fail
 *   ROUNDS    ballots a host may try
 *
 * Checked (G2): at most one value is ever decided.
 * Each BUG_… takes away one rule; spin has to find what then goes wrong.
 */

#ifndef HOSTS
#define HOSTS 3
#endif
#ifndef COPIES
#define COPIES 4
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef FAILS
#define FAILS 1
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#ifndef ROTS
#define ROTS 0
#endif
#ifndef BADS
#define BADS 0
#endif
#define GHOSTS (FAILS + RESTARTS)

/* A block counts as written when this many copies hold it: a copy that was complete and is torn later looks
 * just like one that is still being written. */
#ifdef BUG_ONE_COPY
#define WRITES 1
#else
#ifndef WRITES
#if ROTS
#define WRITES 2
#else
#define WRITES 1
#endif
#endif
#endif

#define BIT(n) (1 << (n))
#define ALL ((1 << HOSTS) - 1)
#define NONE 255

/* A body: mbal, bal (3 bits each), value (2 bits) | decided (2 bits), burnt copies. */
#define BLOCK(mbal, bal, val) ((mbal) | ((bal) << 3) | ((val) << 6))
#define MBAL(block) ((block) & 7)
#define BAL(block) (((block) >> 3) & 7)
#define VAL(block) ((block) >> 6)
#define REST(dec, burnt) ((dec) | ((burnt) << 2))
#define DEC(rest) ((rest) & 3)
#define BURNT(rest) ((rest) >> 2)

typedef Slot {
    byte seq[COPIES];
    byte block[COPIES];
    byte rest[COPIES];
    byte bad; /* mask of invalid copies */
};
Slot slot[HOSTS];

typedef Ghost {
    byte host; /* NONE: free */
    byte copy;
    byte seq;
    byte block;
    byte rest;
};
#if GHOSTS
Ghost ghost[GHOSTS];
#endif

byte tried[HOSTS]; /* the highest sequence a host has tried: the wall clock that a new daemon starts from (A1) */
byte fails = FAILS, restarts = RESTARTS, rots = ROTS, bads = BADS;
byte decided; /* what the world knows: the first value that any host took for decided */

/* The newest valid copy of a slot; of equal ones the last, as formatted. NONE: no copy is valid. */
inline newest(h, found) {
    found = NONE;
    i = 0;
    do
    :: i < COPIES ->
        if
        :: !(slot[h].bad & BIT(i)) && (found == NONE || slot[h].seq[i] >= slot[h].seq[found]) -> found = i
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

/* The copy after `from` that is not burnt; NONE: all are. */
inline following(from, burn, found) {
    i = 1;
    found = NONE;
    do
    :: i <= COPIES && found == NONE ->
        if
        :: !(burn & BIT((from + i) % COPIES)) -> found = (from + i) % COPIES
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

inline store(who, at, number, content, more) {
    slot[who].seq[at] = number;
    slot[who].block[at] = content;
    slot[who].rest[at] = more;
    slot[who].bad = slot[who].bad & ~BIT(at)
}

/* A write of mine is out, and nobody knows whether it will land. */
inline haunt(c) {
#if GHOSTS
    i = 0;
    do
    :: ghost[i].host != NONE -> i++
    :: else -> break
    od;
    ghost[i].host = me;
    ghost[i].copy = c;
    ghost[i].seq = seq;
    ghost[i].block = BLOCK(mbal, bal, val);
    ghost[i].rest = REST(dec, burnt);
    i = 0
#else
    skip
#endif
}

/* One write of the published body; `written` counts the copies that hold it. */
inline write() {
    atomic {
        d_step {
            if
            :: probing == NONE -> following(last, burnt, copy)
            :: else -> copy = probing
            fi;
            if
            :: copy != NONE -> last = copy; seq = tried[me] + 1; tried[me] = seq
            :: else
            fi
        }
        if
        :: copy == NONE -> goto stop /* no copy left: it leaves */
        :: else
        fi;
        if
        :: d_step {
            store(me, copy, seq, BLOCK(mbal, bal, val), REST(dec, burnt));
#if defined(BUG_REUSE_GHOST) || defined(BUG_PROBE_COUNTS)
            written++;
#else
            if
            :: probing == NONE -> written++
            :: else /* a probe proves nothing: an older ghost may still land over it (A2) */
            fi;
#endif
            probing = NONE;
            copy = 0
           }
#if FAILS
        :: fails > 0 -> d_step {
            fails--;
            haunt(copy);
#ifndef BUG_REUSE_GHOST
            burnt = burnt | BIT(copy);
#endif
            probing = copy;
            copy = 0
           }
           if
           :: true
           :: phase -> goto start /* meanwhile it has seen a higher ballot */
           fi
#endif
#if RESTARTS
        :: restarts > 0 -> d_step { restarts--; haunt(copy); copy = 0 }
           goto restart
#endif
        fi
    }
}

/* Add up what the slot of one host says. */
inline look(h) {
    newest(h, copy);
    if
    :: copy == NONE -> doubt = 1
    :: else ->
        following(copy, BURNT(slot[h].rest[copy]), next);
        /* Not valid, neither burnt nor being written: it may have held a newer block. */
        if
        :: next == NONE && (slot[h].bad & ~BURNT(slot[h].rest[copy])) -> doubt = 1
        :: next != NONE && (slot[h].bad & ~BURNT(slot[h].rest[copy]) & ~BIT(next)) -> doubt = 1
        :: else
        fi;
        if
        :: h == me && slot[h].seq[copy] != seq -> written = WRITES - 1 /* not what I have just written */
        :: else
        fi;
        if
        :: MBAL(slot[h].block[copy]) > mbal -> beaten = 1
        :: else
        fi;
        if
        :: MBAL(slot[h].block[copy]) > top -> top = MBAL(slot[h].block[copy])
        :: else
        fi;
        if
        :: BAL(slot[h].block[copy]) > topbal ->
            topbal = BAL(slot[h].block[copy]);
            topval = VAL(slot[h].block[copy])
        :: else
        fi;
        if
        :: DEC(slot[h].rest[copy]) -> learnt = DEC(slot[h].rest[copy])
        :: else
        fi
    fi;
    unread = unread & ~BIT(h);
    copy = 0;
    next = 0
#ifdef BUG_SKIP_BAD
    ; doubt = 0
#endif
}

inline forget_reading() {
    unread = 0; doubt = 0; beaten = 0; topbal = 0; topval = 0; learnt = 0
}

proctype Host(byte me) {
    byte mbal, bal, val, dec;     /* the block, and the decision it knows */
    byte seq, last, burnt, probing; /* the pump */
    byte copy, next, i;           /* scratch */
    byte phase, written, top;     /* top: the highest mbal ever seen */
    byte unread, topbal, topval, learnt;
    bit doubt, beaten;

    d_step { last = COPIES - 1; probing = NONE }

start:
    atomic { skip; d_step { /* my lowest ballot above all I have seen */
        forget_reading();
        written = 0;
        if
        :: top > mbal
        :: else -> top = mbal
        fi;
        mbal = me + 1;
        do
        :: mbal <= top -> mbal = mbal + HOSTS
        :: else -> break
        od;
        phase = 1
    } }
    if
    :: mbal > ROUNDS * HOSTS -> goto stop
    :: else
    fi;
#ifdef BUG_SKIP_PHASE_1
    goto propose;
#endif

cycle:
    do
    :: written < WRITES -> write()
    :: else -> break
    od;
    unread = ALL;
    do
    :: unread & BIT(0) -> d_step { look(0) }
    :: unread & BIT(1) -> d_step { look(1) }
#if HOSTS > 2
    :: unread & BIT(2) -> d_step { look(2) }
#endif
#if BADS
    :: unread && bads -> d_step {
        bads--;
#ifdef BUG_SKIP_BAD
        unread = unread & (unread - 1)
#else
        doubt = 1
#endif
       }
#endif
    :: !unread || doubt -> break
    od;
    atomic {
        if
        :: learnt -> d_step { assert(learnt == decided); dec = learnt; forget_reading(); written = 0 }
            goto publish
        :: else
        fi;
        if
        :: doubt || written < WRITES -> forget_reading(); goto cycle /* nothing is known: once more */
        :: else
        fi;
        if
        :: beaten -> goto start
        :: !beaten && phase == 2 -> goto decide
        :: else
        fi
    }

propose:
    atomic { skip; d_step {
        phase = 2;
        bal = mbal;
        if
        :: topbal -> val = topval
        :: !topbal && !val -> val = me + 1
        :: else
        fi;
        forget_reading();
        written = 0
    } }
    goto cycle;

decide:
    atomic { skip; d_step {
        assert(!decided || decided == val); /* G2 */
        decided = val;
        dec = val;
        forget_reading();
        written = 0
    } }

publish:
    phase = 0;
    do
    :: !written -> write()
    :: else -> break
    od;
    goto stop;

#if RESTARTS
restart: /* another daemon of the same boot: it knows what its slot says, and has to be careful about the rest */
    atomic { skip; d_step {
        forget_reading();
        newest(me, copy);
        if
        :: copy == NONE -> phase = 3
        :: else ->
            burnt = BURNT(slot[me].rest[copy]) | slot[me].bad;
#ifndef BUG_TAKE_OVER
            burnt = burnt | BIT(copy);
#endif
            following(copy, burnt, next);
            if
            :: next != NONE -> burnt = burnt | BIT(next)
            :: else
            fi;
            last = copy;
#ifdef BUG_FORGET_BLOCK
            mbal = 0; bal = 0; val = 0;
#else
            mbal = MBAL(slot[me].block[copy]);
            bal = BAL(slot[me].block[copy]);
            val = VAL(slot[me].block[copy]);
#endif
            dec = DEC(slot[me].rest[copy]);
#ifdef BUG_SEQUENCE
            tried[me] = slot[me].seq[copy];
#endif
            phase = 0
        fi;
        top = 0; written = 0; probing = NONE; seq = 0; copy = 0; next = 0
    } }
    if
    :: phase == 3 || dec -> goto stop
    :: else -> goto start
    fi;
#endif

stop:
    atomic { skip; d_step {
        forget_reading();
        mbal = 0; bal = 0; val = 0; dec = 0; seq = 0; last = 0; burnt = 0; probing = 0;
        copy = 0; next = 0; phase = 0; written = 0; top = 0
    } }
}

#if GHOSTS
proctype Disk() {
    byte i;
end:
    do
#define LAND(g) \
    :: g < GHOSTS && ghost[g].host != NONE -> d_step { \
        store(ghost[g].host, ghost[g].copy, ghost[g].seq, ghost[g].block, ghost[g].rest); \
        ghost[g].host = NONE; ghost[g].copy = 0; ghost[g].seq = 0; ghost[g].block = 0; ghost[g].rest = 0 }
    LAND(0)
#if GHOSTS > 1
    LAND(1)
#endif
#if GHOSTS > 2
    LAND(2)
#endif
    od
}
#endif

#if ROTS
proctype Rot() {
    byte h, c;
end:
    do
    :: rots > 0 ->
        atomic {
            rots--;
            select(h : 0 .. HOSTS - 1);
            select(c : 0 .. COPIES - 1);
            slot[h].bad = slot[h].bad | BIT(c);
            h = 0; c = 0
        }
    od
}
#endif

init {
    atomic {
#if GHOSTS
        byte g;
        do
        :: g < GHOSTS -> ghost[g].host = NONE; g++
        :: else -> break
        od;
        run Disk();
#endif
#if ROTS
        run Rot();
#endif
        run Host(0);
        run Host(1);
#if HOSTS > 2
        run Host(2);
#endif
    }
}
