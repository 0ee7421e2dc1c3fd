/* Who is alive, who is dead, and who lives on grants, quorum "disk" (MEMBERSHIP §2, §4, §5.2; guarantee G1).
 *
 * Checked: nobody is declared dead while it runs VMs (G1); no cold start begins beside a living member.
 * Each BUG_… takes away one rule; spin has to find what then goes wrong.
 *
 * What each step stands for, in hacore/core (Living, Machine, Removals as of quorum "disk"):
 *   write    a slot write has landed                        the pump; Telling
 *   read     a full read after it                           Living.take, Machine._learn/_settle/_adopt/_go, Posture.join
 *   judge    declares dead who is left out                  fencing.certainly_dead, Machine._look_at_the_removed
 *   propose  a value is in phase 2, its block has landed    Deciding._needs/_hindered/settle, paxos.Proposer.propose
 *   help     the same for a cold start                      joining.may_form, joining.no_grants, Heirs
 *   decide   a round ends: epoch.pml says that it is one    paxos.judge, Deciding.settle
 *   give     a packet that grants                           Living._look_by_disk, grants.to_whom
 *   count    S by grants, as soon as it can be counted      grants.granted_since_ns, of_all_ns
 *   die      watchdog or power; it may be up at once        the watchdog; Takeover
 *   restart  another daemon of the same boot                Machine._resume, Proposer.resuming
 *
 * Whatever the code forbids and this model allows makes the result stronger: a host may grant though it has
 * storage, anybody may be left out at any time, an observer sees every slot the moment it moves, members write
 * without reading (S is renewed by a write while the newest epoch has them), a read needs no write, cold starts
 * wait for nobody but those who may live. A pause is a host that does nothing; a message that is late brings an
 * old stamp, so that a grant is worth most when it comes at once. It keeps its worth until the epoch is left.
 *
 * What makes it small enough for three hosts, and for any number of epochs, crashes and restarts:
 *   time    is counted in ticks, which may come anywhere between two steps; ages stop at T. A member lives until
 *           T ticks after S; who waits for a silence waits until T ticks have come, and the watchdog first. All
 *           limits are the same T (a little more for silence), so only the order in which leases run out
 *           matters; ticks tell T groups of leases apart. T=3 tells more apart and finds nothing more.
 *   epochs  are not numbered: what matters is who knows the newest one, and who of the others know the same.
 *   wishes  only that one of all proposals is kept that will be decided: any may be kept, or none.
 *   hosts   are alike: after each step they are put in order (-DPLAIN: they are not). Spin follows one of the up
 *           to six worlds that differ by names only.
 * FORCED: an operator starts a pool without a host of the newest liveset (joining.may_form, forced). That is safe
 * if no member lives without the disk (NOBODY_GRANTS), and not else: BUG_COLD_START_ANYBODY is just that.
 * Not in it: clean leaving, EXCLUDED, disarming (leaving.pml).
 */

#ifndef T
#define T 2 /* the least with which anybody survives a tick */
#endif
#ifndef HOSTS
#define HOSTS 3
#endif

/* T (1 + rho) + g: more than T by as little as possible. */
#ifdef BUG_SHORT_SILENCE
#define SILENCE (T - 1)
#else
#define SILENCE T
#endif

#define BIT(n) (1 << (n))
#define ALL ((1 << HOSTS) - 1)
#define IN(mask, h) (((mask) >> (h)) & 1)

#define JOINING 0 /* or down: one that does nothing */
#define MEMBER 1 /* runs VMs */
#define FENCING 2 /* is left out, and runs VMs until its watchdog fires */

#define NEW 4 /* knew the newest epoch until just now */
#define FAR 5 /* no member, and does not know the newest epoch */

/* On the disk. */
byte live = ALL; /* the members of the newest epoch by index */
byte same = ALL; /* those of them that have not rebooted since: a member is an incarnation */
byte ready; /* whose slots show JOINING and the newest epoch, which is without them (Disk.joiners) */
byte stale; /* those of them that have rebooted since */
byte wish, wished; /* what will be decided, and who of it has not rebooted since; 0: nothing yet */
byte shown[3]; /* ticks since the slot moved */
byte out[3]; /* ticks since an epoch left it out; 0 if it runs no VMs */

/* In the hosts. */
byte mode[3];
byte behind[3]; /* 0: knows the newest epoch; members that know the same older one have the same figure */
byte knows[3]; /* and its members, if it is an older one */
byte lease[3]; /* ticks since S */
byte idle[3]; /* of a member: ticks since it granted anything; of others: since it came up */
byte open; /* mask: a proposal of theirs is unresolved */
byte put; /* mask: a block of theirs is in phase 2 */

