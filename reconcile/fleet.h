/*
 * The fleet: desired placement and inventory brought together and numbered, once a pass, then const.
 *
 *     const struct fleet *fleet = fleet_build(arena, desired, inventory);
 *
 * Hosts are numbered by name; VMs by name, then host: a smaller number is a smaller name, which is how ties are
 * broken everywhere. A `fleet_vm` is one sighting: a VM that is on two hosts has two, each with its claim. What a fleet
 * says is true before the first move; what changes with moves is in reconcile/simulate.h. Sizes are bytes. Pure.
 */
#ifndef BERTH_FLEET_H
#define BERTH_FLEET_H

#include "policies/policy.h"
#include "state/desired.h"
#include "state/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define NOWHERE UINT32_MAX

struct fleet_host {
	const char *name;
	const struct desired_host *desired; /* NULL: the desired placement does not define it */
	const struct host *seen;            /* NULL: there is no record of it */
	bool connected;
	uint64_t capacity; /* 0 when never seen */
	uint64_t overhead;
	uint32_t first_pool; /* of its pools in the numbering of the whole fleet */
};

/* What a sighting is to the planner. Only a managed one may ever be moved. */
enum standing {
	STANDS_MANAGED,
	STANDS_UNMANAGED, /* the desired placement does not name it */
	STANDS_UNKNOWN,   /* last known on a host that does not answer; no other has it */
	STANDS_STALE,     /* last known on a host that does not answer; it was found elsewhere */
	STANDS_STRAY,     /* on a host that the desired placement does not define */
	STANDS_BUSY,      /* migrating, as libvirt or berth's record explain */
	STANDS_DECISION,  /* one UUID on two hosts, unexplained */
	STANDS_CONFLICT,  /* one name, two UUIDs */
};

struct fleet_vm {
	const char *name;
	const struct vm *seen;
	const struct desired_vm *desired; /* NULL: unmanaged */
	uint32_t home;                    /* the host where it is before the first move */
	uint32_t origin;                  /* the host where it was seen: another than home only in a fleet_after() */
	uint32_t pin;                     /* the host that it is pinned to; NOWHERE for others */
	enum standing standing;
	bool drifted;    /* managed, was in place under its present entry, and is now elsewhere */
	bool reported;   /* drifted, and not to be moved back: it stays where it is */
	uint32_t *rules; /* the policies that it is a member of, as numbers of the fleet's rules */
	uint32_t rule_count;
	/* VMs that have a disk of the same path as a local disk of this one, or the other way round. */
	uint32_t *rivals;
	uint32_t rival_count;
};

struct fleet {
	const struct desired *desired;
	struct fleet_host *hosts;
	uint32_t host_count;
	struct fleet_vm *vms;
	uint32_t vm_count;
	uint32_t pool_count; /* of all hosts */
	struct rule *rules;  /* one for each policy, in its order */
	uint32_t rule_count;
	uint32_t *tallies; /* by rule: the first of its counts among those that are kept (reconcile/simulate.h), or
	                      NOWHERE */
	uint32_t tally_count;
	uint64_t *suits; /* a bit for each managed VM and host: fleet_suits() */
	uint32_t words;  /* of 64 bits for each VM in suits */
};

const struct fleet *fleet_build(struct arena *arena, const struct desired *desired, const struct inventory *inventory);

/*
 * Does the host suit the VM (spec section 2), as far as that does not depend on where others are: `host`, `where`,
 * maintenance, and the policies that look at host and VM alone?
 */
static inline bool fleet_suits(const struct fleet *fleet, uint32_t vm, uint32_t host)
{
	return (fleet->suits[(size_t)vm * fleet->words + host / 64] >> (host % 64) & 1) != 0;
}

/* May it pass through: not in maintenance, `where` and policies as above? `host` is not asked: a hop is no placement.
 */
bool fleet_admits(const struct fleet *fleet, uint32_t vm, uint32_t host);

/* Does the VM's own entry (`host` and `where`) name the host? */
bool fleet_entry_names(const struct fleet *fleet, uint32_t vm, uint32_t host);

/* The rule that does not admit the VM on the host whoever else is there, or NULL. */
const struct rule *fleet_forbidding_rule(const struct fleet *fleet, uint32_t vm, uint32_t host);

/* NOWHERE when there is none of the name. */
uint32_t fleet_host_index(const struct fleet *fleet, const char *name);

/* RAM that the VM takes on a host. */
static inline uint64_t fleet_claim(const struct fleet *fleet, uint32_t vm, uint32_t host)
{
	/* Both are at most INT64_MAX (state/units.h). */
	return fleet->vms[vm].seen->memory + fleet->hosts[host].overhead;
}

/* Do the bytes of the disk travel from one host to another? Not when both see the same storage. */
bool disk_travels(const struct fleet *fleet, const struct disk *disk, uint32_t from, uint32_t to);

/*
 * Is the disk under storage.shared of the first host, but not of the second? It is never copied off such storage:
 * nobody wants that, and the source's declaration would have it deleted for all who share it.
 */
bool disk_leaves_shared(const struct fleet *fleet, const struct disk *disk, uint32_t from, uint32_t to);

/* Is the path, which need not be a disk's that travels, under storage.shared of both? */
bool disk_is_shared_by(const struct fleet *fleet, const struct disk *disk, uint32_t from, uint32_t to);

/* `used` bytes of the disks that travel. */
uint64_t fleet_travelling_bytes(const struct fleet *fleet, uint32_t vm, uint32_t from, uint32_t to);

/* The pool of the host that a local disk would be in, as a number of the fleet's pools; NOWHERE when there is none. */
uint32_t fleet_pool_of(const struct fleet *fleet, uint32_t host, const struct disk *disk);

/* Are the source's local disks deleted with the move? */
bool fleet_frees_source(const struct fleet *fleet, uint32_t vm);

#endif
