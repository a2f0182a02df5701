/*
 * What stands in the way of a move: a small value that is cheap to make in a search, and its text for the few that are
 * shown.
 */
#ifndef BERTH_OBSTACLE_H
#define BERTH_OBSTACLE_H

#include "reconcile/fleet.h"

enum obstacle_kind {
	OBSTACLE_NONE,
	OBSTACLE_IMMOVABLE,   /* whatever the target: the inventory says why */
	OBSTACLE_LIVE_ONLY,   /* it has state that libvirt carries only while it runs, and is to be off */
	OBSTACLE_MOVES_ONCE,  /* it is paused, and has to run between two moves */
	OBSTACLE_SNAPSHOTS,   /* its snapshots would be lost, or its entry refuses */
	OBSTACLE_UNDEFINED,   /* the target is no host of the desired placement */
	OBSTACLE_MAINTENANCE, /* of the target */
	OBSTACLE_ENTRY,       /* the VM's entry does not name the target */
	OBSTACLE_RULE,        /* a policy does not admit the VM there, whoever else is there */
	OBSTACLE_CONNECTION,  /* of the target */
	OBSTACLE_VERSION,     /* of libvirt or QEMU */
	OBSTACLE_STORAGE,     /* a disk that is nowhere known */
	OBSTACLE_POOL,        /* no active pool for a disk */
	OBSTACLE_FORMAT,      /* of a disk */
	OBSTACLE_KEPT,        /* its source disks are kept: it moves once */
	OBSTACLE_IN_THE_WAY,  /* another VM has a disk of the same path there */
	OBSTACLE_MEMORY,
	OBSTACLE_SPACE, /* in a pool */
	OBSTACLE_STEP,  /* a policy would be broken by the step */
	OBSTACLE_GROUP, /* of those that are to stand together, not all find a place */
};

struct obstacle {
	enum obstacle_kind kind;
	uint32_t vm;
	uint32_t host; /* the target */
	uint32_t from;
	uint32_t other;                /* VM that is in the way */
	const struct rule *rule;       /* RULE, STEP, GROUP */
	const struct disk *disk;       /* STORAGE, POOL, FORMAT, SPACE, IN_THE_WAY */
	const struct refusal *refusal; /* IMMOVABLE */
	uint32_t pool;                 /* SPACE: of the fleet's pools */
	int64_t free;                  /* MEMORY, SPACE, GROUP */
	uint64_t need;
};

/* Bytes that are short (MEMORY, SPACE). */
uint64_t obstacle_missing(const struct obstacle *obstacle);

enum code obstacle_code(const struct obstacle *obstacle);

/* `node2 has 3.2 GiB free, web-1 needs 4 GiB: 0.8 GiB short` */
const char *obstacle_text(struct arena *arena, const struct fleet *fleet, const struct obstacle *obstacle);

/* Would this move end the VM's snapshots, as its entry allows (`snapshots: delete`)? */
bool obstacle_ends_snapshots(const struct fleet *fleet, uint32_t vm, uint32_t from, uint32_t to);

/*
 * What stands in the way of moving the VM from one host to another wherever the others are: immovable, connection,
 * versions, pools, formats, policies that look at host and VM alone. Returns true when nothing does.
 */
bool obstacle_absent(const struct fleet *fleet, uint32_t vm, uint32_t from, uint32_t to, struct obstacle *ret_obstacle);

#endif
