/*
 * The status as some berth wrote it: status.yaml read back into the same struct. Keys that are not known are passed
 * over, and what is missing is empty, so that another version's can be read. Pure.
 */
#ifndef BERTH_STATUS_READ_H
#define BERTH_STATUS_READ_H

#include "state/error.h"
#include "state/status.h"

/* -EBADMSG: it is not one of berth's. */
int status_read(struct arena *arena, const struct desired_file *file, const struct status **ret_status,
                struct error *err);

#endif
