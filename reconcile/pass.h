/*
 * One pass: look, plan, move, tell. It starts from nothing but its two inputs and berth's own record, so that a crash,
 * a restart and a timer tick are the same thing.
 *
 *     struct pass_result result;
 *     r = pass_run(arena, &pass, &result, err);
 *
 * A VM whose move failed or was refused is set aside, and the rest is planned again; with `retries` one that failed
 * waits for its next attempt instead (reconcile/retry.h), which may come in a later pass or, if that is long, in this
 * one.
 */
#ifndef BERTH_PASS_H
#define BERTH_PASS_H

#include "reconcile/execute.h"
#include "reconcile/publish.h"
#include "state/config.h"

/* Who is told while a pass goes on. Any of them may be NULL. */
struct pass_listener {
	void *data;
	/* Before the first move of a plan that has moves. false: do nothing. */
	bool (*plan)(void *data, const struct plan *plan);
	void (*begin)(void *data, const struct plan *plan, size_t index);
	/* A few times a second, and between any two calls of a move. Not NULL: why it is to be cancelled. */
	const char *(*progress)(void *data, const struct move *move, const struct transfer *transfer);
	/*
	 * Likewise: a newer placement than the pass's that is to be acted on, each once; NULL when none has come. A
	 * move that it does not ask for is cancelled.
	 */
	const struct desired *(*newer)(void *data, struct arena *arena);
	void (*end)(void *data, const struct plan *plan, size_t index, const struct move_ending *ending);
	/* One line about something that is not a move of the plan: what was found and mended, a push that failed. */
	void (*note)(void *data, const char *line);
	/* Asked before each move: is no further one to be started? */
	bool (*stopping)(void *data);
};

struct pass {
	const struct desired *desired;
	struct world world;
	struct publisher publisher;
	const struct pass_listener *listener;
	unsigned int look; /* how its first look is made, as state/world.h has it */
	unsigned int effort;
	const char *only_plan;       /* an id: this plan or nothing, and it is approved; NULL: whatever is planned */
	const struct limits *limits; /* NULL: none */
	bool retries;         /* somebody comes back to what failed, with a growing delay; false: all is tried once */
	int64_t (*now)(void); /* seconds since 1970; NULL: as this machine's clock tells them */
};

struct pass_result {
	const struct plan *plan; /* the last one: what is left */
	const struct inventory *inventory;
	enum phase phase;
	size_t done;
	size_t failed;   /* moves that were begun and did not succeed, those that were cancelled left out */
	size_t open;     /* moves whose end only a person can tell */
	bool nobody;     /* not one host answered */
	bool declined;   /* the listener did not want the plan */
	bool other_plan; /* only_plan is not what is planned now */
	bool stopped;
	int64_t next_attempt; /* when a move that failed is to be tried again, seconds since 1970; 0: there is none */
};

/* Fails only when berth's own record or repository fails it; what became of the moves is in the result. */
int pass_run(struct arena *arena, const struct pass *pass, struct pass_result *ret_result, struct error *err);

/* A commit that cannot be acted on: the status says so, the last good one stands, nothing is moved. */
int pass_refuse(struct arena *arena, const struct publisher *publisher, const char *commit,
                const struct problem_list *problems, const char **ret_push_error, struct error *err);

#endif
