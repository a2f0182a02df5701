/*
 * A pass as people see it: one line a move, figures at its end, and on a terminal how far the one in flight is.
 */
#ifndef BERTH_PROGRESS_H
#define BERTH_PROGRESS_H

#include "reconcile/pass.h"

struct progress {
	bool terminal;
	bool colour;
	unsigned int columns;
	bool line_open;    /* a progress line stands without its end */
	const char *stall; /* what was done about one of the move in flight, once it is told; NULL: nothing */
};

/* The callbacks begin, end and note of a listener whose data is a struct progress. */
void progress_begin(void *data, const struct plan *plan, size_t index);
void progress_tell(void *data, const struct move *move, const struct transfer *transfer);
void progress_end(void *data, const struct plan *plan, size_t index, const struct move_ending *ending);
void progress_note(void *data, const char *line);

#endif
