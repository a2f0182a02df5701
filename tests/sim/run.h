/*
 * One move in the world of tests/sim/world.h, with what is known of it; and what must hold once it is over, whatever
 * has gone wrong.
 *
 *     struct run run = {.arena = arena_create(), .kind = &RUN_KINDS[0], .folder = folder};
 *     run_begin(&run);
 *     run_move(&run);
 *     run_recover(&run);                         as the next start of berth does
 *     run_check(&run, "no fault");
 *     run_end(&run);
 */
#ifndef BERTH_TEST_RUN_H
#define BERTH_TEST_RUN_H

#include "reconcile/execute.h"
#include "tests/sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct kind {
	const char *name;
	enum vm_state state;
	enum move_mode mode;
	bool local_disk;
	bool autostart;
	bool snapshots;
	bool loses_snapshots;
};

enum { RUN_KIND_COUNT = 13 };
extern const struct kind RUN_KINDS[RUN_KIND_COUNT];

/* What they are called, by enum fault. */
extern const char *const RUN_FAULTS[];

/* A run and what is known of it. */
struct run {
	struct arena *arena;
	struct sim sim;
	const struct kind *kind;
	struct record *record;
	const char *folder;
	struct move_ending ending;
	struct move_ending recovered; /* the last that a next start has found */
	enum fault fault;
	bool two_faults;
	bool later;         /* source_disks: 1h */
	unsigned int asked; /* whether the move is still wanted */
	unsigned int no_at; /* from this time on it is not; 0: it is */
	bool was_killed;
	bool told_left; /* a message named a file that may be a stranger's */
	size_t in_record;
};

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fail_msg("%s, call %u: %s: not so: %s", run->kind->name, run->sim.fault_at, fault,             \
			         #condition);                                                                          \
		}                                                                                                      \
	} while (0)

void run_open_record(struct run *run);

/* As its kind says, before anything has happened. */
void run_begin(struct run *run);

/* Until it is over, or berth is killed. */
void run_move(struct run *run);

/* What the next start of berth does, with hosts that answer again. */
void run_recover(struct run *run);

/* The same, and one of the calls fails, counted from 1; 0: none. */
void run_recover_with_fault(struct run *run, unsigned int fault_at);

/* Notes whether it names a file that may be a stranger's. */
void run_note_left(struct run *run, const struct move_ending *ending);

/* All that there are, with their data, or none where its entry lets them end with the move. */
bool run_has_its_snapshots(const struct run *run, const struct sim_host *home);

/* Whatever happened, and fault is its name: nothing is lost or doubled, and what is left is known. */
void run_check(const struct run *run, const char *fault);

/* Whatever the record has is forgotten. */
void run_end(struct run *run);

#endif
