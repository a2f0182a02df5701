/*
 * Holds by command (state/hold.h) in berth's record, and what they do to a pass: the placement is then planned as if it
 * said `hold` itself, and a VM whose move was cancelled is set aside.
 */
#ifndef BERTH_HOLDS_H
#define BERTH_HOLDS_H

#include "reconcile/remember.h"
#include "state/hold.h"
#include "state/record.h"

/* None in the record: an empty list. */
int holds_read(struct arena *arena, struct record *record, struct hold_list *ret_list, struct error *err);

/* Durable when it returns 0. */
int holds_put(struct record *record, const struct hold *hold, struct error *err);

/* Both kinds of the VM's, or the fleet's (vm NULL). ret_held: there was one. */
int holds_release(struct record *record, const char *vm, bool *ret_held, struct error *err);

/* The one that a cancelled move left. */
int holds_forgive(struct record *record, const char *vm, struct error *err);

/* All but those of cancelled moves whose VMs have another entry by now, or none. */
struct hold_list holds_standing(struct arena *arena, const struct desired *desired, const struct hold_list *list);

/* Leaves only these in the record and the list. */
int holds_expire(struct arena *arena, struct record *record, const struct desired *desired, struct hold_list *list,
                 struct error *err);

/* The placement with these holds worked in. What the placement holds itself, keeps its own reason. */
const struct desired *holds_apply(struct arena *arena, const struct desired *desired, const struct hold_list *list);

/* `items` and the VMs of cancelled moves. */
void holds_set_aside(struct arena *arena, const struct hold_list *list, const struct inventory *inventory,
                     const struct set_aside *items, size_t count, struct set_aside **ret_items, size_t *ret_count);

#endif
