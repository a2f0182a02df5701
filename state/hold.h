/*
 * Holds that people have set by command: the fleet's, a VM's, and the one that a cancelled move leaves behind. A value,
 * and its form in berth's record. Pure.
 */
#ifndef BERTH_HOLD_H
#define BERTH_HOLD_H

#include "state/desired.h"
#include "state/error.h"

struct hold {
	const char *vm;     /* NULL: the fleet */
	bool cancelled;     /* its move was cancelled: it ends when the VM's entry changes */
	const char *reason; /* one line; "" for none */
	const char *by;     /* who set it: "uid 0" */
	int64_t since;
	const char *entry; /* with cancelled: what the placement said of the VM then */
};

/* Sorted: the fleet's first, then by VM, a cancelled one after the other. */
struct hold_list {
	struct hold *items;
	size_t count;
};

/* NULL when there is none. */
const struct hold *hold_find(const struct hold_list *list, const char *vm, bool cancelled);

/* New lists; what `hold` and `list` hold is borrowed. */
struct hold_list hold_put(struct arena *arena, const struct hold_list *list, const struct hold *hold);
struct hold_list hold_remove(struct arena *arena, const struct hold_list *list, const char *vm, bool cancelled);

const char *hold_write(struct arena *arena, const struct hold_list *list);

/* -EBADMSG: it is not such a list. */
int hold_read(struct arena *arena, const struct desired_file *file, struct hold_list *ret_list, struct error *err);

#endif
