/* Who lives on the grants of more than half, and who is denied by them: quorum "majority" (MEMBERSHIP §5, last rule).
 *
 * Three hosts: itself and any other one are more than half. Checked as in grant.pml: nobody is declared dead while
 * it runs VMs (G1); no cold start begins beside a living member. Each BUG_… takes away one rule.
 *
 * What each step stands for, in hacore/core (Living, Machine, Removals as of quorum "majority"):
 *   grant    x hears o and grants it; o counts it           Living._look_by_majority, grants.to_whom, of_most_ns
 *   deny     x has not heard o for a silence and was asked  grants.to_deny, asked_about
 *   DENIED   more than half say that they deny              grants.denied_by_most
 *   judge    declares dead who is left out                  fencing.certainly_dead
 *   propose, help, decide, read: as in grant.pml; die, restart: Machine._begin/_resume
 *
 * A denial binds the host, not the boot or the daemon, and is said only once the host's own slot says it: a successor
 * that grants whom others still count as denied by its predecessor lets it live beside its own removal
 * (BUG_DENIAL_OF_A_BOOT, BUG_DENIAL_UNWRITTEN).
 *
 * Time, incarnations, epochs, wishes and the order of hosts are as in grant.pml. Storage plays no part but for
 * decisions: anybody may read or decide at any time, or not. Stronger than the code: a grant is counted at once,
 * also by one that has not read yet that it was admitted; who is down is taken for gone. That a cold start needs
 * more than half of the hosts is not what keeps G1: without it nothing is found (1.2 million states).
 */

#ifndef T
#define T 2
#endif
#define HOSTS 3
#define SILENCE T
#define HEARD (T / 2) /* a packet counts for T / 2 (timing.unheard_ns) */

#define BIT(n) (1 << (n))
#define ALL ((1 << HOSTS) - 1)
#define IN(mask, h) (((mask) >> (h)) & 1)

#define JOINING 0 /* or down */
#define MEMBER 1 /* runs VMs */
#define FENCING 2

/* On the disk. */
byte live = ALL, same = ALL; /* the newest epoch: members, and who of them has not rebooted since */
byte ready, stale; /* slots that show JOINING and the newest epoch; of a former boot */
byte wish, wished; /* what will be decided */

/* In the hosts. */
byte mode[3];
byte behind; /* mask: do not know the newest epoch */
byte knows[3]; /* members of the epoch that it knows, those that have not rebooted since */
byte lease[3]; /* ticks since S */
byte open, put; /* masks, as in grant.pml */
byte denied[3]; /* by host, a mask: whom it denies */

/* On the network. */
byte said[3]; /* whom its former daemon or boot denied, not longer ago than packets count */
byte since[3]; /* ticks since then */
byte heard[9]; /* x * 3 + o: ticks since x heard o, or came up */

byte me, choice, i, j;

#define RUNS(h) (mode[h] != JOINING)
#define LEADS(h) (IN(live, h) && RUNS(h))
#define HERE(h) (RUNS(h) || IN(same, h)) /* runs VMs, or may do so without another epoch */

#ifdef BUG_GRANTS_WHOM_IT_DENIES
#define GRANTS(x, o) IN(knows[x], o)
#else
#define GRANTS(x, o) (IN(knows[x], o) && !IN(denied[x], o))
#endif
#ifdef BUG_NO_SILENCE
#define MAY_DENY(x, o) IN(knows[x], o)
#else
#define MAY_DENY(x, o) (IN(knows[x], o) && heard[(x) * 3 + (o)] == SILENCE)
#endif

#define VOTE(h, x, o) (IN(denied[x], o) || (h != x && IN(said[x], o)))
#ifdef BUG_MINORITY
#define MOST 1
#else
#define MOST 2
#endif
#define DENIED(h, o) (VOTE(h, 0, o) + VOTE(h, 1, o) + VOTE(h, 2, o) >= MOST)

inline came_up(h) {
    said[h] = said[h] | denied[h];
    since[h] = 0;
#ifdef BUG_START
    heard[(h) * 3] = SILENCE; heard[(h) * 3 + 1] = SILENCE; heard[(h) * 3 + 2] = SILENCE
#else
    heard[(h) * 3] = 0; heard[(h) * 3 + 1] = 0; heard[(h) * 3 + 2] = 0
#endif
}

/* What was denied to who it was is void: each epoch that readmits it says so (Living.admit, denied_by_most). */
inline void(x, h) {
    denied[x] = denied[x] & ~BIT(h);
    said[x] = said[x] & ~BIT(h);
    knows[x] = knows[x] & ~BIT(h)
}

