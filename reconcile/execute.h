/*
 * One move carried out: volumes, transfer, settling, source disks, with the record written before each step (spec
 * section 5). What a move is and whether it may be made is decided before (reconcile/preflight.h); here it is done, and
 * its end is told only from what both hosts answer.
 *
 *     struct move_ending ending = execute_move(&execution, &order, &entry);
 *
 * Until the switch it can be cancelled: what watches is asked all along (execute_ask), and what was made is undone.
 *
 * A crash at any point leaves an entry in the record; execute_recover() finishes or undoes it by the same functions.
 */
#ifndef BERTH_EXECUTE_H
#define BERTH_EXECUTE_H

#include "state/record.h"
#include "state/world.h"

struct execution {
	struct arena *arena;
	struct world world;
	struct record *record;
	const struct watcher *watcher; /* NULL: nobody watches */
};

enum ending {
	ENDED_DONE,
	ENDED_REFUSED,   /* what was asked before said no, or libvirt before it sent anything: nothing is left of it */
	ENDED_FAILED,    /* the VM is on its source, and the target clean, or the text says what is left */
	ENDED_CANCELLED, /* likewise, because it was asked for */
	ENDED_OPEN,      /* not to be told, or a host does not answer: the record keeps it */
};

struct move_ending {
	enum ending ending;
	struct reason reason; /* "" when it is done and nothing is to be said */
	int64_t started;      /* seconds since 1970 */
	uint64_t ms;
	struct outcome outcome;
};

/* entry: everything but step and volumes is set, the facts as they are before the move. */
struct move_ending execute_move(const struct execution *execution, const struct move_order *order,
                                const struct move_entry *entry);

/*
 * Asked between any two calls of a move, until its end is no longer berth's to choose: -ECANCELED when who watches
 * wants it no more.
 */
int execute_ask(const struct execution *execution, struct error *err);

/* One recorded move: finished or undone. ENDED_OPEN: it stays in the record. */
struct move_ending execute_recover(const struct execution *execution, const struct move_entry *entry);

#endif
