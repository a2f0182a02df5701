#include "reconcile/diff.h"

#include "state/arena.h"
#include "state/text.h"

#include <stdlib.h>
#include <string.h>

/* Sightings first <= i < end that share a name. */
struct group {
	uint32_t first;
	uint32_t end;
};

static bool next_group(const struct fleet *fleet, struct group *group)
{
	group->first = group->end;
	if (group->first == fleet->vm_count) {
		return false;
	}
	const char *name = fleet->vms[group->first].name;
	for (group->end = group->first + 1; group->end < fleet->vm_count; group->end++) {
		if (strcmp(fleet->vms[group->end].name, name) != 0) {
			break;
		}
	}
	return true;
}

static bool answered(const struct fleet *fleet, uint32_t vm)
{
	return fleet->hosts[fleet->vms[vm].home].connected;
}

static enum standing standing_of_single(const struct fleet *fleet, uint32_t vm)
{
	if (fleet->hosts[fleet->vms[vm].home].desired == NULL) {
		return STANDS_STRAY;
	}
	return fleet->vms[vm].seen->migrating ? STANDS_BUSY : STANDS_MANAGED;
}

/* A name that the desired placement knows. */
static void classify_group(struct fleet *fleet, struct group group)
{
	uint32_t alive = 0;
	bool one_uuid = true;
	bool migrating = false;
	for (uint32_t i = group.first; i < group.end; i++) {
		const struct vm *seen = fleet->vms[i].seen;
		one_uuid = one_uuid && text_equal(seen->uuid, fleet->vms[group.first].seen->uuid);
		if (answered(fleet, i)) {
			alive++;
			migrating = migrating || seen->migrating;
		}
	}
	for (uint32_t i = group.first; i < group.end; i++) {
		fleet->vms[i].standing = alive == 0            ? STANDS_UNKNOWN
		                         : !one_uuid           ? STANDS_CONFLICT
		                         : !answered(fleet, i) ? STANDS_STALE
		                         : alive == 1          ? standing_of_single(fleet, i)
		                         : migrating           ? STANDS_BUSY
		                                               : STANDS_DECISION;
	}
}

struct known_uuid {
	const char *uuid;
	uint32_t vm;
};

static int compare_uuids(const void *a, const void *b)
{
	const struct known_uuid *left = a;
	const struct known_uuid *right = b;
	int order = strcmp(left->uuid, right->uuid);
	return order != 0 ? order : left->vm < right->vm ? -1 : left->vm > right->vm;
}

/* One UUID under two names: the same VM twice, whatever it is called (renamed on one of the hosts). */
static void classify_renamed(struct arena *arena, struct fleet *fleet)
{
	struct known_uuid *known = arena_array(arena, fleet->vm_count, sizeof(*known));
	size_t count = 0;
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		if (answered(fleet, i)) {
			known[count++] = (struct known_uuid){fleet->vms[i].seen->uuid, i};
		}
	}
	if (count > 1) {
		qsort(known, count, sizeof(*known), compare_uuids);
	}
	for (size_t first = 0, end; first < count; first = end) {
		bool migrating = false;
		for (end = first; end < count && strcmp(known[end].uuid, known[first].uuid) == 0; end++) {
			migrating = migrating || fleet->vms[known[end].vm].seen->migrating;
		}
		for (size_t i = first; end - first > 1 && i < end; i++) {
			struct fleet_vm *vm = &fleet->vms[known[i].vm];
			if (vm->standing == STANDS_MANAGED || vm->standing == STANDS_STRAY) {
				vm->standing = migrating ? STANDS_BUSY : STANDS_DECISION;
			}
		}
	}
}

/*
 * Under the entry that it has now: a new pin makes a move, not a drift. A record that does not tell the entry is taken
 * at its word.
 */
static bool was_in_place(struct arena *arena, const struct fleet_vm *vm)
{
	const char *entry = vm->seen->entry;
	return vm->seen->in_place && (entry == NULL || text_equal(entry, desired_vm_entry(arena, vm->desired)));
}

void diff_classify(struct arena *arena, struct fleet *fleet)
{
	struct group group = {0};
	while (next_group(fleet, &group)) {
		if (fleet->vms[group.first].desired != NULL) {
			classify_group(fleet, group);
			continue;
		}
		for (uint32_t i = group.first; i < group.end; i++) {
			fleet->vms[i].standing = STANDS_UNMANAGED;
		}
	}
	classify_renamed(arena, fleet);
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		struct fleet_vm *vm = &fleet->vms[i];
		vm->drifted = vm->standing == STANDS_MANAGED && was_in_place(arena, vm) &&
		              !fleet_entry_names(fleet, i, vm->home);
		vm->reported = vm->drifted && vm->desired->drift == DRIFT_REPORT;
	}
}

/* The hosts that suit it; when none does now (its pin is in maintenance), those that its entry names. */
static void list_desired(struct arena *arena, const struct fleet *fleet, uint32_t vm, struct drifted_vm *drift)
{
	bool any = false;
	for (uint32_t host = 0; host < fleet->host_count && !any; host++) {
		any = fleet_suits(fleet, vm, host);
	}
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		if (any ? fleet_suits(fleet, vm, host) : fleet_entry_names(fleet, vm, host)) {
			ARENA_ADD(arena, drift->desired, drift->desired_count) = fleet->hosts[host].name;
		}
	}
}

