/*
 * Where each VM shall end: the pinned at their pins, the others where they are, and for those of them that must leave a
 * host that suits (spec section 2).
 *
 *     struct draft *draft = draft_create(arena, fleet);
 *     place_all(draft);                                    now draft->wishes say who wants to go where
 *
 * A draft is a plan in the making. A VM that turns out to be unable to reach its place is barred: it keeps its home,
 * and everything is placed again around it. Pure.
 */
#ifndef BERTH_PLACE_H
#define BERTH_PLACE_H

#include "reconcile/simulate.h"

/* Why a VM shall not stay. */
enum why {
	WHY_NONE,        /* it stays */
	WHY_PINNED,      /* its pin is elsewhere */
	WHY_MAINTENANCE, /* of its host */
	WHY_ENTRY,       /* its entry no longer names its host */
	WHY_RULE,        /* a policy does not admit it there */
	WHY_CROWD,       /* a policy admits only so many there */
	WHY_TOGETHER,    /* to be with its group */
	WHY_OVER,        /* its host is over capacity */
	WHY_ROOM,        /* others that have to be there need its room */
};

struct wish {
	enum why why;
	uint32_t goal;              /* where it shall end; NOWHERE while no place is found */
	bool flexible;              /* any other host that suits will do */
	bool barred;                /* it cannot get there, and keeps its home */
	const struct rule *rule;    /* RULE, CROWD, TOGETHER */
	const struct rule *grouped; /* the group that it is placed with, or was barred for */
	uint32_t wanted; /* of a group that finds no place: where it would be if there were room, or NOWHERE */
};

struct draft {
	struct arena *arena;
	const struct fleet *fleet;
	const struct simulation *start; /* before the first move */
	struct simulation *final;       /* everybody where the wishes say */
	struct wish *wishes;            /* by VM */
	const uint32_t *by_size;        /* all VMs, the largest first, then by name */
	const bool *stood;              /* by rule: a group that stands together before the first move */
	uint64_t *work_left;            /* questions that may still be asked for hops, by all copies together */
	bool residue;                   /* only asking who should give way: whether anybody can is no question */
	bool ejects;                    /* several make room for one: not always for the better */
};

struct draft *draft_create(struct arena *arena, const struct fleet *fleet);

/* A copy whose wishes can be changed without harm to the first. */
struct draft *draft_copy(const struct draft *draft);

/* The first half of it: what each entry asks for alone, and the groups. Nobody gives way to anybody yet. */
void place_alone(struct draft *draft);

/* Places all that are not barred, and bars those that have no place. */
void place_all(struct draft *draft);

/* May the planner move the VM at all? Not those reported only, nor any that is not managed. */
bool place_may_move(const struct draft *draft, uint32_t vm);

/* Does it stay as long as its host suits it (auto or a list)? */
bool place_is_sticky(const struct draft *draft, uint32_t vm);

/*
 * The best host for a VM that is lifted off to end on, other than its home: one that suits it and that it can be moved
 * to, with room on the final placement; the fewest bytes to copy, then the most free RAM, then the name. NOWHERE when
 * there is none.
 */
uint32_t place_best_host(const struct draft *draft, uint32_t vm);

/* Would it do as the place of a VM that is lifted off the final placement? */
bool place_could_end_on(const struct draft *draft, uint32_t vm, uint32_t host);

/*
 * Could it be moved to this host and end there, room aside? One that gives way goes neither to where it would be in the
 * same crowd, nor away from its group.
 */
bool place_could_go(const struct draft *draft, uint32_t vm, uint32_t host);

/* Gives it a place by giving others other places (reconcile/exchange.c). Each host or VM that is tried is counted. */
bool place_by_exchange(struct draft *draft, uint32_t vm, uint32_t *tries_left);

/* Bytes that a move of it would take, to the first host that it could go to: for choosing who is moved. */
uint64_t place_weight(const struct draft *draft, uint32_t vm);

/* Is there any host that it could be moved to, room aside? */
bool place_could_leave(const struct draft *draft, uint32_t vm);

/* The parts of place_all, in the order of the call; each looks at draft->final and changes it. */
void place_groups(struct draft *draft); /* reconcile/group.c */
bool group_is_parted(const struct simulation *sim, const struct rule *rule);

/* A group of two VMs at least, all in one place. */
bool group_stands(const struct simulation *sim, const struct rule *rule);

/*
 * Would a VM that could have stayed part a group by going to the host: one that stood together before the first move? A
 * group is not torn apart to make room for others.
 */
bool group_parts(const struct draft *draft, uint32_t vm, uint32_t host);

/* The policy that it would break by leaving the host at all, or NULL. */
const struct rule *group_tie(const struct draft *draft, uint32_t vm, uint32_t host);

void place_crowds(struct draft *draft); /* reconcile/relief.c */
void place_relief(struct draft *draft);

/* How many of those that may give way would have to leave at least, so that the host is within its capacity. */
uint32_t place_count_over(const struct draft *draft, const struct simulation *sim, uint32_t host);

/* Marks a VM that stays as one that leaves, and takes it off the final placement. */
void place_lift(struct draft *draft, uint32_t vm, enum why why, const struct rule *rule);

#endif
