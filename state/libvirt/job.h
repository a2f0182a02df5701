/*
 * Watching over a migration that runs elsewhere: its figures, and what is done when it does not get on (on_stall,
 * timeout) or is no longer wanted. Inside the door only. It has a connection of its own, each call on it with a
 * deadline.
 */
#ifndef BERTH_JOB_H
#define BERTH_JOB_H

#include "state/world.h"

struct job;

struct job *job_create(const char *uri, const struct move_order *order);
void job_destroy(struct job *job);

/*
 * To be called a few times a second. Returns 0, or what it has asked the migration to end for: -ECANCELED when the
 * watcher wants that, -ETIMEDOUT after the order's timeout, -ETIME after a stall with on_stall: abort.
 */
int job_attend(struct job *job, uint64_t ms, const struct watcher *watcher);

/* Ends the migration for another reason, unless it is being ended already; job_attend() does it and returns `why`. */
void job_end(struct job *job, int why);

/* As they were seen last, and what was done about a stall. */
const struct transfer *job_figures(const struct job *job);

#endif