/* On the network. */
byte fresh[3]; /* by giver: age of its last grant bound to the newest epoch */
byte pair[9]; /* receiver * 3 + giver: age of the last grant bound to the older epoch that the receiver knows */
#ifdef BUG_NO_ECHO
byte waits; /* by giver: a grant is still in a socket */
#endif
#ifdef BUG_NO_EPOCH
byte last[3]; /* by giver: age of its last grant */
#endif

byte me, choice, oldest, i, j; /* of one step */

#define RUNS(h) (mode[h] != JOINING)
#define LEADS(h) (IN(live, h) && RUNS(h))

/* --- grants */

#define KNOWN(h) (behind[h] -> knows[h] : live)
#ifdef BUG_NO_EPOCH
#define STAMP(g, h) last[g]
#else
#define STAMP(g, h) (behind[h] -> pair[(h) * 3 + (g)] : fresh[g])
#endif

inline older(g, h) {
    if
    :: g != h && IN(KNOWN(h), g) && STAMP(g, h) > oldest -> oldest = STAMP(g, h)
    :: else
    fi
}

#ifdef NOBODY_GRANTS
#define LIVES_ON_GRANTS 0
#else
#define LIVES_ON_GRANTS 1
#endif

/* S by grants is the oldest of the newest stamps of all others, and stays what it was; alone: now. */
inline count(h) {
    if
    :: LIVES_ON_GRANTS && mode[h] == MEMBER && !IN(open, h) ->
        oldest = 0;
        older(0, h);
        older(1, h);
        older(2, h);
        if
        :: oldest < lease[h] -> lease[h] = oldest
        :: else
        fi;
        oldest = 0
    :: else
    fi
}

inline reach(g, h) {
    if
    :: mode[h] == MEMBER && behind[h] == behind[g] -> pair[(h) * 3 + (g)] = 0
    :: else
    fi
}

/* To all that are members of the epoch it knows. */
inline give(g) {
    idle[g] = 0;
#ifdef BUG_NO_EPOCH
    last[g] = 0;
#endif
    if
    :: !behind[g] ->
        fresh[g] = 0;
#ifdef BUG_NO_ECHO
        waits = waits | BIT(g)
#endif
    :: else -> reach(g, 0); reach(g, 1); reach(g, 2)
    fi
}

#ifdef BUG_UNRESOLVED_GRANTS
#define MAY_GRANT(h) 1
#else
#define MAY_GRANT(h) (!IN(open, h))
#endif

/* --- life and death */

inline know_newest(h) {
    behind[h] = 0;
    knows[h] = 0;
    pair[(h) * 3] = T;
    pair[(h) * 3 + 1] = T;
    pair[(h) * 3 + 2] = T
}

