#include "reconcile/balance_data.h"

#include "reconcile/place.h"
#include "state/arena.h"

#include <stdlib.h>

static bool may_be_moved(const struct balance *b, uint32_t vm)
{
	const struct fleet_vm *v = &b->fleet->vms[vm];
	if (v->standing != STANDS_MANAGED || v->reported || v->seen->immovable_count > 0 ||
	    !spread_counts(b->fleet, b->sim->at[vm]) || (b->options->fixed != NULL && b->options->fixed[vm])) {
		return false;
	}
	/* A pin that is not fulfilled, or an entry that is not, is the planner's. */
	return v->desired->pinned ? !b->options->keep_pins && v->pin == v->home && b->sim->at[vm] == v->home
	                          : fleet_suits(b->fleet, vm, b->sim->at[vm]);
}

static uint32_t find_root(uint32_t *parent, uint32_t vm)
{
	while (parent[vm] != vm) {
		parent[vm] = parent[parent[vm]];
		vm = parent[vm];
	}
	return vm;
}

/* Groups that share a host become one; those of a group that is parted stay where they are, for the planner to mend. */
static void join_groups(const struct balance *b, uint32_t *parent, bool *stays)
{
	const struct fleet *fleet = b->fleet;
	for (uint32_t i = 0; i < fleet->rule_count; i++) {
		const struct rule *rule = &fleet->rules[i];
		if (rule->policy->kind != POLICY_TOGETHER) {
			continue;
		}
		bool parted = group_is_parted(b->sim, rule);
		uint32_t first = NOWHERE;
		for (uint32_t j = 0; j < rule->member_count; j++) {
			uint32_t vm = rule->members[j];
			if (fleet->vms[vm].standing == STANDS_STALE) {
				continue;
			}
			stays[vm] = stays[vm] || parted;
			if (rule->policy->by == NULL && !parted && first != NOWHERE) {
				parent[find_root(parent, vm)] = find_root(parent, first);
			}
			first = first == NOWHERE ? vm : first;
		}
	}
}

static void add_to_list(struct balance *b, uint32_t host, uint32_t item)
{
	struct item_list *list = &b->on[host];
	if (list->count == list->room) {
		list->room = list->room == 0 ? 8 : list->room * 2;
		list->items = arena_grow(b->arena, list->items, list->count, list->room, sizeof(*list->items));
	}
	list->items[list->count++] = item;
}

void balance_list_items(struct balance *b)
{
	uint32_t count = b->fleet->vm_count;
	uint32_t *parent = arena_array(b->arena, count, sizeof(*parent));
	uint32_t *item_of_root = arena_array(b->arena, count, sizeof(*item_of_root));
	bool *stays = arena_array(b->arena, count, sizeof(*stays));
	for (uint32_t vm = 0; vm < count; vm++) {
		parent[vm] = vm;
		item_of_root[vm] = NOWHERE;
		stays[vm] = !may_be_moved(b, vm);
	}
	join_groups(b, parent, stays);
	for (uint32_t vm = 0; vm < count; vm++) {
		uint32_t root = find_root(parent, vm);
		stays[root] = stays[root] || stays[vm];
	}
	b->items = arena_array(b->arena, count, sizeof(*b->items));
	b->on = arena_array(b->arena, b->fleet->host_count, sizeof(*b->on));
	for (uint32_t vm = 0; vm < count; vm++) {
		uint32_t root = find_root(parent, vm);
		if (stays[root]) {
			continue;
		}
		if (item_of_root[root] == NOWHERE) {
			item_of_root[root] = b->item_count++;
			add_to_list(b, b->sim->at[vm], item_of_root[root]);
		}
		struct item *item = &b->items[item_of_root[root]];
		ARENA_ADD(b->arena, item->vms, item->count) = vm;
	}
}

int64_t balance_gain(const struct balance *b, uint32_t i, int64_t fill_i, uint32_t j, int64_t fill_j)
{
	int64_t count = b->host_count;
	int64_t mean = b->sum / count;
	int64_t before_i = b->fill[i] - mean;
	int64_t before_j = b->fill[j] - mean;
	int64_t after_i = fill_i - mean;
	int64_t after_j = fill_j - mean;
	/* The mean moves along where capacities differ. */
	int64_t change = fill_i - b->fill[i] + fill_j - b->fill[j];
	int64_t shift = (2 * (b->sum - mean * count) * change + change * change) / count;
	return before_i * before_i + before_j * before_j - after_i * after_i - after_j * after_j + shift;
}

uint64_t balance_claim(const struct balance *b, uint32_t item, uint32_t host)
{
	uint64_t claim = 0;
	for (uint32_t i = 0; i < b->items[item].count; i++) {
		claim += fleet_claim(b->fleet, b->items[item].vms[i], host);
	}
	return claim;
}

uint64_t balance_memory(const struct balance *b, uint32_t item)
{
	uint64_t memory = 0;
	for (uint32_t i = 0; i < b->items[item].count; i++) {
		memory += b->fleet->vms[b->items[item].vms[i]].seen->memory;
	}
	return memory;
}

uint32_t balance_at(const struct balance *b, uint32_t item)
{
	return b->sim->at[b->items[item].vms[0]];
}

