/*
 * What the forms of the status share. Private to status*.c.
 */
#ifndef BERTH_STATUS_FORMS_H
#define BERTH_STATUS_FORMS_H

#include "state/status.h"

/* For people, as a git server shows it. */
const char *status_readme(struct arena *arena, const struct status *status, const struct inventory *inventory);

/* How far a move is; a status without progress has only pending ones. */
struct move_progress status_progress(const struct status *status, size_t move);

/* "3.2 s, 118 ms down", and what was done about a stall: ", post-copy" */
const char *status_took(struct arena *arena, const struct move_progress *progress);

/* The error and the problems, a line each; NULL when there are none. */
const char *status_errors(struct arena *arena, const struct status *status);

#endif
