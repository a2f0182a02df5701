/*
 * Where a VM is after a move, and what follows from that: finishing on the target or undoing on the source. The rules
 * are those of spec section 5; every one of them asks both hosts first, and nothing is deleted or started where one of
 * them does not answer.
 */
#ifndef BERTH_SETTLE_H
#define BERTH_SETTLE_H

#include "reconcile/execute.h"

enum whereabouts {
	IS_ON_SOURCE, /* and the target answers that it has no such VM */
	IS_ON_TARGET, /* persistent, and the source answers that it has no such VM */
	IS_ON_BOTH,
	IS_ON_NEITHER,
	IS_UNCLEAR, /* a host does not answer, or is not the one that it was */
};

struct sight {
	enum whereabouts where;
	const char *why; /* with IS_UNCLEAR: one line */
	const struct host *source;
	const struct host *target;
	const struct vm *on_source; /* NULL: not there */
	const struct vm *on_target;
};

/* how: as world.h has it; on connections opened now after every failure. */
struct sight settle_look(const struct execution *execution, const struct move_entry *entry, unsigned int how);

/*
 * The VM is on its target: its snapshots, autostart, start if it was stopped for the move, the source's disks, and the
 * entry goes. Returns 0, or fails with what is still to do, which the record then keeps.
 */
int settle_on_target(const struct execution *execution, struct move_entry *entry, const struct sight *sight,
                     struct error *err);

/*
 * The VM is on its source: what the move made on the target goes, autostart, the running state and its snapshots come
 * back, and the entry goes. What had to be left is told in ret_left ("" for nothing).
 */
int settle_on_source(const struct execution *execution, struct move_entry *entry, const struct sight *sight,
                     const char **ret_left, struct error *err);

/*
 * The source's local disks, by the clean-up rules: `now` is the VM where it is by now, `source` the former host, both
 * as they have just been seen. A file that is not the one that was left is not touched.
 */
int settle_source_disks(const struct execution *execution, struct move_entry *entry, const struct vm *now,
                        const struct host *source, struct error *err);

/*
 * Lets a VM go on that ran before the move and that libvirt has paused for it. `on` is one of the two hosts; asks both
 * once more, on connections opened now. -EBUSY: the other may have it.
 */
int settle_resume(const struct execution *execution, const struct move_entry *entry, const char *on, struct error *err);

#endif
