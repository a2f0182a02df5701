/*
 * What is known beyond the last look: hosts that do not answer as they were last seen, and which VMs have been in place
 * under their entry. Pure: from const inventories to a new one.
 */
#ifndef BERTH_REMEMBER_H
#define BERTH_REMEMBER_H

#include "state/desired.h"
#include "state/model.h"

struct arena;

/*
 * The fresh inventory; a host that did not answer has what `recorded` (NULL: nothing) last knew of it, and in_place and
 * entry of every VM are carried over by UUID.
 */
struct inventory *remember_merge(struct arena *arena, const struct inventory *fresh, const struct inventory *recorded);

/* The same inventory with in_place set, and entry with it, for every VM that stands where its entry wants it now. */
struct inventory *remember_places(struct arena *arena, const struct desired *desired,
                                  const struct inventory *inventory);

/* The same inventory with two hosts as `pair` has them. */
struct inventory *remember_hosts(struct arena *arena, const struct inventory *inventory, const struct inventory *pair);

/*
 * What is to be written: a host that is the same but for used, free and seen keeps the figures that are recorded, so
 * that these alone change nothing (spec section 6).
 */
struct inventory *remember_figures(struct arena *arena, const struct inventory *inventory,
                                   const struct inventory *recorded);

/* A VM that is not to be moved now, and why. */
struct set_aside {
	const char *uuid;
	struct refusal why;
};

/* The inventory as the planner is to see it: these VMs cannot be moved, whatever the target. */
struct inventory *remember_set_aside(struct arena *arena, const struct inventory *inventory,
                                     const struct set_aside *items, size_t count);

#endif