static void list_drift(struct arena *arena, const struct fleet *fleet, struct plan *plan)
{
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		const struct fleet_vm *vm = &fleet->vms[i];
		if (!vm->drifted) {
			continue;
		}
		struct drifted_vm *drift = &ARENA_ADD(arena, plan->drift, plan->drift_count);
		*drift = (struct drifted_vm){
		        .vm = vm->name,
		        .actual = fleet->hosts[vm->home].name,
		        .action = vm->reported ? DRIFT_REPORT : DRIFT_CORRECT,
		};
		list_desired(arena, fleet, i, drift);
	}
}

/* The sighting of the latest record; the first by host's name of several. */
static const char *last_seen(const struct fleet *fleet, struct group group)
{
	uint32_t best = group.first;
	for (uint32_t i = group.first + 1; i < group.end; i++) {
		if (fleet->hosts[fleet->vms[i].home].seen->seen > fleet->hosts[fleet->vms[best].home].seen->seen) {
			best = i;
		}
	}
	return fleet->hosts[fleet->vms[best].home].name;
}

static bool every_host_answered(const struct fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		if (fleet->hosts[i].desired != NULL && !fleet->hosts[i].connected) {
			return false;
		}
	}
	return true;
}

/* Both lists are sorted by name: what the desired placement names and no sighting has is missing, or unknown. */
static void list_absent(struct arena *arena, const struct fleet *fleet, struct plan *plan)
{
	bool asked_all = every_host_answered(fleet);
	struct group group = {0};
	bool more = next_group(fleet, &group);
	for (size_t i = 0; i < fleet->desired->vm_count; i++) {
		const char *name = fleet->desired->vms[i].name;
		while (more && strcmp(fleet->vms[group.first].name, name) < 0) {
			more = next_group(fleet, &group);
		}
		bool seen = more && text_equal(fleet->vms[group.first].name, name);
		if (!seen && asked_all) {
			ARENA_ADD(arena, plan->missing, plan->missing_count) = (struct named_vm){.vm = name};
		} else if (!seen) {
			ARENA_ADD(arena, plan->unknown, plan->unknown_count) = (struct named_vm){.vm = name};
		} else if (fleet->vms[group.first].standing == STANDS_UNKNOWN) {
			ARENA_ADD(arena, plan->unknown, plan->unknown_count) =
			        (struct named_vm){.vm = name, .last_seen = last_seen(fleet, group)};
		}
	}
}

static void list_unmanaged(struct arena *arena, const struct fleet *fleet, struct plan *plan)
{
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		const struct fleet_vm *vm = &fleet->vms[i];
		if (vm->standing == STANDS_UNMANAGED && fleet->hosts[vm->home].desired != NULL) {
			ARENA_ADD(arena, plan->unmanaged, plan->unmanaged_count) = (struct unmanaged_vm){
			        .vm = vm->name,
			        .uuid = vm->seen->uuid,
			        .host = fleet->hosts[vm->home].name,
			        .memory = vm->seen->memory,
			};
		}
	}
}

static void add_sighting(struct arena *arena, const struct fleet *fleet, uint32_t vm, struct contested_vm *contested)
{
	ARENA_ADD(arena, contested->on, contested->on_count) = (struct sighting){
	        .host = fleet->hosts[fleet->vms[vm].home].name,
	        .uuid = fleet->vms[vm].seen->uuid,
	        .state = fleet->vms[vm].seen->state,
	};
}

static void list_contested(struct arena *arena, const struct fleet *fleet, struct plan *plan)
{
	struct group group = {0};
	while (next_group(fleet, &group)) {
		const struct fleet_vm *first = &fleet->vms[group.first];
		if (first->standing == STANDS_CONFLICT) {
			struct contested_vm *entry = &ARENA_ADD(arena, plan->conflicts, plan->conflict_count);
			entry->vm = first->name;
			for (uint32_t i = group.first; i < group.end; i++) {
				add_sighting(arena, fleet, i, entry);
			}
		}
		struct contested_vm *decision = NULL;
		for (uint32_t i = group.first; i < group.end && decision == NULL; i++) {
			if (fleet->vms[i].standing == STANDS_DECISION) {
				decision = &ARENA_ADD(arena, plan->decisions, plan->decision_count);
				decision->vm = first->name;
				for (uint32_t j = 0; j < fleet->vm_count; j++) {
					if (answered(fleet, j) &&
					    text_equal(fleet->vms[j].seen->uuid, fleet->vms[i].seen->uuid)) {
						add_sighting(arena, fleet, j, decision);
					}
				}
			}
		}
	}
}

void diff_list(struct arena *arena, const struct fleet *fleet, struct plan *plan)
{
	list_drift(arena, fleet, plan);
	list_absent(arena, fleet, plan);
	list_unmanaged(arena, fleet, plan);
	list_contested(arena, fleet, plan);
}