inline die(h) {
    came_up(h);
#ifdef BUG_DENIAL_OF_A_BOOT
    denied[h] = 0;
#endif
    mode[h] = JOINING;
    lease[h] = T;
    knows[h] = 0;
    behind = behind | BIT(h);
    open = open & ~BIT(h);
    stale = stale | (ready & BIT(h));
    same = same & ~BIT(h);
    wished = wished & ~BIT(h);
    void(0, h);
    void(1, h);
    void(2, h)
}

inline age(value, most) {
    if
    :: value < most -> value = value + 1
    :: else
    fi
}

inline tick() {
    i = 0;
    do
    :: i < 9 -> age(heard[i], SILENCE); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < 3 ->
        age(lease[i], T);
        age(since[i], HEARD);
        if
        :: since[i] == HEARD -> said[i] = 0
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < 3 ->
        if
        :: RUNS(i) && lease[i] == T -> die(i)
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

inline grant(x, o) {
    heard[(x) * 3 + (o)] = 0;
    lease[o] = (mode[o] == FENCING -> lease[o] : 0)
}

inline write(h) {
    stale = stale & ~BIT(h);
    if
    :: mode[h] == JOINING && !IN(behind, h) && !IN(same, h) -> ready = ready | BIT(h)
    :: else -> ready = ready & ~BIT(h)
    fi
}

#ifdef BUG_DEAD_AT_REMOVAL
#define CERTAIN(h, o) 1
#else
#define CERTAIN(h, o) DENIED(h, o)
#endif

inline judge(h, o) {
    if
    :: o != h && !IN(live, o) && CERTAIN(h, o) -> assert(!RUNS(o))
    :: else
    fi
}

inline read(h) {
    open = open & ~BIT(h);
    behind = behind & ~BIT(h);
    knows[h] = same;
    if
    :: mode[h] == JOINING && IN(same, h) && lease[h] < T -> mode[h] = MEMBER
    :: mode[h] == MEMBER && !IN(same, h) -> mode[h] = FENCING
    :: else
    fi;
    if
    :: mode[h] == MEMBER -> judge(h, 0); judge(h, 1); judge(h, 2)
    :: else
    fi
}

inline decide() {
    behind = ALL;
    open = (open & ((mode[0] == MEMBER) | ((mode[1] == MEMBER) << 1) | ((mode[2] == MEMBER) << 2)));
    live = wish;
    same = wished;
    wish = 0;
    wished = 0;
    ready = 0;
    stale = 0
}

#define TRUE_ONES (ready & ~stale)
#define MAY_PROPOSE(h) (mode[h] == MEMBER && !IN(open, h) && !IN(behind, h))
#define MAY_HELP(h) (mode[h] == JOINING && !IN(open, h) && IN(TRUE_ONES, h) && !IN(behind, h))

inline propose(h) {
    write(h);
    open = open | BIT(h);
    put = put | BIT(h)
}

/* Who may be left out: rebooted, fencing, or denied; in a world with LEAVING anybody, as if it had asked. */
#ifdef LEAVING
#define OUT(h, o, value) 1
#else
#define OUT(h, o, value) (!IN(live, o) || IN(value, o) || !IN(same, o) || mode[o] == FENCING || DENIED(h, o))
#endif
#define MAY_WISH(h, value) (IN(value, h) && (value) != live && !((value) & ~(live | ready)) \
    && OUT(h, 0, value) && OUT(h, 1, value) && OUT(h, 2, value))

#define SIZE(mask) (IN(mask, 0) + IN(mask, 1) + IN(mask, 2))
#ifdef BUG_COLD_START_BESIDE
#define GONE(h, o, group) 1
#else
#define GONE(h, o, group) (!IN(live, o) || IN(group, o) || !HERE(o) || DENIED(h, o))
#endif
#define MAY_FORM(h, group) (IN(group, h) && !((group) & ~ready) && SIZE(group) >= 2 && ((group) == ALL \
    || (((group) & live) && GONE(h, 0, group) && GONE(h, 1, group) && GONE(h, 2, group))))

/* --- one world for all that differ by names only */

#define KEY(h) (mode[h] | (lease[h] << 2) | (since[h] << 4) | (IN(live, h) << 6) | (IN(same, h) << 7) \
    | (IN(ready, h) << 8) | (IN(stale, h) << 9) | (IN(open, h) << 10) | (IN(put, h) << 11) | (IN(wish, h) << 12) \
    | (IN(behind, h) << 13) | (IN(wished, h) << 14) | ((denied[h] != 0) << 15) | ((said[h] != 0) << 16) \
    | (SIZE(knows[h]) << 17))

