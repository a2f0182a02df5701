/*
 * berth's own record: what was under way, on disk before each step that it speaks of (spec section 5).
 *
 *     cleanup_record struct record *record = NULL;
 *     r = record_open("/var/lib/berth", key, "berth apply", &record, err);      -EBUSY names who holds it
 *     r = record_write_move(record, &entry, err);                               durable when it returns 0
 *
 * A folder per repository, branch and path, and in it: `lock`, held as long as the record is open;
 * `moves/UUID+FROM+TO.yaml`, one for each move that is not over; `inventory.yaml`, as the status branch has it;
 * `status`, what the last commit of the status was made for; `failures.yaml`, what failed and waits to be tried again;
 * `holds.yaml`, what people hold by command; `consent/`, see state/consent.h.
 * A file is replaced as a whole: written beside, flushed, renamed, the folder flushed.
 */
#ifndef BERTH_RECORD_H
#define BERTH_RECORD_H

#include "state/error.h"
#include "state/failures.h"
#include "state/plan.h"

struct arena;
struct record;

/*
 * What comes next in a move. Up to STEP_TRANSFER the VM belongs to its source, from STEP_SETTLE on to its target; only
 * the hosts can tell how a transfer ended.
 */
enum step {
	STEP_VOLUMES,      /* volumes are made on the target */
	STEP_SHUTDOWN,     /* the guest has been asked to shut down */
	STEP_SNAPSHOTS,    /* the source is to know of its snapshots no more, which libvirt would refuse to move */
	STEP_TRANSFER,     /* RAM and disks travel, or volumes are copied and compared */
	STEP_DEFINE,       /* a stopped VM is defined on its target as well */
	STEP_SETTLE,       /* the target has it: the source's definition, autostart, start */
	STEP_SOURCE_DISKS, /* the source's local disks are deleted, now or when they are due */
	STEP_UNDO,         /* the source has it: what was made on the target is removed */
};

struct made_volume {
	const char *target; /* vda */
	const char *path;
	bool made;      /* on the target; false: it is not known to be ours */
	uint64_t stamp; /* of the source's, when the VM had left it; 0: not known */
};

struct move_entry {
	const char *vm;
	const char *uuid;
	const char *from;
	const char *from_uuid; /* of the host; "" when it was not known */
	const char *to;
	const char *to_uuid;
	enum move_mode mode;
	enum step step;
	enum vm_state state; /* before the move */
	bool autostart;      /* before the move */
	enum source_disks source_disks;
	uint64_t kept_s; /* how long they are kept once the VM is safe on its target; 0: not at all */
	int64_t due;    /* of the source's disks, or of what a host may still do late; seconds since 1970, 0: at once */
	bool asked_off; /* its guest has been asked to shut down */
	struct snapshot_list snapshots; /* as they were, once they are to leave the source */
	bool snapshots_end;             /* with the move, as its entry allows: they are not set on the target */
	bool snapshots_open;            /* the source was asked to drop them and did not answer: it may still do so */
	const char *plan;
	const char *desired; /* commit; NULL outside git */
	int64_t started;
	struct made_volume *volumes; /* one for each local disk */
	size_t volume_count;
};

/* A file that cannot be read as an entry: left for a person to look at. */
struct unreadable_entry {
	const char *uuid; /* of the VM that its name tells, "" when it tells none */
	const char *why;
};

struct move_entries {
	struct move_entry *items; /* sorted by UUID and hosts */
	size_t count;
	struct unreadable_entry *unreadable;
	size_t unreadable_count;
};

/*
 * key: repository, branch and path in one string; a folder name is made of it. holder: what to tell the next who asks.
 * -EBUSY: another process holds the lock, and err names it. holder NULL: only to read, without the lock; -ENOENT when
 * there is no such record.
 */
int record_open(const char *state, const char *key, const char *holder, struct record **ret_record, struct error *err);
void record_close(struct record *record);

/* The folder, for what else is kept there. */
const char *record_folder(const struct record *record);

/* A short name for it, as the folder's name ends. */
const char *record_id(const struct record *record);

int record_write_move(struct record *record, const struct move_entry *entry, struct error *err);
/* The same, with the step that comes next. */
int record_step(struct record *record, struct move_entry *entry, enum step step, struct error *err);

int record_clear_move(struct record *record, const struct move_entry *entry, struct error *err);

/* All entries of a VM, also those that cannot be read. */
int record_clear_vm(struct record *record, const char *uuid, struct error *err);

int record_read_moves(struct record *record, struct arena *arena, struct move_entries *ret_entries, struct error *err);

/* None yet: an empty list. -EBADMSG: the file is not what berth has written. */
int record_read_failures(struct record *record, struct arena *arena, struct failures *ret_failures, struct error *err);
int record_write_failures(struct record *record, const struct failures *failures, struct error *err);

/* Whole files in the folder; reading one that is not there gives NULL and 0. */
int record_write_file(struct record *record, const char *name, const char *bytes, struct error *err);
int record_replace_file(struct record *record, const char *name, const char *bytes,
                        struct error *err); /* not durably */
int record_read_file(struct record *record, struct arena *arena, const char *name, const char **ret_bytes,
                     struct error *err);

static inline void record_clean(struct record **record)
{
	record_close(*record);
}
#define cleanup_record __attribute__((cleanup(record_clean)))

#endif
