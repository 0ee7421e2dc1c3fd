/* Who leaves, disarms, or comes back, and who takes it for dead (guarantee G1), quorum "disk".
 *
 * A host that leaves cleanly closes its watchdog and may go on running VMs: nobody may ever declare it dead. Followed
 * are that host and one that judges it; the other members are what may be decided at any time.
 *
 * Checked: nobody is declared dead that is not off. Each BUG_… takes away one rule.
 *
 * What each step stands for, in hacore/core:
 *   write, read, leave   the host itself                    Machine._on_leave/_adopt/_go, fencing.how_to_go
 *   disarm, arm          an operator's word                 Posture.want_disarmed/as_member/arm
 *   again                another daemon of the same boot    Machine._resume, _resume_membership
 *   return               it joins again, as who it was      Machine._on_join, Posture.join
 *   wish, decide         what the next epoch says           Deciding._needs, membership.next_decision
 *   judge                the other one reads and judges     Removals, fencing.certainly_dead
 *   judge anew           … after its daemon started         Removals.inherit
 *
 * Stronger than the code: anybody may be left out at any time, whether it asked to leave or not.
 * Ticks are those of grant.pml; a lease is renewed by a write while the newest epoch has the host, which is more
 * than the code allows. A wish may be old when it is decided. A reboot ends the story: whoever comes up is another.
 * Not in it: grants; emergency-disable, which closes the watchdog before it says so, by an operator's force.
 * Epochs are not numbered: what matters is who is how far behind, and two are as good as more.
 */

#ifndef T
#define T 2
#endif
#define SILENCE T

mtype = { JOINING, MEMBER, LEAVING, EXCLUDED, FENCING, OFF };
mtype = { LEFT, OUT, STAYS, NOTHING }; /* what an epoch says of the host; OUT: for any other cause */

/* On the disk: the newest epoch, and the slot of the host. */
mtype says = STAYS;
mtype wish = NOTHING;
mtype shows = MEMBER;
bit shows_armed = 1;
byte shows_late; /* by how many epochs (2: or more) it is behind */
byte shown; /* ticks since it moved */

/* In the host. */
mtype state = MEMBER;
bit armed = 1; /* what it says */
bit open = 1; /* its watchdog */
byte late; /* by how many epochs it is behind */
byte lease; /* ticks since S */
byte good; /* ticks since a good cycle as a member of this daemon */
bit to_say; /* it will disarm once the slot says that it left */

/* In the one that judges. */
byte judge_late;
bit judge_has = 1; /* the epoch it knows has the host */
bit condemned, direct, fenced;
byte removed; /* ticks since the removal was read back */

#define HAS (says == STAYS)

inline age(value) {
    if
    :: value < T -> value = value + 1
    :: else
    fi
}

inline off() {
    state = OFF; open = 0; armed = 0; to_say = 0; lease = T; good = T
}

inline tick() {
    age(shown);
    age(lease);
    age(good);
    age(removed);
    if
    :: open && lease == T -> off()
    :: else
    fi
}


inline write() {
    shows = state;
    shows_armed = armed;
    shows_late = late;
    shown = 0;
    if
    :: (state == MEMBER || state == LEAVING) && HAS -> lease = 0; good = 0
    :: else
    fi
}

/* --- how it goes: fencing.how_to_go */

#define DIRECT (late == 1)
#ifdef BUG_ANY_CAUSE
#define LET_GO DIRECT
#else
#ifdef BUG_NOT_DIRECT
#define LET_GO (says == LEFT || !DIRECT)
#else
#define LET_GO (DIRECT && says == LEFT)
#endif
#endif
#define YOUNG (good < T)

inline go() {
    if
    :: !open && state == LEAVING -> state = EXCLUDED
    :: !open && state == MEMBER -> state = JOINING; armed = 0
    :: open && state == LEAVING && LET_GO -> state = EXCLUDED; open = 0; armed = 0
    :: open && state == LEAVING && !LET_GO && !DIRECT && YOUNG ->
        state = EXCLUDED;
#ifdef BUG_LEAVES_UNSAID
        open = 0; armed = 0
#else
        to_say = 1
#endif
    :: else -> state = FENCING
    fi
}

inline read() {
    if
    :: (state == MEMBER || state == LEAVING) && late && !HAS -> go()
    :: state == JOINING && HAS && shown < T ->
        state = MEMBER; armed = 1; open = 1; lease = shown; good = shown
    :: else
    fi;
    late = 0
}

