/*
 * What is wanted: the placement of a commit, parsed and validated as a whole (spec section 2).
 *
 *     const struct desired *desired;
 *     struct problem_list problems;
 *     if (desired_parse(arena, commit, files, count, &desired, &problems) < 0) { print problems; }
 *
 * A desired placement is a value like an inventory: made once from const files, then const. Everything is sorted:
 * hosts, VMs and policies by name, labels by key, lists of names by name. Defaults are already worked in: nobody
 * downstream sees `defaults`. Sizes are bytes, durations milliseconds, rates MiB/s. Pure: the files come from whoever
 * has them.
 */
#ifndef BERTH_DESIRED_H
#define BERTH_DESIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct position {
	const char *file; /* relative to the placement path */
	unsigned int line;
	unsigned int column; /* in characters; both from 1 */
};

struct label {
	const char *key;
	const char *value;
};

struct labels {
	struct label *items;
	size_t count;
};

/* Names or labels: which hosts or VMs a policy speaks of. An empty label selector selects all. */
struct selector {
	bool by_name;
	const char **names;
	size_t name_count;
	struct labels labels;
};

enum drift { DRIFT_CORRECT, DRIFT_REPORT };
enum mode { MODE_LIVE, MODE_SUSPENDED, MODE_STOPPED };
enum on_stall { STALL_SUSPEND, STALL_POSTCOPY, STALL_ABORT };
enum source_disks { SOURCE_DISKS_DELETE, SOURCE_DISKS_KEEP, SOURCE_DISKS_LATER };
enum snapshots { SNAPSHOTS_PRESERVE, SNAPSHOTS_DELETE, SNAPSHOTS_REFUSE };
enum versions { VERSIONS_SAME, VERSIONS_COMPATIBLE };

/* spec section 5; 0 stands for "none" in the numbers. */
struct migration {
	enum mode mode;
	bool auto_converge;
	enum on_stall on_stall;
	uint64_t stall_timeout_ms;
	uint64_t timeout_ms;
	uint64_t bandwidth_mib_per_s;
	uint64_t max_downtime_ms;
	unsigned int connections;
	bool tls;
	enum source_disks source_disks;
	uint64_t source_disks_ms; /* with SOURCE_DISKS_LATER */
	enum snapshots snapshots;
	enum versions versions;
};

struct desired_host {
	const char *name;
	struct position at;
	const char *uri;
	struct labels labels;
	uint64_t reserve;
	uint64_t limit; /* UINT64_MAX: none */
	uint64_t overhead;
	unsigned int formats; /* mask; 0: what its pools hold */
	const char **shared;  /* absolute paths without a trailing slash */
	size_t shared_count;
	const char *migration_address; /* NULL: libvirt's own choice */
	bool maintenance;
};

struct desired_vm {
	const char *name;
	struct position at;
	bool pinned;        /* a single name: hosts[0] */
	const char **hosts; /* count 0: auto */
	size_t host_count;
	struct labels where;
	struct labels labels;
	enum drift drift;
	const char *hold; /* NULL: none; "" for `true` */
	struct migration migration;
};

enum policy_kind {
	POLICY_APART,
	POLICY_TOGETHER,
	POLICY_ONLY_ON,
	POLICY_NOT_ON,
	POLICY_AT_MOST,
	POLICY_SURVIVE,
	POLICY_WINDOW,
};

enum { DAY_MONDAY = 1, DAY_SUNDAY = 1 << 6 };

struct window {
	unsigned int days;         /* mask, Monday is bit 0: the day on which the window opens */
	unsigned int from_minutes; /* of the day */
	unsigned int to_minutes;   /* at or below from: ends on the next day */
	const char *timezone;      /* a name of the tz database, UTC by default */
};

struct policy {
	const char *name;
	struct position at;
	enum policy_kind kind;
	struct selector
	        vms; /* apart, together, only_on, not_on, window; empty labels (all VMs) for window by default */
	struct selector hosts; /* only_on, not_on, at_most */
	const char *by;        /* a host label's key, or NULL for the host itself */
	uint64_t count;        /* at_most, survive */
	struct window window;
};

struct desired {
	const char *commit; /* full id, or NULL for files outside git */
	const char *digest; /* sha256:… over the names and bytes of the files that were read */
	const char *hold;   /* of the fleet: NULL none, "" for `true` */
	enum drift drift;
	struct desired_host *hosts;
	size_t host_count;
	struct desired_vm *vms;
	size_t vm_count;
	struct policy *policies;
	size_t policy_count;
	const char **warnings; /* whole lines, FILE:LINE:COLUMN: message */
	size_t warning_count;
};

struct desired_file {
	const char *name; /* relative to the placement path */
	const char *bytes;
	size_t length;
};

/* Errors of a commit: whole lines, FILE:LINE:COLUMN: message, sorted by file, line and column. */
struct problem_list {
	const char **lines;
	size_t count;
};

/*
 * Parses and validates all files together. Returns 0, or -EINVAL with every problem of every file in ret_problems.
 * The order of the files changes nothing. commit is copied into the result (NULL for none).
 */
int desired_parse(struct arena *arena, const char *commit, const struct desired_file *files, size_t count,
                  const struct desired **ret_desired, struct problem_list *ret_problems);

/* Which names in a placement path are read: *.yaml and *.yml, nothing that begins with a dot. The last component only.
 */
bool desired_reads_file(const char *name);
bool desired_reads_folder(const char *name);

/* NULL when there is none. O(log n). */
const struct desired_host *desired_host(const struct desired *desired, const char *name);
const struct desired_vm *desired_vm(const struct desired *desired, const char *name);

/* NULL when there is no such label. */
const char *labels_get(const struct labels *labels, const char *key);
bool labels_match(const struct labels *wanted, const struct labels *labels);
bool selector_selects(const struct selector *selector, const char *name, const struct labels *labels);

/*
 * What a VM's entry says about its place, as a short text that is equal when that is: whether it has drifted is a
 * question about one and the same entry.
 */
const char *desired_vm_entry(struct arena *arena, const struct desired_vm *vm);

/* The same with how it is migrated: all that a move of it that failed may have failed by. */
const char *desired_vm_whole_entry(struct arena *arena, const struct desired_vm *vm);

/* The defaults of spec section 5. */
struct migration migration_default(void);

const char *mode_word(enum mode mode); /* live, suspended, stopped */
const char *drift_word(enum drift drift);
const char *policy_kind_word(enum policy_kind kind); /* the key in YAML: apart, … */

#endif
