/* The best that any order of moves can do for a small fleet: every state is looked at. */
#ifndef BERTH_TESTS_EXHAUST_H
#define BERTH_TESTS_EXHAUST_H

#include "tests/unit/replay.h"

#include <limits.h>

struct best {
	int unplaced;
	int moves;
	uint64_t bytes;
};

static inline uint64_t bytes_of_move(const struct world *w, int v)
{
	return w->vm[v]->memory + (is_local(w, v) ? w->vm[v]->disks[0].used : 0);
}

static inline bool is_better(const struct best *a, const struct best *b)
{
	if (a->unplaced != b->unplaced) {
		return a->unplaced < b->unplaced;
	}
	return a->moves != b->moves ? a->moves < b->moves : a->bytes < b->bytes;
}

/*
 * Every state that moves can lead to, breadth first: the least that can be left unplaced, the moves it takes, and the
 * bytes of these. All states of one number of moves come before those of the next, so that their bytes are final.
 */
static inline struct best search_everything(struct world *w)
{
	enum { STATES = 65536 };
	static uint16_t queue[STATES];
	static int16_t moves[STATES];
	static uint64_t bytes[STATES];
	struct best best = {INT_MAX, 0, 0};
	uint32_t states = 1;
	for (int v = 0; v < w->vm_count; v++) {
		states *= (uint32_t)w->host_count;
	}
	assert_true(states <= STATES);
	memset(moves, 0xff, sizeof(moves));
	uint32_t start = 0;
	for (int v = w->vm_count - 1; v >= 0; v--) {
		start = start * (uint32_t)w->host_count + (uint32_t)w->home[v];
	}
	uint32_t first = 0;
	uint32_t end = 0;
	queue[end++] = (uint16_t)start;
	moves[start] = 0;
	bytes[start] = 0;
	while (first < end) {
		uint32_t code = queue[first++];
		uint32_t rest = code;
		for (int v = 0; v < w->vm_count; v++) {
			w->at[v] = (int)(rest % (uint32_t)w->host_count);
			rest /= (uint32_t)w->host_count;
		}
		struct best here = {count_unplaced(w), moves[code], bytes[code]};
		if (is_better(&here, &best) && may_end(w)) {
			best = here;
		}
		uint32_t weight = 1;
		for (int v = 0; v < w->vm_count; v++, weight *= (uint32_t)w->host_count) {
			for (int h = 0; h < w->host_count; h++) {
				uint32_t next = code - (uint32_t)w->at[v] * weight + (uint32_t)h * weight;
				bool known = moves[next] >= 0;
				if ((known && moves[next] != moves[code] + 1) || !w->movable[v] || hopeless(w, v) ||
				    !legal(w, v, h)) {
					continue;
				}
				uint64_t sum = bytes[code] + bytes_of_move(w, v);
				bytes[next] = known && bytes[next] < sum ? bytes[next] : sum;
				moves[next] = (int16_t)(moves[code] + 1);
				if (!known) {
					queue[end++] = (uint16_t)next;
				}
			}
		}
	}
	return best;
}

#endif