#define MAY_COME_AGAIN (state == LEAVING || (state == EXCLUDED && !to_say && shows != EXCLUDED) \
    || (state == shows && state != OFF))

/* It goes on from its slot: whatever it has not written is forgotten. */
inline again() {
    state = shows;
    late = shows_late;
    armed = shows_armed && (state == MEMBER || state == LEAVING);
    open = open || armed;
    good = T;
    to_say = 0
}

/* --- what the next epoch says */

inline decide() {
    says = (wish != NOTHING -> wish : (says == LEFT -> OUT : says));
    wish = NOTHING;
    late = (late < 2 -> late + 1 : 2);
    shows_late = (shows_late < 2 -> shows_late + 1 : 2);
    judge_late = (judge_late < 2 -> judge_late + 1 : 2)
}

#define LEAVES (shows == LEAVING || shows == EXCLUDED)

/* --- the other one */

#ifdef BUG_LEAVER_IS_FENCED
#define WILL_FENCE shows_armed
#else
#define WILL_FENCE (shows == LEAVING -> shows_armed && direct : shows_armed || shows == FENCING)
#endif

/* Its lease of before is over; but who confirms may have come up since, with a watchdog that has to fire yet. */
#ifdef BUG_CONFIRMED_IS_OVER
#define OVER (removed == SILENCE)
#else
#define OVER (removed == SILENCE && shows != FENCING)
#endif

inline look_and_judge() {
#ifndef BUG_REMEMBERS_WHO_LEFT
    if
    :: shows == EXCLUDED -> condemned = 0
    :: else
    fi;
#endif
    if
    :: condemned ->
        fenced = WILL_FENCE;
        assert(!(fenced && (shown == SILENCE || OVER)) || state == OFF)
    :: else -> direct = 0; fenced = 0; removed = 0
    fi
}

#define RAN (shows == MEMBER || shows == LEAVING || shows == FENCING)

inline judge() {
    if
    :: judge_late == 1 && judge_has && !HAS ->
        direct = 1;
        condemned = (says != LEFT);
        removed = 0
    :: judge_late == 2 && !HAS ->
        direct = 0;
        condemned = condemned || judge_has || RAN;
#ifdef BUG_OLD_REMOVAL_COUNTS
        removed = (judge_has -> 0 : removed)
#else
        removed = 0
#endif
    :: HAS -> condemned = 0
    :: else
    fi;
    judge_late = 0;
    judge_has = HAS;
    look_and_judge()
}

inline judge_anew() {
    judge_late = 0;
    judge_has = HAS;
    condemned = !HAS && RAN;
    direct = 0;
    removed = 0;
    look_and_judge()
}

init {
    do
    :: d_step { tick() }
    :: d_step { state != OFF && !(state == FENCING && shows == FENCING) -> write() }
    :: d_step { state != OFF && state != FENCING -> read() }
    :: d_step { state == MEMBER -> state = LEAVING }
#ifdef BUG_DISARMS_UNSAID
    :: d_step { (state == MEMBER || state == LEAVING) && armed -> armed = 0; open = 0 }
#else
    :: d_step { (state == MEMBER || state == LEAVING) && armed -> armed = 0 }
    :: d_step { (state == MEMBER || state == LEAVING) && !armed && !shows_armed -> open = 0 }
#endif
    :: d_step { (state == MEMBER || state == LEAVING) && !armed && lease < T -> armed = 1; open = 1 }
    :: d_step { state == EXCLUDED && to_say && shows == EXCLUDED -> to_say = 0; open = 0; armed = 0 }
    :: d_step { state == EXCLUDED && !to_say && shows == EXCLUDED -> state = JOINING }
    :: d_step { MAY_COME_AGAIN -> again() }
    :: d_step { state != OFF -> off() }
    :: d_step { wish == NOTHING && HAS && LEAVES -> wish = LEFT }
    :: d_step { wish == NOTHING && HAS -> wish = OUT }
    :: d_step { wish == NOTHING && !HAS && shows == JOINING && !shows_late -> wish = STAYS }
    :: d_step { wish != NOTHING -> wish = NOTHING }
    :: d_step { decide() }
    :: d_step { judge() }
    :: d_step { judge_anew() }
    od
}
