#include "reconcile/search.h"

#include "state/arena.h"

#include <string.h>

/* Beyond this a search would only use up its work. */
enum { VMS_AT_MOST = 64, HOSTS_AT_MOST = 64 };

struct node {
	uint32_t parent; /* NOWHERE: the start */
	uint32_t moves;
	uint64_t bytes;
	uint32_t estimate; /* moves and what must still be moved */
	bool closed;
};

struct search {
	const struct draft *draft;
	struct arena *arena;
	struct simulation *sim;
	const struct scope *scope;
	uint32_t width; /* of a state: the scope's VMs */
	struct node *nodes;
	uint8_t *places; /* width a node: for each VM its host, as a number of the scope's hosts */
	uint32_t node_count;
	uint32_t node_room;
	uint32_t *table; /* hash of places to node, NOWHERE for empty; a power of two long */
	uint32_t table_size;
	struct entry *heap;
	uint32_t heap_count;
	uint32_t heap_room;
	uint64_t work;
};

/* A node as it was when it was put into the heap: dearer ones that a better way has overtaken are skipped. */
struct entry {
	uint32_t estimate;
	uint64_t bytes;
	uint32_t node;
};

bool search_suits(const struct scope *scope)
{
	return scope->vm_count <= VMS_AT_MOST && scope->host_count <= HOSTS_AT_MOST;
}

static const uint8_t *places_of(const struct search *search, uint32_t node)
{
	return search->places + (size_t)node * search->width;
}

static uint64_t hash_of(const uint8_t *places, uint32_t width)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (uint32_t i = 0; i < width; i++) {
		hash = (hash ^ places[i]) * UINT64_C(0x100000001b3);
	}
	return hash ^ hash >> 29;
}

/* The slot of these places: the node that has them, or the empty one for it. */
static uint32_t *slot_of(const struct search *search, const uint8_t *places)
{
	uint32_t mask = search->table_size - 1;
	for (uint32_t i = (uint32_t)hash_of(places, search->width) & mask;; i = (i + 1) & mask) {
		uint32_t node = search->table[i];
		if (node == NOWHERE || memcmp(places_of(search, node), places, search->width) == 0) {
			return &search->table[i];
		}
	}
}

static void grow(struct search *search)
{
	uint32_t room = search->node_room == 0 ? 1024 : search->node_room * 2;
	search->nodes = arena_grow(search->arena, search->nodes, search->node_count, room, sizeof(*search->nodes));
	search->places = arena_grow(search->arena, search->places, (size_t)search->node_count * search->width,
	                            (size_t)room * search->width, 1);
	search->node_room = room;
	search->table_size = room * 2;
	search->table = arena_array(search->arena, search->table_size, sizeof(*search->table));
	memset(search->table, 0xff, search->table_size * sizeof(*search->table));
	for (uint32_t node = 0; node < search->node_count; node++) {
		*slot_of(search, places_of(search, node)) = node;
	}
}

static bool comes_before(const struct entry *a, const struct entry *b)
{
	if (a->estimate != b->estimate) {
		return a->estimate < b->estimate;
	}
	return a->bytes != b->bytes ? a->bytes < b->bytes : a->node < b->node;
}

static void push(struct search *search, uint32_t node)
{
	if (search->heap_count == search->heap_room) {
		uint32_t room = search->heap_room == 0 ? 1024 : search->heap_room * 2;
		search->heap = arena_grow(search->arena, search->heap, search->heap_count, room, sizeof(*search->heap));
		search->heap_room = room;
	}
	struct entry entry = {search->nodes[node].estimate, search->nodes[node].bytes, node};
	uint32_t i = search->heap_count++;
	for (; i > 0 && comes_before(&entry, &search->heap[(i - 1) / 2]); i = (i - 1) / 2) {
		search->heap[i] = search->heap[(i - 1) / 2];
	}
	search->heap[i] = entry;
}

static struct entry pop(struct search *search)
{
	struct entry first = search->heap[0];
	struct entry last = search->heap[--search->heap_count];
	uint32_t i = 0;
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child + 1 < search->heap_count && comes_before(&search->heap[child + 1], &search->heap[child])) {
			child++;
		}
		if (child >= search->heap_count || !comes_before(&search->heap[child], &last)) {
			break;
		}
		search->heap[i] = search->heap[child];
		i = child;
	}
	search->heap[i] = last;
	return first;
}

/* Brings the simulation to a node's places. */
static void stand_at(struct search *search, uint32_t node)
{
	const uint8_t *places = places_of(search, node);
	for (uint32_t i = 0; i < search->width; i++) {
		uint32_t host = search->scope->hosts[places[i]];
		if (search->sim->at[search->scope->vms[i]] != host) {
			simulate_move(search->sim, search->scope->vms[i], host);
		}
	}
}

static uint32_t still_to_move(const struct search *search)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < search->width; i++) {
		count += judge_still_to_move(search->draft, search->sim, search->scope->vms[i]);
	}
	return count;
}

