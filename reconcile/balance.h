/*
 * A more even placement: other hosts for some VMs, so that the spread (reconcile/spread.h) falls.
 *
 *     balance_run(arena, sim, &(struct balance_options){.min_gain = 10000});      now sim is the more even placement
 *
 * The best move first, over and over, then exchanges of two VMs where no single move helps; last, moves that others
 * have made needless are taken back. The gain of a move is what it takes off the spread times the number of hosts: off
 * the sum of their distances from the mean, so to speak, so that it means the same in a small fleet and in a large one.
 * What has to stand together goes together. No rule is broken on the final placement; the way there is the planner's.
 * Pure; the same input gives the same result, and the work is counted.
 */
#ifndef BERTH_BALANCE_H
#define BERTH_BALANCE_H

#include "reconcile/simulate.h"

struct balance_options {
	uint64_t min_gain; /* of each move, in millionths of a host's capacity */
	bool keep_pins;    /* pinned VMs stay */
	uint32_t moves;    /* at most so many VMs end elsewhere; 0: any number */
	const bool *fixed; /* by VM: others that stay; NULL: none */
	unsigned int effort;
};

/* sim: the placement to begin with; then the result. */
void balance_run(struct arena *arena, struct simulation *sim, const struct balance_options *options);

#endif
