#include "reconcile/propose_data.h"

#include "reconcile/planner.h"
#include "state/arena.h"
#include "state/digest.h"
#include "state/text.h"

#include <assert.h>
#include <string.h>

struct desired *propose_copy(struct arena *arena, const struct desired *desired)
{
	struct desired *copy = arena_alloc(arena, sizeof(*copy));
	*copy = *desired;
	copy->commit = NULL;
	copy->hosts = arena_grow(arena, desired->hosts, desired->host_count, desired->host_count, sizeof(*copy->hosts));
	copy->vms = arena_grow(arena, desired->vms, desired->vm_count, desired->vm_count, sizeof(*copy->vms));
	return copy;
}

void propose_set_host(struct arena *arena, struct desired *copy, const char *vm, const char *host)
{
	const struct desired_vm *found = desired_vm(copy, vm);
	assert(found != NULL);
	struct desired_vm *entry = &copy->vms[found - copy->vms];
	entry->host_count = host == NULL ? 0 : 1;
	entry->hosts = arena_array(arena, 1, sizeof(*entry->hosts));
	entry->hosts[0] = host;
	entry->pinned = host != NULL && entry->where.count == 0;
}

static bool same_entry(const struct desired_vm *a, const struct desired_vm *b)
{
	bool same = a->pinned == b->pinned && a->host_count == b->host_count;
	for (size_t i = 0; same && i < a->host_count; i++) {
		same = text_equal(a->hosts[i], b->hosts[i]);
	}
	return same;
}

static bool has_changed(const struct desired *before, const struct desired *after, const char *vm)
{
	const struct desired_vm *old = desired_vm(before, vm);
	return old != NULL && !same_entry(old, &after->vms[old - before->vms]);
}

/* The inventory as it is to be read with the changed entries. */
static const struct inventory *forget_places(struct arena *arena, const struct desired *before,
                                             const struct desired *after, const struct inventory *inventory)
{
	struct inventory *copy = arena_alloc(arena, sizeof(*copy));
	copy->host_count = inventory->host_count;
	copy->hosts = arena_grow(arena, inventory->hosts, copy->host_count, copy->host_count, sizeof(*copy->hosts));
	for (size_t i = 0; i < copy->host_count; i++) {
		struct host *host = &copy->hosts[i];
		host->vms = arena_grow(arena, host->vms, host->vm_count, host->vm_count, sizeof(*host->vms));
		for (size_t j = 0; j < host->vm_count; j++) {
			host->vms[j].in_place = host->vms[j].in_place && !has_changed(before, after, host->vms[j].name);
		}
	}
	return copy;
}

/* A plan's id speaks of what is wanted: here of the first placement and all that has been changed. */
static const char *digest_of(struct arena *arena, const struct desired *before, const struct desired *after)
{
	struct digest *digest = digest_create(arena);
	digest_add_text(digest, before->digest);
	for (size_t i = 0; i < after->vm_count; i++) {
		if (!same_entry(&before->vms[i], &after->vms[i])) {
			digest_add_text(digest, after->vms[i].name);
			digest_add_text(digest, after->vms[i].host_count == 0 ? "" : after->vms[i].hosts[0]);
		}
	}
	for (size_t i = 0; i < after->host_count; i++) {
		if (after->hosts[i].maintenance != before->hosts[i].maintenance) {
			digest_add_text(digest, after->hosts[i].name);
		}
	}
	return digest_end(digest, arena);
}

const struct plan *propose_plan(struct arena *arena, const struct desired *before, const struct desired *after,
                                const struct inventory *inventory, const struct propose_options *options)
{
	struct desired *named = arena_alloc(arena, sizeof(*named));
	*named = *after;
	named->digest = digest_of(arena, before, after);
	const struct planner_options planner = {.effort = options->effort};
	return planner_plan(arena, named, forget_places(arena, before, after, inventory), &planner);
}

/* The first of its sightings. */
static uint32_t first_sighting(const struct fleet *fleet, const char *name)
{
	uint32_t low = 0;
	uint32_t high = fleet->vm_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (strcmp(fleet->vms[middle].name, name) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

uint32_t propose_find(const struct fleet *fleet, const char *vm)
{
	for (uint32_t i = first_sighting(fleet, vm); i < fleet->vm_count; i++) {
		if (!text_equal(fleet->vms[i].name, vm)) {
			break;
		}
		if (fleet->vms[i].standing == STANDS_MANAGED) {
			return i;
		}
	}
	return NOWHERE;
}

struct simulation *propose_end(struct arena *arena, const struct fleet *fleet, const struct plan *plan)
{
	struct simulation *sim = simulate_begin(arena, fleet);
	for (size_t i = 0; i < plan->move_count; i++) {
		uint32_t vm = propose_find(fleet, plan->moves[i].vm);
		assert(vm != NOWHERE);
		simulate_move(sim, vm, fleet_host_index(fleet, plan->moves[i].to));
	}
	return sim;
}

const struct reason *propose_blocked(const struct plan *plan, const char *vm)
{
	size_t low = 0;
	size_t high = plan->blocked_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(plan->blocked[middle].vm, vm);
		if (order == 0) {
			return &plan->blocked[middle].reason;
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

void propose_list_changes(struct arena *arena, const struct fleet *fleet, const struct desired *before,
                          struct proposal *proposal)
{
	const struct desired *after = proposal->desired;
	for (size_t i = 0; i < after->vm_count; i++) {
		const struct desired_vm *entry = &after->vms[i];
		if (!same_entry(&before->vms[i], entry)) {
			uint32_t vm = propose_find(fleet, entry->name);
			assert(vm != NOWHERE && entry->host_count == 1);
			ARENA_ADD(arena, proposal->changes, proposal->change_count) = (struct change){
			        .vm = entry->name,
			        .from = fleet->hosts[fleet->vms[vm].home].name,
			        .to = entry->hosts[0],
			};
		}
	}
}
