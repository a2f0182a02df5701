/*
 * A whole fleet in memory, as a world: it begins as an inventory says and changes by what is done to it, by libvirt's
 * rules and not by the planner's. It refuses what libvirt would refuse (a file in the way, no pool, two of one name),
 * and ends the program when it is asked for what must never be: over-committing a host, starting a VM twice, deleting
 * the only copy of a disk.
 */
#ifndef BERTH_TEST_FLEET_H
#define BERTH_TEST_FLEET_H

#include "state/world.h"

struct sim_fleet {
	struct arena *arena;
	struct inventory now;
	const struct desired *desired;
	const char *fails; /* a VM whose migrations fail; NULL: none */
	bool all_fail;     /* and all others */
	size_t migrations; /* that were begun */
	size_t looks;
	const char *violation; /* what must never be, the first one; NULL: nothing */
};

extern const struct world_functions SIM_FLEET_FUNCTIONS;

void sim_fleet_init(struct sim_fleet *fleet, struct arena *arena, const struct desired *desired,
                    const struct inventory *inventory);

#endif