bool balance_is_worth(const struct balance *b, int64_t gain, uint32_t moves)
{
	if (gain <= 0) {
		return false;
	}
	uint64_t count = b->host_count;
	int64_t mean = b->sum / b->host_count;
	uint64_t squares = 0;
	for (uint32_t i = 0; i < b->host_count; i++) {
		int64_t distance = b->fill[b->order[i]] - mean;
		squares += (uint64_t)(distance * distance);
	}
	uint64_t before = spread_root(squares / count);
	uint64_t after = (uint64_t)gain > squares ? 0 : spread_root((squares - (uint64_t)gain) / count);
	/* count * (before - after) >= moves * min_gain, where gain = count * (before - after) * (before + after) */
	return (uint64_t)gain >= moves * b->options->min_gain * (before + after + 1);
}

/* Whether the VM may stand there, whoever else is there. */
static bool may_stand(const struct balance *b, uint32_t vm, uint32_t to)
{
	const struct fleet *fleet = b->fleet;
	const struct fleet_vm *v = &fleet->vms[vm];
	bool suits = v->desired->pinned ? fleet_admits(fleet, vm, to) : fleet_suits(fleet, vm, to);
	return suits && (to == v->home || obstacle_absent(fleet, vm, v->home, to, NULL));
}

static bool may_ever_stand(struct balance *b, uint32_t vm, uint32_t to)
{
	size_t at = (size_t)vm * b->fleet->host_count + to;
	if (b->forbidden != NULL && (b->forbidden[at / 64] >> (at % 64) & 1) != 0) {
		return false;
	}
	bool may = may_stand(b, vm, to);
	if (b->forbidden != NULL && !may) {
		b->forbidden[at / 64] |= UINT64_C(1) << (at % 64);
	}
	return may;
}

/* Would it leave a group that stands together under a label? */
static bool parts_group(const struct balance *b, uint32_t vm, uint32_t to)
{
	const struct fleet_vm *v = &b->fleet->vms[vm];
	for (uint32_t i = 0; i < v->rule_count; i++) {
		const struct rule *rule = &b->fleet->rules[v->rules[i]];
		if (rule->policy->kind == POLICY_TOGETHER && rule->policy->by != NULL &&
		    rule->groups->of[b->begin[vm]] != rule->groups->of[to]) {
			return true;
		}
	}
	return false;
}

/* from: where it came from last, for the policies; for its disks it has never left its home. */
static bool fits(struct balance *b, uint32_t vm, uint32_t from, uint32_t to)
{
	uint32_t home = b->fleet->vms[vm].home;
	if (b->work_left > 0) {
		b->work_left--;
	}
	return simulate_has_room(b->sim, vm, from, to, NULL) &&
	       (from == home || to == home || simulate_has_room(b->sim, vm, home, to, NULL)) &&
	       !parts_group(b, vm, to) && may_ever_stand(b, vm, to);
}

void balance_set(struct balance *b, uint32_t item, uint32_t to)
{
	for (uint32_t i = 0; i < b->items[item].count; i++) {
		simulate_move(b->sim, b->items[item].vms[i], to);
	}
}

bool balance_put_back(struct balance *b, uint32_t item, uint32_t from, uint32_t to)
{
	const struct item *moved = &b->items[item];
	uint32_t was = balance_at(b, item);
	for (uint32_t i = 0; i < moved->count; i++) {
		if (!fits(b, moved->vms[i], from, to)) {
			while (i-- > 0) {
				simulate_move(b->sim, moved->vms[i], was);
			}
			return false;
		}
		simulate_move(b->sim, moved->vms[i], to);
	}
	return true;
}

bool balance_put(struct balance *b, uint32_t item, uint32_t to)
{
	return balance_put_back(b, item, balance_at(b, item), to);
}

static bool stands_before(const struct balance *b, uint32_t left, uint32_t right)
{
	return b->fill[left] != b->fill[right] ? b->fill[left] < b->fill[right] : left < right;
}

/* Brings the order up to date after the fill of one host has changed. */
static void note_fill(struct balance *b, uint32_t host)
{
	int64_t fill = spread_fill(b->fleet, host, b->sim->claims[host]);
	b->sum += fill - b->fill[host];
	b->fill[host] = fill;
	uint32_t at = b->rank[host];
	for (; at > 0 && stands_before(b, host, b->order[at - 1]); at--) {
		b->order[at] = b->order[at - 1];
		b->rank[b->order[at]] = at;
	}
	for (; at + 1 < b->host_count && stands_before(b, b->order[at + 1], host); at++) {
		b->order[at] = b->order[at + 1];
		b->rank[b->order[at]] = at;
	}
	b->order[at] = host;
	b->rank[host] = at;
}

int64_t balance_moves_more(const struct balance *b, uint32_t item, uint32_t to)
{
	uint32_t begin = b->begin[b->items[item].vms[0]];
	int64_t count = b->items[item].count;
	uint32_t at = balance_at(b, item);
	return (to != begin ? count : 0) - (at != begin ? count : 0);
}

bool balance_may_move(const struct balance *b, int64_t more)
{
	return b->options->moves == 0 || more <= 0 || b->moved + more <= b->options->moves;
}

/* The VMs of the item are at their new place already. */
static void note_moved(struct balance *b, uint32_t item, uint32_t from, uint32_t to)
{
	uint32_t begin = b->begin[b->items[item].vms[0]];
	uint32_t count = b->items[item].count;
	b->moved += from == begin && to != begin ? count : 0;
	b->moved -= from != begin && to == begin ? count : 0;
}

void balance_note(struct balance *b, uint32_t item, uint32_t from, uint32_t to)
{
	struct item_list *source = &b->on[from];
	uint32_t at = 0;
	while (source->items[at] != item) {
		at++;
	}
	source->items[at] = source->items[--source->count];
	add_to_list(b, to, item);
	note_moved(b, item, from, to);
	note_fill(b, from);
	note_fill(b, to);
}
