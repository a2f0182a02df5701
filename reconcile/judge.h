/*
 * How good a state is as the end of a plan: how much is not as the rules want it, and whether a plan may end
 * there at all. The same measure for every way of finding a plan. Pure.
 */
#ifndef BERTH_JUDGE_H
#define BERTH_JUDGE_H

#include "reconcile/place.h"

/* The part of a fleet that is looked at: its VMs stand on its hosts; all others stay where they are. */
struct scope {
	const uint32_t *vms; /* by name */
	uint32_t vm_count;
	const uint32_t *hosts;
	uint32_t host_count;
};

/* Every host, and every VM that may be moved with the wishes of place_alone(). */
struct scope scope_whole(const struct draft *draft);

/*
 * What is wrong, counted by VM: the pinned and grouped ones that are not at their goals, others on hosts that do not
 * suit them, and of those that should give way on hosts over capacity or crowded as few as would have to. `draft`
 * carries the wishes of place_alone().
 */
uint32_t judge_unplaced(const struct draft *draft, const struct simulation *sim, const struct scope *scope);

/* Has one that could have stayed left for no reason that there still is? Back at home there is room for it. */
bool judge_could_return(const struct draft *draft, const struct simulation *sim, uint32_t vm);

/* Everybody is at home or in place, and no group is parted that stood together: a plan may go on from here. */
bool judge_may_pause(const struct draft *draft, const struct simulation *sim, const struct scope *scope);

/* May a plan end like this? And nobody could return. */
bool judge_may_end(const struct draft *draft, const struct simulation *sim, const struct scope *scope);

/* Moves that the VM certainly still has to make, 0 or 1, with the wishes of place_alone(). */
uint32_t judge_still_to_move(const struct draft *draft, const struct simulation *sim, uint32_t vm);

/* Is anything wrong with where it is: does it have to move, or might it give way on a host over capacity or crowded? */
bool judge_is_amiss(const struct draft *draft, const struct simulation *sim, uint32_t vm);

#endif
