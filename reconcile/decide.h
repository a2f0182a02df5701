/*
 * A VM whose whereabouts only a person can tell: what every host and berth's record say of it, and whether one of its
 * copies may be kept (spec section 5). Pure; what is then done is in reconcile/resolve.h.
 */
#ifndef BERTH_DECIDE_H
#define BERTH_DECIDE_H

#include "state/record.h"

struct decision {
	const char *vm;
	const char *uuid;
	const struct inventory *inventory; /* every host of the placement, as it has just answered */
	const struct move_entry *entries;  /* of this VM */
	size_t entry_count;
	const struct unreadable_entry *unreadable; /* likewise */
	size_t unreadable_count;
};

/* The VM of that name, on the hosts or in the record. -ENOENT: there is none; -EINVAL: there are two (a conflict). */
int decide_begin(struct arena *arena, const char *vm, const struct inventory *inventory,
                 const struct move_entries *entries, struct decision *ret_decision, struct error *err);

/* Is there anything to decide: is it on several hosts, or a move of it in the record? */
bool decide_is_open(const struct decision *decision);

/* What each host says, and the record; whole lines. */
const char *decide_evidence(struct arena *arena, const struct decision *decision);

/*
 * May the copy on `keep` be kept, and all others be removed? -EPERM with the reason. fenced: hosts that a person says
 * are powered off; one that answers is not.
 */
int decide_check(const struct decision *decision, const char *keep, const char *const *fenced, size_t fenced_count,
                 struct error *err);

#endif