inline swap(x, y) {
    i = x;
    x = y;
    y = i
}

inline swap_bits(mask, a, b) {
    i = IN(mask, a) ^ IN(mask, b);
    mask = mask ^ ((i << a) | (i << b))
}

inline order(a, b, c) {
    if
    :: KEY(a) < KEY(b) ->
        swap(mode[a], mode[b]);
        swap(knows[a], knows[b]);
        swap(lease[a], lease[b]);
        swap(denied[a], denied[b]);
        swap(said[a], said[b]);
        swap(since[a], since[b]);
        swap(heard[(a) * 3 + (b)], heard[(b) * 3 + (a)]);
        swap(heard[(a) * 3 + (c)], heard[(b) * 3 + (c)]);
        swap(heard[(c) * 3 + (a)], heard[(c) * 3 + (b)]);
        swap_bits(live, a, b); swap_bits(same, a, b);
        swap_bits(ready, a, b); swap_bits(stale, a, b);
        swap_bits(wish, a, b); swap_bits(wished, a, b);
        swap_bits(behind, a, b);
        swap_bits(open, a, b); swap_bits(put, a, b);
        swap_bits(knows[0], a, b); swap_bits(knows[1], a, b); swap_bits(knows[2], a, b);
        swap_bits(denied[0], a, b); swap_bits(denied[1], a, b); swap_bits(denied[2], a, b);
        swap_bits(said[0], a, b); swap_bits(said[1], a, b); swap_bits(said[2], a, b)
    :: else
    fi
}

inline forget(x, o) {
    if
    :: x == o || !HERE(o) || IN(denied[x], o) -> heard[(x) * 3 + (o)] = SILENCE
    :: else
    fi
}

inline tidy(h) {
    forget(0, h);
    forget(1, h);
    forget(2, h);
    since[h] = (said[h] -> since[h] : HEARD);
    if
    :: HERE(h)
    :: else -> lease[h] = T
    fi
}

inline settle() {
    put = put & open;
    tidy(0);
    tidy(1);
    tidy(2);
    order(0, 1, 2);
    order(1, 2, 0);
    order(0, 1, 2);
    me = 0;
    choice = 0;
    i = 0;
    j = 0
}

init {
    d_step {
        mode[0] = MEMBER; mode[1] = MEMBER; mode[2] = MEMBER;
        knows[0] = ALL; knows[1] = ALL; knows[2] = ALL;
        settle()
    }
    do
    :: atomic {
        if
        :: me = 0
        :: me = 1
        :: me = 2
        fi;
        if
        :: d_step { tick() }
        :: mode[me] != FENCING -> d_step { write(me) }
        :: mode[me] != FENCING -> d_step { read(me) }
        :: IN(put, me) && !IN(behind, me) && wish -> d_step { decide(); read(me) }
        :: MAY_PROPOSE(me) -> d_step { propose(me) } /* what will not be decided */
        :: MAY_PROPOSE(me) && !wish ->
            select(choice : 1 .. ALL);
            if
            :: MAY_WISH(me, choice) -> d_step {
                wish = choice;
                wished = choice & ((live & same) | (~live & TRUE_ONES));
                propose(me)
               }
            :: else
            fi
        :: MAY_HELP(me) ->
            select(choice : 1 .. ALL);
            if
            :: MAY_FORM(me, choice) ->
                assert(!LEADS(0) && !LEADS(1) && !LEADS(2));
                if
                :: !wish -> d_step { wish = choice; wished = choice & TRUE_ONES }
                :: true
                fi;
                d_step { propose(me) }
            :: else
            fi
        :: true ->
            select(choice : 0 .. 2);
            if
            :: choice != me && HERE(choice) && GRANTS(me, choice) -> d_step { grant(me, choice) }
            :: choice != me && !IN(denied[me], choice) && MAY_DENY(me, choice) ->
                d_step { denied[me] = denied[me] | BIT(choice) }
            :: else
            fi
        :: RUNS(me) -> d_step { came_up(me); open = open | BIT(me); put = put & ~BIT(me) } /* restart */
#ifdef BUG_DENIAL_UNWRITTEN
        :: RUNS(me) -> d_step { came_up(me); denied[me] = 0; open = open | BIT(me); put = put & ~BIT(me) }
#endif
        :: RUNS(me) || !IN(behind, me) || IN(same, me) -> d_step { die(me) }
        fi;
        d_step { settle() }
       }
    od
}
