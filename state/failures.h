/*
 * What berth's record keeps of moves that failed: which VM, how often, and when it may be tried again; and how many
 * failed in a row. A value and its form in YAML, for berth and for the person who has to look. Pure.
 */
#ifndef BERTH_FAILURES_H
#define BERTH_FAILURES_H

#include "state/desired.h"
#include "state/error.h"

struct failed_vm {
	const char *vm;
	const char *uuid;
	const char *entry; /* under which it failed, as desired_vm_whole_entry() tells it */
	unsigned int attempts;
	int64_t next; /* not before, seconds since 1970; 0: with the next pass */
	const char *error;
};

struct failures {
	struct failed_vm *items; /* sorted by name and UUID */
	size_t count;
	size_t row;         /* moves that failed without one that succeeded between them */
	const char *commit; /* under which they did; NULL outside git */
};

const char *failures_write(struct arena *arena, const struct failures *failures);

/* -EBADMSG: not such a file. */
int failures_read(struct arena *arena, const struct desired_file *file, struct failures *ret_failures,
                  struct error *err);

#endif
