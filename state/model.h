/*
 * What libvirt has: the words that every room shares, and the inventory of hosts and VMs.
 *
 * An inventory is a value: whoever made it (the libvirt door, a recorded file, a test) took it from an arena, sorted it
 * (inventory_sort) and never changes it again. Hosts are sorted by name, VMs by name and then UUID, pools and disks by
 * name. Sizes are bytes, times seconds since 1970 (UTC). Strings are never NULL unless it is said.
 *
 * Nothing here knows libvirt: this header is part of the pure core.
 */
#ifndef BERTH_MODEL_H
#define BERTH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* The states of spec section 3. `suspended` is a guest in ACPI S3 (libvirt's pmsuspended). */
enum vm_state { VM_RUNNING, VM_PAUSED, VM_STOPPED, VM_CRASHED, VM_SUSPENDED };

/*
 * Where a disk's data is, as far as its own host can tell (spec section 1): network and local as defined there, media
 * for read-only ones, other for a path or device that belongs to no pool. Whether storage.shared of two hosts makes a
 * network disk of it is decided where both are known: see disk_travels() in reconcile/fleet.h.
 */
enum disk_storage { STORAGE_NETWORK, STORAGE_LOCAL, STORAGE_MEDIA, STORAGE_OTHER };

/* A mask, so that pools and hosts can list the formats that they take. */
enum disk_format { FORMAT_RAW = 1, FORMAT_QCOW2 = 2, FORMAT_OTHER = 4 };

/* Why a VM is blocked, refused or waits: the codes of spec section 4, in its order. */
enum code {
	CODE_MEMORY,
	CODE_CYCLE,
	CODE_SPACE,
	CODE_FORMAT,
	CODE_VERSION,
	CODE_CONNECTION,
	CODE_STORAGE,
	CODE_POLICY,
	CODE_MAINTENANCE,
	CODE_PREFLIGHT,
	CODE_DEPENDS,
	CODE_BUSY,
	CODE_FAILED,
	CODE_CANCELLED,
	CODE_CONFLICT,
	CODE_DECISION,
	CODE_UNKNOWN,
	CODE_HOLD, /* from here: waits */
	CODE_WINDOW,
	CODE_LIMIT,
	CODE_DELAY,
};

/* Why a VM stands still, as far as it matters for moves. Not part of a recorded inventory: it passes. */
enum pause {
	PAUSE_OTHER,     /* it does not, or for an error of its disk, or anything else */
	PAUSE_PERSON,    /* somebody did it */
	PAUSE_MIGRATION, /* libvirt did it, for a migration */
	PAUSE_POSTCOPY,  /* half of its memory is on another host: nobody may resume it */
};

/* What else a copy of a qcow2 must have in common with it. Not part of a recorded inventory. */
struct qcow2_form {
	bool old;               /* compat 0.10 */
	uint32_t cluster_bytes; /* 0: the default */
	bool lazy_refcounts;
	bool extended_l2;
};

struct disk {
	const char *target; /* vda */
	enum disk_storage storage;
	enum disk_format format;
	const char *source; /* a path, or for a network disk what names it (nbd://192.0.2.1:10809/web-1); "" for none */
	const char *pool;   /* for a disk of libvirt type volume: the pool's name; NULL otherwise */
	uint64_t size;      /* what the guest sees */
	uint64_t used;      /* what it takes on its host; at least what travels */
	struct qcow2_form form;
};

/* A snapshot as its host describes it, so that it can be set again. Not part of a recorded inventory. */
struct snapshot {
	const char *name;
	const char *definition; /* libvirt's XML, with what it holds back from others */
	bool current;
};

struct snapshot_list {
	struct snapshot *items; /* parents before their children */
	size_t count;
};

/* A reason why a VM cannot be moved, to whatever target. */
struct refusal {
	enum code code;
	const char *reason;
};

struct vm {
	const char *name;
	const char *uuid; /* 36 characters, lower case */
	enum vm_state state;
	uint64_t memory; /* maximum memory */
	bool persistent;
	bool autostart;
	bool in_place;     /* berth has seen it in place under its entry of then (spec section 1, drift) */
	const char *entry; /* that entry, as desired_vm_entry() tells it; NULL when it is not known */
	bool migrating;    /* a migration job of libvirt's explains that it is on two hosts */
	unsigned int snapshots;
	enum pause pause;
	bool arrived; /* it runs since a migration has brought it here. Not in a recorded inventory; nor the next */
	bool dropped; /* it is off, and not because its guest or anybody turned it off: by a migration, or unseen */
	const char *live_only;  /* state that libvirt carries only with a running VM ("TPM state"); NULL: none */
	const char **also_uses; /* paths beyond its disks' sources: backing files, disks of its other definition */
	size_t also_count;
	struct refusal *immovable;
	size_t immovable_count;
	struct disk *disks;
	size_t disk_count;
};

struct pool {
	const char *name;
	const char *type; /* libvirt's word: dir, fs, logical, netfs, rbd, … */
	const char *path; /* "" for pools without one */
	bool active;
	unsigned int formats; /* mask of enum disk_format that its type holds */
	uint64_t free;
};

struct host {
	const char *name;
	const char *connection; /* NULL: ok; otherwise the error's text, and the rest is what was last known */
	int64_t seen;           /* of the last success; 0 when never */
	const char *uuid;       /* "" when not known */
	uint64_t memory;        /* total */
	const char *libvirt;    /* "9.0.0"; "" when not known */
	const char *qemu;
	const char *cpu; /* "sha256:…" of the host CPU as libvirt describes it; "" when not known */
	const char **networks;
	size_t network_count;
	bool pools_known; /* false: a record without pools, which are then needed of nobody (spec section 3) */
	struct pool *pools;
	size_t pool_count;
	struct vm *vms;
	size_t vm_count;
};

struct inventory {
	struct host *hosts;
	size_t host_count;
};

/* Puts everything into the order named above. */
void inventory_sort(struct inventory *inventory);

/* NULL when there is none of that name. O(log n) on a sorted inventory. */
const struct host *inventory_host(const struct inventory *inventory, const char *name);
const struct vm *host_vm(const struct host *host, const char *name);
const struct vm *host_vm_by_uuid(const struct host *host, const char *uuid);

/* The pool that a path lies in: the active or inactive one whose path is the path's folder; NULL when there is none. */
const struct pool *host_pool_of(const struct host *host, const char *path);

bool host_is_connected(const struct host *host);

/*
 * Paused, and with a disk that QEMU does not copy: once it has moved, its guest has to run before it moves again. QEMU
 * opens such a disk when the guest goes on, and ends by an assertion when the disk is to be handed over unopened (seen
 * with 7.2: bdrv_inactivate_recurse).
 */
bool vm_moves_once(const struct vm *vm);

/* Words of the formats and back; the parsers return false for any other word and leave ret alone. */
const char *vm_state_word(enum vm_state state);
bool vm_state_parse(const char *word, enum vm_state *ret);
const char *storage_word(enum disk_storage storage); /* network, local, media, other */
bool storage_parse(const char *word, enum disk_storage *ret);
const char *format_word(enum disk_format format); /* raw, qcow2, other */
bool format_parse(const char *word, enum disk_format *ret);
const char *code_word(enum code code);
bool code_parse(const char *word, enum code *ret);

#endif
