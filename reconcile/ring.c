/* Rings of blocked VMs, each of which waits for the next: what they are, and how much room would break them. */
#include "reconcile/wait.h"

#include "reconcile/order.h"
#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>

/*
 * Tarjan's strongly connected components, with a stack of its own in place of recursion. `seen` numbers the VMs in the
 * order of their discovery, from 1; `low` is the smallest number that is reached from there.
 */
struct walk {
	struct waiting *waiting;
	uint32_t *seen;
	uint32_t *low;
	uint32_t *next;  /* by VM: which of its edges comes next */
	bool *open;      /* on the stack of VMs without a component */
	uint32_t *stack; /* those */
	uint32_t stack_count;
	uint32_t *path; /* from the first to the one looked at */
	uint32_t path_count;
	uint32_t number;
};

static void enter(struct walk *walk, uint32_t vm)
{
	walk->seen[vm] = walk->low[vm] = ++walk->number;
	walk->open[vm] = true;
	walk->stack[walk->stack_count++] = vm;
	walk->path[walk->path_count++] = vm;
}

/* All edges of `vm` are done: it may be the first of a component. */
static void leave(struct walk *walk, uint32_t vm)
{
	walk->path_count--;
	if (walk->path_count > 0) {
		uint32_t before = walk->path[walk->path_count - 1];
		walk->low[before] = walk->low[vm] < walk->low[before] ? walk->low[vm] : walk->low[before];
	}
	if (walk->low[vm] != walk->seen[vm]) {
		return;
	}
	uint32_t first = walk->stack_count;
	uint32_t smallest = vm;
	do {
		uint32_t member = walk->stack[--first];
		walk->open[member] = false;
		smallest = member < smallest ? member : smallest;
	} while (walk->stack[first] != vm);
	for (uint32_t i = first; walk->stack_count - first > 1 && i < walk->stack_count; i++) {
		walk->waiting->ring_of[walk->stack[i]] = smallest;
	}
	walk->stack_count = first;
}

static void walk_from(struct walk *walk, uint32_t start)
{
	enter(walk, start);
	while (walk->path_count > 0) {
		uint32_t vm = walk->path[walk->path_count - 1];
		const struct vm_list *edges = &walk->waiting->waits_for[vm];
		if (walk->next[vm] == edges->count) {
			leave(walk, vm);
			continue;
		}
		uint32_t other = edges->items[walk->next[vm]++];
		if (walk->seen[other] == 0) {
			enter(walk, other);
		} else if (walk->open[other] && walk->seen[other] < walk->low[vm]) {
			walk->low[vm] = walk->seen[other];
		}
	}
}

void ring_find(struct waiting *waiting)
{
	struct arena *arena = waiting->done->arena;
	uint32_t count = waiting->done->fleet->vm_count;
	struct walk walk = {
	        .waiting = waiting,
	        .seen = arena_array(arena, count, sizeof(uint32_t)),
	        .low = arena_array(arena, count, sizeof(uint32_t)),
	        .next = arena_array(arena, count, sizeof(uint32_t)),
	        .open = arena_array(arena, count, sizeof(bool)),
	        .stack = arena_array(arena, count, sizeof(uint32_t)),
	        .path = arena_array(arena, count, sizeof(uint32_t)),
	};
	for (uint32_t i = 0; i < waiting->all.count; i++) {
		if (walk.seen[waiting->all.items[i]] == 0) {
			walk_from(&walk, waiting->all.items[i]);
		}
	}
}

/* Would all of the ring get to their places if the host had so much more? */
static bool room_would_do(const struct waiting *waiting, uint32_t ring, uint32_t host, uint64_t more)
{
	struct arena *arena = waiting->done->arena;
	struct fleet *fleet = arena_alloc(arena, sizeof(*fleet));
	*fleet = *waiting->done->fleet;
	fleet->hosts = arena_grow(arena, fleet->hosts, fleet->host_count, fleet->host_count, sizeof(*fleet->hosts));
	fleet->hosts[host].capacity += more;
	struct draft *draft = draft_create(arena, fleet);
	for (uint32_t i = 0; i < waiting->all.count; i++) {
		uint32_t vm = waiting->all.items[i];
		draft->wishes[vm].barred = waiting->ring_of[vm] != ring;
	}
	place_all(draft);
	for (uint32_t i = 0; i < waiting->all.count; i++) {
		uint32_t vm = waiting->all.items[i];
		if (waiting->ring_of[vm] == ring && draft->wishes[vm].barred) {
			return false;
		}
	}
	struct draft *done;
	return order_best(draft, &done).stuck_count == 0;
}

struct shortage {
	uint64_t bytes;
	uint32_t host;
};

static int compare_shortages(const void *a, const void *b)
{
	const struct shortage *left = a;
	const struct shortage *right = b;
	if (left->bytes != right->bytes) {
		return left->bytes < right->bytes ? -1 : 1;
	}
	return left->host < right->host ? -1 : left->host > right->host;
}

/* The least room, on one host, that breaks the ring: what one of its VMs lacks at its target. "" when none is found. */
static const char *room_that_breaks(struct waiting *waiting, uint32_t ring)
{
	struct arena *arena = waiting->done->arena;
	struct shortage *shortages = NULL;
	size_t count = 0;
	for (uint32_t i = 0; i < waiting->all.count; i++) {
		uint32_t vm = waiting->all.items[i];
		uint32_t host = waiting->targets[vm];
		struct obstacle lacks;
		if (waiting->ring_of[vm] == ring &&
		    !simulate_has_room(waiting->end, vm, waiting->done->fleet->vms[vm].home, host, &lacks) &&
		    lacks.kind == OBSTACLE_MEMORY) {
			ARENA_ADD(arena, shortages, count) = (struct shortage){obstacle_missing(&lacks), host};
		}
	}
	if (count > 1) {
		qsort(shortages, count, sizeof(*shortages), compare_shortages);
	}
	for (size_t i = 0; i < count && waiting->tries_left > 0; i++) {
		if (i > 0 && compare_shortages(&shortages[i - 1], &shortages[i]) == 0) {
			continue;
		}
		waiting->tries_left--;
		if (room_would_do(waiting, ring, shortages[i].host, shortages[i].bytes)) {
			return arena_print(arena, "; %s more on %s would break it",
			                   units_size_short(arena, (int64_t)shortages[i].bytes),
			                   waiting->done->fleet->hosts[shortages[i].host].name);
		}
	}
	return "";
}

const char *ring_text(struct waiting *waiting, uint32_t ring)
{
	enum { SHOWN = 4 };
	if (waiting->ring_texts[ring] != NULL) {
		return waiting->ring_texts[ring];
	}
	struct text names;
	text_init(&names, waiting->done->arena);
	uint32_t count = 0;
	for (uint32_t i = 0; i < waiting->all.count; i++) {
		uint32_t vm = waiting->all.items[i];
		if (waiting->ring_of[vm] == ring && count++ < SHOWN) {
			text_print(&names, "%s%s to %s", count == 1 ? "" : ", ", waiting->done->fleet->vms[vm].name,
			           waiting->done->fleet->hosts[waiting->targets[vm]].name);
		}
	}
	if (count > SHOWN) {
		text_print(&names, " and %u more", count - SHOWN);
	}
	waiting->ring_texts[ring] =
	        arena_print(waiting->done->arena, "no order leads there: each waits for another (%s)%s",
	                    text_string(&names), room_that_breaks(waiting, ring));
	return waiting->ring_texts[ring];
}
