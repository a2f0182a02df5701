/*
 * The fewest moves of a small fleet, by exhaustive search: A* over all placements, in layers of equal estimate. Shares
 * nothing with berth. The only rules: RAM, with the moving VM on both hosts; nothing onto a host that is over capacity;
 * at the end every VM on a host of its mask, no host over capacity, and nobody away from a home that is in his mask and
 * has room for him: who may stay is moved for a reason only.
 *
 *     optimum STATES <fleet      prints the moves, or "none" (no order exists), or "open" (more than STATES states)
 *
 * Input: hosts and VMs; by host its capacity, and 1 where no VM may go; by VM its RAM, home, and mask of the hosts
 * where it may end.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOSTS = 8, VMS = 20, BITS = 3, LAYERS = 64 };

static unsigned int host_count, vm_count;
static int64_t capacity[HOSTS], size_of[VMS];
static unsigned int closed_to_all[HOSTS], home_of[VMS], ends[VMS];

/* Each state once, by its placement: the moves to it. */
static uint64_t *keys;
static uint8_t *costs;
static uint64_t table_mask, state_count;

struct layer {
	uint64_t *states;
	size_t count, room;
};

static struct layer layers[LAYERS];

static uint64_t slot_of(uint64_t key)
{
	uint64_t slot = key * UINT64_C(0x9E3779B97F4A7C15) >> 20 & table_mask;
	while (keys[slot] != 0 && keys[slot] != key + 1) {
		slot = (slot + 1) & table_mask;
	}
	return slot;
}

static unsigned int at(uint64_t state, unsigned int vm)
{
	return (unsigned int)(state >> (vm * BITS)) & ((1u << BITS) - 1);
}

static unsigned int misplaced(uint64_t state)
{
	unsigned int count = 0;
	for (unsigned int vm = 0; vm < vm_count; vm++) {
		count += (ends[vm] >> at(state, vm) & 1) == 0;
	}
	return count;
}

static void reach(uint64_t state, unsigned int moves)
{
	uint64_t slot = slot_of(state);
	if (keys[slot] != 0 && costs[slot] <= moves) {
		return;
	}
	state_count += keys[slot] == 0;
	keys[slot] = state + 1;
	costs[slot] = (uint8_t)moves;
	unsigned int estimate = moves + misplaced(state);
	if (estimate >= LAYERS) {
		fprintf(stderr, "optimum: too many moves\n");
		exit(1);
	}
	struct layer *layer = &layers[estimate];
	if (layer->count == layer->room) {
		layer->room = layer->room == 0 ? 1024 : layer->room * 2;
		layer->states = realloc(layer->states, layer->room * sizeof(*layer->states));
		if (layer->states == NULL) {
			abort();
		}
	}
	layer->states[layer->count++] = state;
}

static void free_of(uint64_t state, int64_t free[HOSTS])
{
	for (unsigned int host = 0; host < host_count; host++) {
		free[host] = capacity[host];
	}
	for (unsigned int vm = 0; vm < vm_count; vm++) {
		free[at(state, vm)] -= size_of[vm];
	}
}

static bool is_end(uint64_t state, const int64_t free[HOSTS])
{
	for (unsigned int host = 0; host < host_count; host++) {
		if (free[host] < 0) {
			return false;
		}
	}
	for (unsigned int vm = 0; vm < vm_count; vm++) {
		unsigned int home = home_of[vm];
		bool may_stay = ends[vm] >> home & 1;
		if (may_stay && at(state, vm) != home && free[home] >= size_of[vm]) {
			return false;
		}
	}
	return misplaced(state) == 0;
}

/* Does nothing for a state that was reached by fewer moves after it was put here. True at the end. */
static bool expand(uint64_t state, unsigned int estimate)
{
	unsigned int moves = costs[slot_of(state)];
	if (moves + misplaced(state) != estimate) {
		return false;
	}
	int64_t free[HOSTS];
	free_of(state, free);
	if (is_end(state, free)) {
		return true;
	}
	for (unsigned int vm = 0; vm < vm_count; vm++) {
		for (unsigned int host = 0; host < host_count; host++) {
			if (host != at(state, vm) && !closed_to_all[host] && free[host] >= size_of[vm]) {
				uint64_t cleared = state & ~(((UINT64_C(1) << BITS) - 1) << (vm * BITS));
				reach(cleared | (uint64_t)host << (vm * BITS), moves + 1);
			}
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	uint64_t most = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	uint64_t start = 0;
	bool sound = scanf("%u %u", &host_count, &vm_count) == 2 && host_count <= HOSTS && vm_count <= VMS;
	for (unsigned int host = 0; sound && host < host_count; host++) {
		sound = scanf("%" SCNd64 " %u", &capacity[host], &closed_to_all[host]) == 2;
	}
	for (unsigned int vm = 0; sound && vm < vm_count; vm++) {
		sound = scanf("%" SCNd64 " %u %u", &size_of[vm], &home_of[vm], &ends[vm]) == 3 &&
		        home_of[vm] < host_count;
		start |= (uint64_t)home_of[vm] << (vm * BITS);
	}
	for (table_mask = 1; table_mask < most * 2 + 1024; table_mask *= 2) {
	}
	keys = calloc(table_mask--, sizeof(*keys));
	costs = calloc(table_mask + 1, 1);
	if (!sound || keys == NULL || costs == NULL) {
		fprintf(stderr, "optimum: no fleet of at most %d hosts and %d VMs\n", HOSTS, VMS);
		return 1;
	}
	reach(start, 0);
	for (unsigned int estimate = 0; estimate < LAYERS; estimate++) {
		while (layers[estimate].count > 0) {
			if (expand(layers[estimate].states[--layers[estimate].count], estimate)) {
				printf("%u\n", estimate);
				return 0;
			}
			if (state_count > most) {
				printf("open\n");
				return 0;
			}
		}
	}
	printf("none\n");
	return 0;
}
