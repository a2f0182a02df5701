/*
 * The controller's loop: a pass whenever the repository has moved, and every `resync` in any case, until it is told to
 * stop. An event only means "look again". A first, simple loop: it never sleeps while there is something to do, and
 * starts no new move once it is to stop.
 */
#ifndef BERTH_LOOP_H
#define BERTH_LOOP_H

#include "reconcile/pass.h"

struct loop_settings {
	struct git *git;
	struct record *record;
	const char *controller;
	unsigned int effort;
	uint64_t poll_ms; /* of a remote repository */
	uint64_t resync_ms;
	uint64_t deadline_ms; /* for an answer of a host */
	const struct limits *limits;
	const char *control; /* the folder of the control socket */

	/* One line for each event, key=value, without a time. */
	void (*log)(void *data, const char *event, const char *line);
	void *data;
};

/*
 * Blocks SIGTERM and SIGINT and takes them itself; returns 0 after one of them, once the move in flight is over (after
 * a second one: once it is cancelled). Fails only when the loop cannot be begun.
 */
int loop_run(const struct loop_settings *settings, struct error *err);

#endif
