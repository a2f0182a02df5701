/*
 * One short thing asked of one host, or of two, and waited for with a deadline. Inside the door only.
 */
#ifndef BERTH_HOST_CALL_H
#define BERTH_HOST_CALL_H

#include "state/error.h"
#include "state/model.h"

#include <stdbool.h>
#include <stdint.h>

struct worker;

enum action {
	ACTION_CREATE_VOLUME,
	ACTION_DELETE_VOLUME,
	ACTION_VOLUME_LENGTH,
	ACTION_SET_AUTOSTART,
	ACTION_UNDEFINE,
	ACTION_DEFINE,       /* of two hosts */
	ACTION_CHECK_TARGET, /* of two hosts */
	ACTION_SHUTDOWN,
	ACTION_START,
	ACTION_RESUME,
	ACTION_END_REMNANT,
	ACTION_REMOVE,
	ACTION_VOLUME_STAMP,
	ACTION_STATE,
	ACTION_IS_MIGRATING,
	ACTION_READ_SNAPSHOTS,
	ACTION_SET_SNAPSHOTS,
	ACTION_DROP_SNAPSHOTS,
};

/* What an action needs is set, the rest is left 0. */
struct request {
	enum action action;
	const char *uuid;
	const char *path;
	const struct disk *disk;
	uint64_t bytes;
	bool on;
	const char *to_uri;
	const char *to_name;
	struct snapshot_list snapshots;
};

/* What an action tells; the rest is 0. */
struct answer {
	uint64_t number;
	struct snapshot_list snapshots;
};

/*
 * *worker is given up (set to NULL) when it hangs. ret_answer may be
 * NULL; what it points to lives in the arena, which may be NULL for an answer that is a number.
 */
int host_call_make(struct worker **worker, const struct request *request, unsigned int deadline_ms, struct arena *arena,
                   struct answer *ret_answer, struct error *err);

/* Milliseconds of the monotonic clock, and how many are left until one of them (at least 0). */
uint64_t host_call_now_ms(void);
int host_call_ms_until(uint64_t end_ms);
void host_call_pause(unsigned int ms);

#endif
