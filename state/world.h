/*
 * The hosts as a table of functions: what can be seen of them and done to them. libvirt is one such world
 * (state/libvirt/libvirt.h), a simulation the other (tests); who carries out a plan does not know which.
 *
 * Hosts are named as in the desired placement, VMs by UUID. A function that fails says so once, with libvirt's words;
 * it is then not known whether it had an effect, and whoever needs to know looks again. Sizes are bytes, times
 * milliseconds.
 */
#ifndef BERTH_WORLD_H
#define BERTH_WORLD_H

#include "state/error.h"
#include "state/model.h"
#include "state/plan.h"

struct arena;

/* How far a migration is: what libvirt tells while it runs. */
struct transfer {
	uint64_t ms;
	uint64_t memory_total;
	uint64_t memory_remaining;
	uint64_t disk_total;
	uint64_t disk_remaining;
	uint64_t bytes;             /* of memory that have travelled */
	uint64_t iterations;        /* of the memory, the first included */
	uint64_t dirty_bytes_per_s; /* that the guest wrote to its memory in the last of them; 0 when not known */
	const char *stall;          /* what was done about one: "suspended", "post-copy", "aborted"; NULL: nothing */
};

/* Called a few times a second while something long runs. Returns false to cancel it. */
struct watcher {
	bool (*tell)(void *data, const struct transfer *transfer);
	void *data;
};

/* One migration of a VM that runs or is paused, or the copy of a stopped one. */
struct move_order {
	const char *vm;
	const char *uuid;
	const char *from;
	const char *to;
	enum move_mode mode;
	struct migration settings;
	const struct disk *disks; /* exactly the local ones: their data is copied, nothing else's */
	size_t disk_count;
	unsigned int snapshots; /* that it has */
};

struct outcome {
	uint64_t downtime_ms; /* 0 when not known */
	uint64_t bytes;       /* that travelled */
	uint64_t iterations;  /* these as in struct transfer, the last ones that were seen */
	uint64_t dirty_bytes_per_s;
	const char *stall;
};

/*
 * How to look; flags. FRESH: on connections that are opened now. POOLS: each active pool that
 * volumes are made in is refreshed first, which may take long. Without it
 * the room that a pool has is that of libvirt's own last look at it, and what grows or goes beside libvirt is not seen
 * (https://libvirt.org/html/libvirt-libvirt-storage.html#virStoragePoolRefresh). CHANGED: a host of which nothing has
 * been heard since it was last looked at may be told as it was then; some changes are told by no host.
 */
enum {
	LOOK_PLAIN = 0,
	LOOK_FRESH = 1,
	LOOK_POOLS = 2,
	LOOK_CHANGED = 4,
};

struct world_functions {
	/*
	 * Looks at these hosts (count 0: at all) side by side, each with a deadline. Never fails: a host that does not
	 * answer has its `connection` set.
	 */
	const struct inventory *(*look)(void *data, struct arena *arena, const char *const *hosts, size_t count,
	                                unsigned int how);

	/*
	 * What only the two hosts themselves can tell before a move: networks, memory that is really free, a running
	 * job. Returns 0; -EPERM with a reason; -ENOTCONN when one of them did not answer.
	 */
	int (*preflight)(void *data, const struct move_order *order, struct error *err);

	/*
	 * Makes a volume of the disk's path, format and size, thin, by an exclusive call. -EEXIST when something is
	 * there. For a stopped VM (`bytes` not 0) the volume is raw with that many bytes, since its file is then copied
	 * as it is.
	 */
	int (*create_volume)(void *data, const char *host, const struct disk *disk, uint64_t bytes, struct error *err);

	/* -ENOENT when there is none. The caller has made sure that nobody needs it. */
	int (*delete_volume)(void *data, const char *host, const char *path, struct error *err);

	int (*set_autostart)(void *data, const char *host, const char *uuid, bool autostart, struct error *err);