/* The simulation stands at the places of a node reached from `parent`; keeps it if the way is new or cheaper. */
static void reach(struct search *search, const uint8_t *places, uint32_t parent, uint64_t step_cost)
{
	if (search->node_count == search->node_room) {
		grow(search);
	}
	struct node found = {.parent = parent};
	if (parent != NOWHERE) {
		found.moves = search->nodes[parent].moves + 1;
		found.bytes = search->nodes[parent].bytes + step_cost;
	}
	uint32_t *slot = slot_of(search, places);
	if (*slot != NOWHERE) {
		struct node *known = &search->nodes[*slot];
		bool cheaper =
		        found.moves < known->moves || (found.moves == known->moves && found.bytes < known->bytes);
		if (known->closed || !cheaper) {
			return;
		}
		found.estimate = known->estimate - known->moves + found.moves;
		*known = found;
		push(search, *slot);
		return;
	}
	*slot = search->node_count++;
	memcpy(search->places + (size_t)*slot * search->width, places, search->width);
	found.estimate = found.moves + still_to_move(search);
	search->nodes[*slot] = found;
	push(search, *slot);
}

static void expand(struct search *search, uint32_t node)
{
	const struct scope *scope = search->scope;
	uint8_t places[VMS_AT_MOST];
	memcpy(places, places_of(search, node), search->width);
	for (uint32_t i = 0; i < search->width; i++) {
		struct step step = {.vm = scope->vms[i], .from = search->sim->at[scope->vms[i]]};
		uint8_t before = places[i];
		for (uint8_t to = 0; to < scope->host_count && search->work > 0; to++) {
			step.to = scope->hosts[to];
			if (to == before) {
				continue;
			}
			search->work--;
			if (!simulate_allows(search->sim, step.vm, step.to, NULL)) {
				continue;
			}
			places[i] = to;
			simulate_move(search->sim, step.vm, step.to);
			reach(search, places, node, step_bytes(search->draft->fleet, &step));
			simulate_move(search->sim, step.vm, step.from);
		}
		places[i] = before;
	}
}

static void write_route(const struct search *search, uint32_t node, struct route *route)
{
	const struct node *nodes = search->nodes;
	const uint8_t *end = places_of(search, node);
	*route = (struct route){.count = nodes[node].moves, .bytes = nodes[node].bytes};
	route->steps = arena_array(search->arena, route->count, sizeof(*route->steps));
	for (uint32_t at = node, left = route->count; left > 0; at = nodes[at].parent) {
		const uint8_t *before = places_of(search, nodes[at].parent);
		const uint8_t *after = places_of(search, at);
		for (uint32_t i = 0; i < search->width; i++) {
			if (before[i] != after[i]) {
				route->steps[--left] = (struct step){
				        .vm = search->scope->vms[i],
				        .from = search->scope->hosts[before[i]],
				        .to = search->scope->hosts[after[i]],
				        .hop = after[i] != end[i],
				        .lets_pass = NOWHERE,
				};
			}
		}
	}
}

static void begin(struct search *search, const struct simulation *from)
{
	uint8_t places[VMS_AT_MOST];
	for (uint32_t i = 0; i < search->width; i++) {
		places[i] = 0;
		while (search->scope->hosts[places[i]] != from->at[search->scope->vms[i]]) {
			places[i]++;
		}
	}
	search->sim = simulate_copy(search->arena, from);
	reach(search, places, NOWHERE, 0);
}

struct finding search_exact(const struct draft *draft, const struct simulation *from, const struct scope *scope,
                            uint64_t work, bool pauses)
{
	struct search search = {
	        .draft = draft, .arena = draft->arena, .scope = scope, .width = scope->vm_count, .work = work};
	struct finding best = {0};
	uint32_t best_node = NOWHERE;
	begin(&search, from);
	while (search.heap_count > 0 && search.work > 0) {
		struct entry entry = pop(&search);
		struct node *node = &search.nodes[entry.node];
		if (node->closed || entry.estimate != node->estimate || entry.bytes != node->bytes) {
			continue;
		}
		node->closed = true;
		stand_at(&search, entry.node);
		uint32_t unplaced = judge_unplaced(draft, search.sim, scope);
		/* Nodes come in the order of moves and bytes only among those that lack nothing. */
		bool better = best_node == NOWHERE || unplaced < best.unplaced ||
		              (unplaced == best.unplaced && (node->moves < search.nodes[best_node].moves ||
		                                             (node->moves == search.nodes[best_node].moves &&
		                                              node->bytes < search.nodes[best_node].bytes)));
		if (better && (pauses ? judge_may_pause : judge_may_end)(draft, search.sim, scope)) {
			best.unplaced = unplaced;
			best_node = entry.node;
			if (unplaced == 0) {
				break;
			}
		}
		expand(&search, entry.node);
	}
	best.found = best_node != NOWHERE;
	best.exhaustive = best.found && (best.unplaced == 0 || search.work > 0);
	if (best.found) {
		write_route(&search, best_node, &best.route);
	}
	return best;
}
