/*
 * A pass while it runs, and what its parts share. Inside of pass*.c only.
 */
#ifndef BERTH_PASS_DATA_H
#define BERTH_PASS_DATA_H

#include "reconcile/pass.h"
#include "state/failures.h"
#include "state/hold.h"

struct running {
	struct arena *arena;
	const struct pass *pass;
	struct pass_result *result;
	struct execution execution;
	struct inventory *inventory;
	struct set_aside *aside;
	size_t aside_count;
	struct failures failures;
	const char *failures_text; /* as the record has them */
	size_t tried;              /* moves that have ended, whatever way */
	size_t open;
	const struct plan *plan;
	struct move_progress *progress; /* of the plan */
	struct hold_list holds;         /* by command */
	const struct desired *desired;  /* the pass's, with these */
	const char *cancels;            /* why the move in flight is to end; NULL: it is not */
};

void pass_note(const struct running *running, const char *line);

/* The VM is not to be moved any more in this pass. */
void pass_set_aside(struct running *running, const char *uuid, struct reason why);

/* Seconds since 1970, by the pass's clock. */
int64_t pass_now(const struct running *running);

/* The inventory without the VMs that are not to be moved. */
const struct inventory *pass_view(const struct running *running);

/* Does the record still have something to say of this VM's move between these hosts? */
bool pass_is_in_record(struct running *running, const char *uuid, const char *from, const char *to);

/* Writes the failures down, if they are others than the record has. */
int pass_keep_failures(struct running *running, struct error *err);

/*
 * reconcile/pass_consent.c: what a person has allowed. Is it this plan? An approval of another one is over. Failures
 * count no more, once somebody has said so.
 */
int pass_ask_consent(struct running *running, const struct plan *plan, bool *ret_approved, struct error *err);

/*
 * reconcile/pass_move.c: looks at both hosts of a move again. Returns false when one of them is not as the plan expects
 * it.
 */
bool pass_look_at_pair(struct running *running, const struct move *move, unsigned int how);

/* Makes one move of the plan, and counts how it has ended. */
struct move_ending pass_try_move(struct running *running, size_t index);

/* reconcile/pass_recover.c: what an earlier run left, finished or undone before anything new is begun. */
int pass_recover(struct running *running, struct error *err);

/*
 * reconcile/pass_tell.c: the status. left: what is still to do, for phase and counts; what is shown is the plan of the
 * pass with its progress, which may be the one that has just come to its end.
 */
int pass_tell(struct running *running, const struct plan *left, const struct ended_move *ended, struct error *err);

#endif
