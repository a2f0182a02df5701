/*
 * Better placements (spec section 7, `berth propose`): which entries to change, and the plan that then follows.
 *
 *     const struct proposal *proposal = propose_balance(arena, desired, inventory, &options);
 *
 * A VM gets another host by its entry: `host: NAME`, or `host: [NAME]` where the entry has a `where`, which stays. The
 * plan is the planner's own, on the changed placement, so that all rules and the order are. A change that would leave
 * more blocked than before is taken back. Pure; the same input gives the same proposal.
 */
#ifndef BERTH_PROPOSE_H
#define BERTH_PROPOSE_H

#include "state/error.h"
#include "state/model.h"
#include "state/proposal.h"

struct propose_options {
	uint64_t min_gain; /* balance: of each move; see reconcile/balance.h */
	bool keep_pins;    /* balance: pinned VMs stay */
	uint32_t moves;    /* balance: at most so many VMs get other places; 0: any number */
	unsigned int effort;
};

enum { PROPOSE_MIN_GAIN = 10000 }; /* by default: one hundredth of a host */

/* A smaller spread. What the present placement moves and blocks is left as it is. */
const struct proposal *propose_balance(struct arena *arena, const struct desired *desired,
                                       const struct inventory *inventory, const struct propose_options *options);

/*
 * Nothing on this host: it is put into maintenance, and VMs pinned to it get other pins. Where that is not enough,
 * others that are in place at their pins get new ones too. -ENOENT when no such host is defined.
 */
int propose_drain(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                  const char *host, const struct propose_options *options, const struct proposal **ret_proposal,
                  struct error *err);

/* The eligible host with the most free RAM for this VM. -ENOENT when the placement does not name it. */
int propose_vm(struct arena *arena, const struct desired *desired, const struct inventory *inventory, const char *vm,
               const struct propose_options *options, const struct proposal **ret_proposal, struct error *err);

#endif
