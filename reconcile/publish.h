/*
 * Telling the repository: one commit on the status branch when there is something to tell (spec section 6).
 */
#ifndef BERTH_PUBLISH_H
#define BERTH_PUBLISH_H

#include "state/git.h"
#include "state/record.h"
#include "state/status.h"

struct publisher {
	struct git *git;       /* NULL: nobody is told */
	struct record *record; /* keeps what was told last */
	const char *controller;
};

/* A move that has just ended: its commit is made whatever else has changed. */
struct ended_move {
	const struct move *move;
	const struct move_progress *progress;
	size_t step; /* from 1 */
	size_t steps;
};

/*
 * Commits the status when a move has ended, or phase, blocked, drift, a connection, the inventory or the commit acted
 * on differ from what was told last; otherwise does nothing. A push that fails is no failure of the commit:
 * ret_push_error (NULL when there was none) tells it, and the next push takes the commit along.
 */
int publish_status(struct arena *arena, const struct publisher *publisher, const struct status *status,
                   const struct inventory *inventory, const struct ended_move *ended, const char **ret_push_error,
                   struct error *err);

/* The counts as they were told last; all 0 when nothing was. */
struct counts publish_counts(struct arena *arena, struct record *record);

/* The last commit that could be acted on, NULL when there was none; and that there is a newer one. */
int publish_good_commit(struct arena *arena, struct record *record, const char **ret_commit, struct error *err);
int publish_set_good_commit(struct arena *arena, struct record *record, const char *commit, struct error *err);

/* The inventory as it was told last; NULL when there is none. */
int publish_recorded(struct arena *arena, struct record *record, const struct inventory **ret_inventory,
                     struct error *err);

#endif
