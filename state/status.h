/*
 * The status: what the branch berth/status tells of a pass (spec section 6), as files. Pure: it gets values and gives
 * bytes; who commits them is elsewhere (state/git.h).
 */
#ifndef BERTH_STATUS_H
#define BERTH_STATUS_H

#include "state/plan.h"

/* The first that applies, in this order. */
enum phase {
	PHASE_INVALID,
	PHASE_NEEDS_DECISION,
	PHASE_DISCONNECTED,
	PHASE_HELD,
	PHASE_PROGRESSING,
	PHASE_BLOCKED,
	PHASE_DRIFTED,
	PHASE_IN_SYNC,
};

enum move_state { MOVE_PENDING, MOVE_RUNNING, MOVE_DONE, MOVE_FAILED, MOVE_CANCELLED };

/* How far a move of the plan is; all zero: pending. */
struct move_progress {
	enum move_state state;
	int64_t started;      /* seconds since 1970; 0: not yet */
	uint64_t ms;          /* that it took; 0 while it runs */
	uint64_t downtime_ms; /* as libvirt tells it; 0 when it does not */
	uint64_t bytes;       /* that travelled */
	const char *stall;    /* what was done about one: "suspended", "post-copy", "aborted"; NULL: nothing */
	uint64_t iterations;  /* of the memory; 0: none, or not known */
	uint64_t dirty_bytes_per_s;
	const char *error; /* NULL: none */
};

struct failure {
	const char *vm;
	unsigned int attempts;
	int64_t next; /* not before; 0: with the next pass */
	const char *error;
};

struct counts {
	size_t vms;
	size_t in_place;
	size_t to_move;
	size_t blocked;
	size_t drifted;
	size_t unmanaged;
	size_t missing;
	size_t unknown;
};

struct status {
	const char *desired; /* commit of the placement that is acted on; NULL before the first good one */
	enum phase phase;
	const char *reason; /* one line; "" for none */
	struct counts counts;
	const struct plan *plan;              /* NULL when none could be made */
	const struct move_progress *progress; /* one for each move of the plan */
	const struct failure *failures;
	size_t failure_count;
	const char
	        *error; /* of the commit, or of the last thing that went wrong; NULL: none. Several lines are allowed */
	const char **problems; /* of an invalid commit, FILE:LINE:COLUMN: message */
	size_t problem_count;
};

struct status_file {
	const char *path; /* status.yaml, README.md, placement.svg, inventory/HOST.yaml */
	const char *bytes;
	size_t length;
};

struct status_files {
	struct status_file *items;
	size_t count;
};

/*
 * All files of the branch. `recorded` is the inventory as it was last written there (NULL for none): a host that is the
 * same but for used, free and seen is written with its recorded figures, so that these alone never make a commit.
 */
struct status_files status_files(struct arena *arena, const struct status *status, const struct inventory *inventory,
                                 const struct inventory *recorded);

const char *status_yaml(struct arena *arena, const struct status *status);
const char *status_json(struct arena *arena, const struct status *status);

/* For a terminal: phase, counts, the move in flight, what is blocked and why. */
const char *status_text(struct arena *arena, const struct status *status, unsigned int columns, bool colour);

/* `web-1: node1 → node2, live, 3.2 s, 118 ms down`, at most 120 characters, in one line. */
const char *status_subject_of_move(struct arena *arena, const struct move *move, const struct move_progress *progress);

const char *phase_word(enum phase phase);
const char *move_state_word(enum move_state state);

#endif
