/* An entry of berth's record as text: YAML, for berth and for the person who has to look. Pure. */
#ifndef BERTH_RECORD_MOVE_H
#define BERTH_RECORD_MOVE_H

#include "state/record.h"

const char *record_move_write(struct arena *arena, const struct move_entry *entry);

/* -EBADMSG: not such an entry. */
int record_move_read(struct arena *arena, const struct desired_file *file, struct move_entry *ret_entry,
                     struct error *err);

#endif
