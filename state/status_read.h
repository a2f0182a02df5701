/* The status as another berth wrote it: status.yaml read back. Pure. */
#ifndef BERTH_STATUS_READ_H
#define BERTH_STATUS_READ_H

#include "state/desired.h"
#include "state/error.h"

struct arena;

/* The same document as JSON. -EBADMSG: it is not one of berth's. */
int status_read_json(struct arena *arena, const struct desired_file *file, const char **ret_json, struct error *err);

#endif
