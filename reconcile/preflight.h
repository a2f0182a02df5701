/*
 * The last look before a move, as far as it is a matter of facts: may it be made now, from what both hosts have just
 * reported, by the rules that planned it (spec section 4)? And what exactly is to be done. Pure.
 */
#ifndef BERTH_PREFLIGHT_H
#define BERTH_PREFLIGHT_H

#include "state/record.h"
#include "state/world.h"

/* Is the VM still the one that the move was planned for, and to be moved in that way? If not, there is to be another
 * plan. */
bool preflight_expects(const struct desired *desired, const struct inventory *inventory, const struct move *move);

/*
 * Returns true with the order and the entry for the record (its step and volumes are for who carries it out), or false
 * with the reason. inventory is the whole fleet, both hosts as they are now.
 */
bool preflight_check(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                     const struct move *move, const char *plan_id, struct move_order *ret_order,
                     struct move_entry *ret_entry, struct reason *ret_reason);

#endif