/* Whoever comes up again is somebody else. Its last grants stay in the sockets of others. */
inline die(h) {
    know_newest(h);
    mode[h] = JOINING;
    behind[h] = FAR;
    lease[h] = T;
    idle[h] = 0;
    out[h] = 0;
    open = open & ~BIT(h);
    stale = stale | (ready & BIT(h));
    same = same & ~BIT(h);
    wished = wished & ~BIT(h)
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
    :: i < 9 -> age(pair[i], T); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < 3 ->
        age(lease[i], T);
        age(shown[i], SILENCE);
        age(idle[i], SILENCE);
        age(fresh[i], T);
#ifdef BUG_NO_EPOCH
        age(last[i], T);
#endif
        if
        :: RUNS(i) && !IN(live, i) -> age(out[i], SILENCE)
        :: else
        fi;
        i++
    :: else -> break
    od;
    count(0); /* who is alone grants itself */
    count(1);
    count(2);
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

/* --- the disk */

#ifdef BUG_WRITE_RENEWS
#define RENEWS(h) 1
#else
#define RENEWS(h) IN(same, h) /* it will read itself in the newest epoch, or not renew S */
#endif

/* A slot that shows JOINING may be of a member: admitted, and it has not written since. So it has to show that it
 * knows the newest epoch, and that is without it. */
#ifdef BUG_JOINER_IS_MEMBER
#define JOINS(h) 1
#else
#define JOINS(h) (!behind[h] && !IN(same, h))
#endif

inline write(h) {
    shown[h] = 0;
    stale = stale & ~BIT(h);
    if
    :: mode[h] == JOINING && JOINS(h) -> ready = ready | BIT(h)
    :: else -> ready = ready & ~BIT(h)
    fi;
    if
    :: mode[h] == MEMBER && RENEWS(h) -> lease[h] = 0
    :: else
    fi
}

#ifdef BUG_DEAD_AT_CONFIRMATION
#define WORD(o) (mode[o] == FENCING)
#else
#define WORD(o) 0 /* 3 (W + g) later it is off: it lives on no other lease than before */
#endif
#ifdef BUG_DEAD_AT_REMOVAL
#define WAITED(o) 1
#else
#define WAITED(o) (out[o] == SILENCE)
#endif
#ifdef BUG_REGAINED_ACTS
#define MAY_ACT(h) 1
#else
#define MAY_ACT(h) (idle[h] == SILENCE)
#endif

/* One that is left out of the newest epoch: G1. Who shows another incarnation runs nothing: see die. */
inline judge(h, o) {
    if
    :: o != h && !IN(live, o) && MAY_ACT(h) && (shown[o] == SILENCE || WORD(o) || WAITED(o)) ->
        assert(!RUNS(o))
    :: else
    fi
}

#ifdef BUG_INCARNATION
#define MINE(h) IN(live, h)
#else
#define MINE(h) IN(same, h)
#endif

inline read(h) {
    open = open & ~BIT(h); /* decided by somebody, or nothing */
    know_newest(h);
    if
    :: mode[h] == JOINING && MINE(h) && shown[h] < T ->
        mode[h] = MEMBER;
        lease[h] = shown[h]; /* S is the start of the write */
        idle[h] = SILENCE
    :: mode[h] == MEMBER && !MINE(h) ->
        mode[h] = FENCING;
        idle[h] = SILENCE
    :: else
    fi;
    if
    :: mode[h] == MEMBER -> judge(h, 0); judge(h, 1); judge(h, 2)
    :: else
    fi
}

/* --- epochs */

inline leave_behind(h) {
    if
    :: mode[h] == MEMBER && !behind[h] ->
        knows[h] = live;
        pair[(h) * 3] = fresh[0];
        pair[(h) * 3 + 1] = fresh[1];
        pair[(h) * 3 + 2] = fresh[2];
        behind[h] = NEW
    :: mode[h] == JOINING ->
        behind[h] = FAR;
        open = open & ~BIT(h)
    :: else
    fi
}

inline decide() {
    leave_behind(0);
    leave_behind(1);
    leave_behind(2);
    live = wish;
    same = wished;
    wish = 0;
    wished = 0;
#ifndef BUG_JOINER_IS_MEMBER
    ready = 0;
    stale = 0;
#endif
    fresh[0] = T;
    fresh[1] = T;
    fresh[2] = T;
    out[0] = (IN(live, 0) -> 0 : out[0]);
    out[1] = (IN(live, 1) -> 0 : out[1]);
    out[2] = (IN(live, 2) -> 0 : out[2])
#ifdef BUG_NO_ECHO
    ; waits = 0
#endif
}

#define TRUE_ONES (ready & ~stale)
#define MAY_PROPOSE(h) (mode[h] == MEMBER && !IN(open, h) && MAY_ACT(h) && !behind[h])
#define MAY_HELP(h) (mode[h] == JOINING && !IN(open, h) && IN(TRUE_ONES, h) && !behind[h] && !MINE(h))

inline propose(h) {
    write(h);
    open = open | BIT(h);
    put = put | BIT(h)
}

#if defined(BUG_COLD_START_ANYBODY) || defined(FORCED)
#define HEIR(group) 1
#else
#define HEIR(group) ((group) & live)
#endif
/* Silence ends nobody that lives on grants; that one of those who granted has been away for a silence does. */
#ifdef BUG_FRESH_HEIR
#define NO_GRANTS 1
#else
#define RESTED(o) (IN(ready & live, o) && idle[o] == SILENCE)
#define NO_GRANTS (!(ready & live) || RESTED(0) || RESTED(1) || RESTED(2))
#endif
/* Who is down or joins is taken for gone without any wait. */
#ifdef BUG_COLD_START_BESIDE
#define GONE(h, o, group) 1
#else
#define GONE(h, o, group) (!IN(live, o) || IN(group, o) || (mode[o] == JOINING && !IN(same, o)) \
    || (shown[o] == SILENCE && idle[h] == SILENCE && NO_GRANTS))
#endif
#define MAY_FORM(h, group) (IN(group, h) && !((group) & ~ready) && ((group) == ALL \
    || (HEIR(group) && GONE(h, 0, group) && GONE(h, 1, group) && GONE(h, 2, group))))

/* --- one world for all that differ by names only */

#define OLD(h) (mode[h] == MEMBER && behind[h])

/* Who of the members know the same older epoch: each is called by the first of them. */
inline rename() {
    i = (OLD(1) && OLD(0) && behind[1] == behind[0] -> 1 : 2);
    j = (OLD(2) && OLD(0) && behind[2] == behind[0] -> 1 : (OLD(2) && OLD(1) && behind[2] == behind[1] -> 2 : 3));
    behind[0] = (OLD(0) -> 1 : behind[0]);
    behind[1] = (OLD(1) -> i : behind[1]);
    behind[2] = (OLD(2) -> j : behind[2])
}