	/*
	 * What the host knows of the VM's snapshots. -EPERM when one is external: its data is not in the VM's disks.
	 */
	int (*read_snapshots)(void *data, struct arena *arena, const char *host, const char *uuid,
	                      struct snapshot_list *ret_snapshots, struct error *err);

	/* Lets the host know of these, without touching their data. One that it knows already is no error. */
	int (*set_snapshots)(void *data, const char *host, const char *uuid, const struct snapshot_list *snapshots,
	                     struct error *err);

	/*
	 * Lets it know of exactly these no more, without touching their data. One that it does not know is no error.
	 * -EBUSY when one has a child that is none of them, -EPERM when the host refused.
	 */
	int (*drop_snapshots)(void *data, const char *host, const char *uuid, const struct snapshot_list *snapshots,
	                      struct error *err);

	/*
	 * Migrates a running or paused VM and its definition; returns when it is over. -ECANCELED when the watcher
	 * asked for it, -ETIMEDOUT after the order's timeout, -EPERM when a host refused it before anything of the
	 * guest was sent. Whatever it returns: where the VM is, only a look can tell. The outcome is told as far as it
	 * is known, of a migration that failed as well: its figures are what a person goes by then.
	 */
	int (*migrate)(void *data, const struct move_order *order, const struct watcher *watcher,
	               struct outcome *outcome, struct error *err);

	/* Length in bytes of the file or device behind a disk of a stopped VM. */
	int (*volume_length)(void *data, const char *host, const char *path, uint64_t *ret_bytes, struct error *err);

	/*
	 * A number for what a volume is like from outside: equal as long as nobody has written to it or put another
	 * file in its place.
	 */
	int (*volume_stamp)(void *data, const char *host, const char *path, uint64_t *ret_stamp, struct error *err);

	/* Copies such a file, sparse, into a volume that is there. */
	int (*copy_volume)(void *data, const struct move_order *order, const struct disk *disk,
	                   const struct watcher *watcher, uint64_t *ret_bytes, struct error *err);

	/* Reads both, the target's first, and compares. -EIO when they differ. */
	int (*compare_volume)(void *data, const struct move_order *order, const struct disk *disk,
	                      const struct watcher *watcher, struct error *err);

	/* Defines a stopped VM on the target as it is defined on the source. */
	int (*define)(void *data, const struct move_order *order, struct error *err);

	/*
	 * Asks a guest to shut down and waits until it is off. -ETIMEDOUT when it is not, -ECANCELED when the watcher
	 * asked for it. Never turns anything off.
	 */
	int (*shutdown)(void *data, const char *host, const char *uuid, uint64_t timeout_ms,
	                const struct watcher *watcher, struct error *err);

	/* Starts a stopped VM. The caller has made sure that no other host runs it. */
	int (*start)(void *data, const char *host, const char *uuid, struct error *err);

	/*
	 * Lets a VM go on that libvirt paused for a migration. The caller has made sure that no other host has it, by
	 * what that host answered on a connection opened after the failure.
	 */
	int (*resume)(void *data, const char *host, const char *uuid, struct error *err);

	/* Undefines a VM that does not run. -EPERM: the host refused, and has done nothing. */
	int (*undefine)(void *data, const char *host, const char *uuid, struct error *err);

	/*
	 * Ends and undefines what a migration that nobody confirmed has left on its source: a VM that libvirt paused
	 * for it. The caller has made sure that the target has it and lets it run. -EPERM: it is not such a one.
	 */
	int (*end_remnant)(void *data, const char *host, const char *uuid, struct error *err);

	/*
	 * Turns a VM off, hard, and undefines it, with what the host knows of its snapshots; its disks stay. Only what
	 * a person has decided. One that is not there is no error.
	 */
	int (*remove)(void *data, const char *host, const char *uuid, struct error *err);

	/* Lets time pass, for hosts that are still at work. */
	void (*wait)(void *data, unsigned int ms);
};

struct world {
	const struct world_functions *functions;
	void *data;
};

#endif
