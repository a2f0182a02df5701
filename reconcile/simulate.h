/*
 * What a move means (spec section 4, rules 1 to 5): whether it may be made, and what it leaves behind.
 *
 *     struct simulation *sim = simulate_begin(arena, fleet);
 *     if (simulate_allows(sim, vm, to, &obstacle)) { simulate_move(sim, vm, to); }
 *
 * One meaning for all: the search for an order, the check of the finished plan, what is shown beside each move, and
 * what is asked again before a move is started. Only positions matter, not the way that led there, so that moving back
 * undoes a move exactly. A VM at its origin takes from its pools what it took when the inventory was made; elsewhere it
 * takes the `size` of its local disks, and gives back their `used` at the origin if its source's disks are deleted.
 */
#ifndef BERTH_SIMULATE_H
#define BERTH_SIMULATE_H

#include "reconcile/fleet.h"
#include "reconcile/obstacle.h"

struct simulation {
	const struct fleet *fleet;
	uint32_t *at;       /* by VM; NOWHERE for one that was lifted off */
	uint64_t *claims;   /* by host; UINT64_MAX when they exceed any number */
	int64_t *pool_free; /* by pool of the fleet */
	uint32_t *counts;   /* of policies with many VMs, by fleet->tallies and group; simulate_count() tells any */
};

struct simulation *simulate_begin(struct arena *arena, const struct fleet *fleet);
struct simulation *simulate_copy(struct arena *arena, const struct simulation *sim);

/*
 * The fleet as it is after the moves of a simulation, for planning on from there: every VM's home is where it is now.
 * The numbers are the same, and so is what is allowed: a simulation of it begins in the same state. No VM may be lifted
 * off.
 */
const struct fleet *fleet_after(struct arena *arena, const struct simulation *sim);

/* May the VM be moved from where it is to this host, as the next move? Why not is told in ret_obstacle (may be NULL).
 */
bool simulate_allows(const struct simulation *sim, uint32_t vm, uint32_t to, struct obstacle *ret_obstacle);

/*
 * The part of it that depends on where others are, asked in this order: RAM, policies that count, pools, disks in the
 * way.
 */
bool simulate_has_room(const struct simulation *sim, uint32_t vm, uint32_t from, uint32_t to,
                       struct obstacle *ret_obstacle);

/* The VM is there now. NOWHERE lifts it off. Checks nothing. */
void simulate_move(struct simulation *sim, uint32_t vm, uint32_t to);

/* How many VMs of the rule, by its number, are in one of its groups of hosts. */
uint32_t simulate_count(const struct simulation *sim, uint32_t rule, uint32_t group);

/* The next group with any, from NO_GROUP on: the smallest number above `group`. NO_GROUP when there is none left. */
uint32_t simulate_next_group(const struct simulation *sim, uint32_t rule, uint32_t group);

/* Capacity less claims, negative when over. */
static inline int64_t simulate_free(const struct simulation *sim, uint32_t host)
{
	uint64_t capacity = sim->fleet->hosts[host].capacity;
	uint64_t claims = sim->claims[host];
	uint64_t distance = capacity > claims ? capacity - claims : claims - capacity;
	int64_t amount = distance > INT64_MAX ? INT64_MAX : (int64_t)distance;
	return capacity >= claims ? amount : -amount;
}

#endif