#define KEY(h) (mode[h] | (lease[h] << 2) | (shown[h] << 4) | (out[h] << 6) | (idle[h] << 8) | (fresh[h] << 10) \
    | (IN(live, h) << 12) | (IN(same, h) << 13) | (IN(ready, h) << 14) | (IN(stale, h) << 15) \
    | (IN(open, h) << 16) | (IN(put, h) << 17) | (IN(wish, h) << 18) | ((behind[h] != 0) << 19))

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
        swap(behind[a], behind[b]);
        swap(knows[a], knows[b]);
        swap(lease[a], lease[b]);
        swap(shown[a], shown[b]);
        swap(out[a], out[b]);
        swap(idle[a], idle[b]);
        swap(fresh[a], fresh[b]);
        swap(pair[(a) * 3 + (b)], pair[(b) * 3 + (a)]);
        swap(pair[(a) * 3 + (c)], pair[(b) * 3 + (c)]);
        swap(pair[(c) * 3 + (a)], pair[(c) * 3 + (b)]);
        swap_bits(live, a, b);
        swap_bits(same, a, b);
        swap_bits(ready, a, b);
        swap_bits(stale, a, b);
        swap_bits(open, a, b);
        swap_bits(put, a, b);
        swap_bits(wish, a, b);
        swap_bits(wished, a, b);
        swap_bits(knows[0], a, b);
        swap_bits(knows[1], a, b);
        swap_bits(knows[2], a, b);
#ifdef BUG_NO_ECHO
        swap_bits(waits, a, b);
#endif
#ifdef BUG_NO_EPOCH
        swap(last[a], last[b]);
#endif
        rename()
    :: else
    fi
}

inline forget(g, h) {
    if
    :: g == h || !IN(knows[h], g) -> pair[(h) * 3 + (g)] = T
    :: else
    fi
}

/* Nothing stays of what nobody can ever ask for again. */
inline tidy(h) {
    if
    :: mode[h] == JOINING && !IN(same, h) && !IN(TRUE_ONES, h) -> shown[h] = SILENCE
    :: else
    fi;
    if
    :: !IN(live, h) -> fresh[h] = T
    :: else
    fi;
    forget(0, h);
    forget(1, h);
    forget(2, h)
}

inline settle() {
    rename();
    count(0);
    count(1);
    count(2);
    tidy(0);
    tidy(1);
    tidy(2);
    put = put & open;
#ifndef PLAIN
    order(0, 1, 2);
#if HOSTS > 2
    order(1, 2, 0);
    order(0, 1, 2);
#endif
#endif
    me = 0;
    choice = 0;
    i = 0;
    j = 0
}

inline begin() {
    i = 0;
    do
    :: i < 3 ->
        lease[i] = T;
        fresh[i] = T;
        idle[i] = SILENCE;
        shown[i] = SILENCE;
        if
        :: IN(ALL, i) -> mode[i] = MEMBER; lease[i] = 0; shown[i] = 0
        :: else
        fi;
        i++
    :: else -> break
    od
}

init {
    d_step {
        begin();
        settle()
    }
    do
    :: atomic {
        if
        :: me = 0
        :: me = 1
#if HOSTS > 2
        :: me = 2
#endif
        fi;
        if
        :: d_step { tick() }
        :: mode[me] != FENCING -> d_step { write(me) }
        :: mode[me] != FENCING -> d_step { read(me) }
        :: IN(put, me) && !behind[me] && wish -> d_step { decide(); read(me) }
        :: MAY_PROPOSE(me) -> d_step { propose(me) } /* what will not be decided */
        :: MAY_PROPOSE(me) && !wish ->
            select(choice : 1 .. ALL);
            if
            :: IN(choice, me) && choice != live && !(choice & ~(live | ready)) -> d_step {
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
                :: true /* what will not be decided */
                fi;
                d_step { propose(me) }
            :: else
            fi
#ifndef NOBODY_GRANTS
        :: mode[me] == MEMBER && MAY_GRANT(me) -> d_step { give(me) }
#endif
#ifdef BUG_NO_ECHO
        :: IN(waits, me) -> d_step { waits = waits & ~BIT(me); fresh[me] = 0 }
#endif
        :: mode[me] == MEMBER -> d_step { /* restart */
            open = open | BIT(me);
            put = put & ~BIT(me);
#ifndef BUG_RESTART_FORGETS
            idle[me] = 0 /* a predecessor may have granted until now */
#else
            idle[me] = SILENCE;
            open = open & ~BIT(me)
#endif
           }
#ifndef NO_CRASH
        :: RUNS(me) || !behind[me] || IN(same, me) -> d_step { die(me) }
#endif
        fi;
        d_step { settle() }
       }
    od
}
