#include "reconcile/fleet.h"
#include "reconcile/diff.h"

#include "state/arena.h"
#include "state/text.h"

#include <stdlib.h>
#include <string.h>

/* The hosts of both sides in one list by name: walk the two sorted ones once. */
static void merge_hosts(struct arena *arena, struct fleet *fleet, const struct inventory *inventory)
{
	const struct desired *desired = fleet->desired;
	fleet->hosts = arena_array(arena, desired->host_count + inventory->host_count, sizeof(*fleet->hosts));
	size_t d = 0;
	size_t i = 0;
	while (d < desired->host_count || i < inventory->host_count) {
		int order = d == desired->host_count     ? 1
		            : i == inventory->host_count ? -1
		                                         : strcmp(desired->hosts[d].name, inventory->hosts[i].name);
		struct fleet_host *host = &fleet->hosts[fleet->host_count++];
		if (order <= 0) {
			host->desired = &desired->hosts[d++];
			host->name = host->desired->name;
		}
		if (order >= 0) {
			host->seen = &inventory->hosts[i++];
			host->name = host->seen->name;
		}
	}
}

static uint64_t capacity_of(const struct fleet_host *host)
{
	if (host->seen == NULL) {
		return 0;
	}
	if (host->desired == NULL) {
		return host->seen->memory;
	}
	uint64_t reserve = host->desired->reserve;
	uint64_t rest = host->seen->memory > reserve ? host->seen->memory - reserve : 0;
	return rest < host->desired->limit ? rest : host->desired->limit;
}

static void complete_hosts(struct fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		struct fleet_host *host = &fleet->hosts[i];
		host->connected = host->seen != NULL && host_is_connected(host->seen);
		host->capacity = capacity_of(host);
		host->overhead = host->desired == NULL ? 0 : host->desired->overhead;
		host->first_pool = fleet->pool_count;
		fleet->pool_count += host->seen == NULL ? 0 : (uint32_t)host->seen->pool_count;
	}
}

static int compare_vms(const void *a, const void *b)
{
	const struct fleet_vm *left = a;
	const struct fleet_vm *right = b;
	int order = strcmp(left->name, right->name);
	if (order == 0) {
		order = left->home < right->home ? -1 : left->home > right->home;
	}
	return order != 0 ? order : strcmp(left->seen->uuid, right->seen->uuid);
}

static void list_vms(struct arena *arena, struct fleet *fleet)
{
	size_t count = 0;
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		count += fleet->hosts[i].seen == NULL ? 0 : fleet->hosts[i].seen->vm_count;
	}
	fleet->vms = arena_array(arena, count, sizeof(*fleet->vms));
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		const struct host *seen = fleet->hosts[i].seen;
		for (size_t j = 0; seen != NULL && j < seen->vm_count; j++) {
			fleet->vms[fleet->vm_count++] = (struct fleet_vm){
			        .name = seen->vms[j].name,
			        .seen = &seen->vms[j],
			        .desired = desired_vm(fleet->desired, seen->vms[j].name),
			        .home = i,
			        .origin = i,
			};
		}
	}
	if (fleet->vm_count > 1) {
		qsort(fleet->vms, fleet->vm_count, sizeof(*fleet->vms), compare_vms);
	}
}

/* A path that some VM has a disk at. */
struct path {
	const char *path;
	uint32_t vm;
	bool local;
};

static int compare_paths(const void *a, const void *b)
{
	const struct path *left = a;
	const struct path *right = b;
	int order = strcmp(left->path, right->path);
	return order != 0 ? order : left->vm < right->vm ? -1 : left->vm > right->vm;
}

static void add_rivals(struct arena *arena, struct fleet *fleet, const struct path *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			struct fleet_vm *vm = &fleet->vms[paths[i].vm];
			if (paths[i].vm != paths[j].vm && (paths[i].local || paths[j].local)) {
				ARENA_ADD(arena, vm->rivals, vm->rival_count) = paths[j].vm;
			}
		}
	}
}

static void find_rivals(struct arena *arena, struct fleet *fleet)
{
	struct path *paths = NULL;
	size_t count = 0;
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		const struct vm *seen = fleet->vms[i].seen;
		for (size_t j = 0; j < seen->disk_count; j++) {
			const struct disk *disk = &seen->disks[j];
			if (disk->storage != STORAGE_MEDIA && disk->source[0] == '/') {
				ARENA_ADD(arena, paths, count) = (struct path){
				        .path = disk->source, .vm = i, .local = disk->storage == STORAGE_LOCAL};
			}
		}
	}
	if (count > 1) {
		qsort(paths, count, sizeof(*paths), compare_paths);
	}
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count && strcmp(paths[end].path, paths[first].path) == 0; end++) {
		}
		if (end - first > 1) {
			add_rivals(arena, fleet, paths + first, end - first);
		}
	}
}

/* So many VMs are counted where they stand whenever that is asked; of a policy with more, the counts are kept. */
enum { COUNTED_BY_HEAD = 24 };

static void make_rules(struct arena *arena, struct fleet *fleet)
{
	const struct desired_host **hosts = arena_array(arena, fleet->host_count, sizeof(struct desired_host *));
	const struct desired_vm **vms = arena_array(arena, fleet->vm_count, sizeof(struct desired_vm *));
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		hosts[i] = fleet->hosts[i].desired;
	}
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		vms[i] = fleet->vms[i].desired;
	}
	struct rule_input input = {fleet->desired, hosts, fleet->host_count, vms, fleet->vm_count};
	fleet->rules = rules_make(arena, &input);
	fleet->rule_count = (uint32_t)fleet->desired->policy_count;
	fleet->tallies = arena_array(arena, fleet->rule_count, sizeof(*fleet->tallies));
	for (uint32_t i = 0; i < fleet->rule_count; i++) {
		const struct rule *rule = &fleet->rules[i];
		bool tallied = rule->member_count > COUNTED_BY_HEAD && rule->row->allows != NULL;
		fleet->tallies[i] = tallied ? fleet->tally_count : NOWHERE;
		fleet->tally_count += tallied ? rule->groups->count : 0;
		for (uint32_t j = 0; j < rule->member_count; j++) {
			struct fleet_vm *vm = &fleet->vms[rule->members[j]];
			ARENA_ADD(arena, vm->rules, vm->rule_count) = i;
		}
	}
}

static void mark_if_suits(struct fleet *fleet, uint32_t vm, uint32_t host)
{
	if (host != NOWHERE && fleet_entry_names(fleet, vm, host) && fleet_admits(fleet, vm, host)) {
		fleet->suits[(size_t)vm * fleet->words + host / 64] |= UINT64_C(1) << (host % 64);
	}
}

static void find_pins(struct fleet *fleet)
{
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		const struct desired_vm *desired = fleet->vms[vm].desired;
		bool pinned = desired != NULL && desired->pinned;
		fleet->vms[vm].pin = pinned ? fleet_host_index(fleet, desired->hosts[0]) : NOWHERE;
	}
}

/* Is every host of the desired placement in one of its groups, and so admitted? */
static bool admits_all(const struct fleet *fleet, const struct rule *rule)
{
	return rule->row->admits == NULL || (rule->row->admits == rule_admits_grouped &&
	                                     rule->groups->first[rule->groups->count] == fleet->desired->host_count);
}

/* Does anything but maintenance keep a VM that names no host from some of them? */
static bool is_choosy(const struct fleet *fleet, uint32_t vm)
{
	const struct fleet_vm *v = &fleet->vms[vm];
	bool choosy = v->desired->where.count > 0;
	for (uint32_t i = 0; i < v->rule_count; i++) {
		choosy = choosy || !admits_all(fleet, &fleet->rules[v->rules[i]]);
	}
	return choosy;
}

static void mark_suits(struct arena *arena, struct fleet *fleet)
{
	fleet->words = (fleet->host_count + 63) / 64;
	fleet->suits = arena_array(arena, (size_t)fleet->vm_count * fleet->words, sizeof(*fleet->suits));
	uint64_t *open = arena_array(arena, fleet->words, sizeof(*open));
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		const struct desired_host *host = fleet->hosts[i].desired;
		open[i / 64] |= host != NULL && !host->maintenance ? UINT64_C(1) << (i % 64) : 0;
	}
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		const struct desired_vm *desired = fleet->vms[vm].desired;
		for (size_t i = 0; desired != NULL && i < desired->host_count; i++) {
			mark_if_suits(fleet, vm, fleet_host_index(fleet, desired->hosts[i]));
		}
		if (desired == NULL || desired->host_count > 0) {
			continue;
		}
		if (!is_choosy(fleet, vm)) {
			memcpy(fleet->suits + (size_t)vm * fleet->words, open, fleet->words * sizeof(*open));
			continue;
		}
		for (uint32_t i = 0; i < fleet->host_count; i++) {
			mark_if_suits(fleet, vm, i);
		}
	}
}

const struct fleet *fleet_build(struct arena *arena, const struct desired *desired, const struct inventory *inventory)
{
	struct fleet *fleet = arena_alloc(arena, sizeof(*fleet));
	fleet->desired = desired;
	merge_hosts(arena, fleet, inventory);
	complete_hosts(fleet);
	list_vms(arena, fleet);
	find_pins(fleet);
	find_rivals(arena, fleet);
	make_rules(arena, fleet);
	mark_suits(arena, fleet);
	diff_classify(arena, fleet);
	return fleet;
}

uint32_t fleet_host_index(const struct fleet *fleet, const char *name)
{
	uint32_t low = 0;
	uint32_t high = fleet->host_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(fleet->hosts[middle].name, name);
		if (order == 0) {
			return middle;
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NOWHERE;
}

const struct rule *fleet_forbidding_rule(const struct fleet *fleet, uint32_t vm, uint32_t host)
{
	const struct fleet_vm *v = &fleet->vms[vm];
	for (uint32_t i = 0; i < v->rule_count; i++) {
		const struct rule *rule = &fleet->rules[v->rules[i]];
		if (rule->row->admits != NULL && !rule->row->admits(rule, host)) {
			return rule;
		}
	}
	return NULL;
}

static bool where_matches(const struct fleet *fleet, uint32_t vm, uint32_t host)
{
	const struct desired_host *desired = fleet->hosts[host].desired;
	return desired != NULL && labels_match(&fleet->vms[vm].desired->where, &desired->labels);
}

bool fleet_entry_names(const struct fleet *fleet, uint32_t vm, uint32_t host)
{
	const struct desired_vm *desired = fleet->vms[vm].desired;
	bool named = desired->host_count == 0;
	for (size_t i = 0; i < desired->host_count && !named; i++) {
		named = text_equal(desired->hosts[i], fleet->hosts[host].name);
	}
	return named && where_matches(fleet, vm, host);
}

bool fleet_admits(const struct fleet *fleet, uint32_t vm, uint32_t host)
{
	const struct desired_host *desired = fleet->hosts[host].desired;
	return desired != NULL && !desired->maintenance && where_matches(fleet, vm, host) &&
	       fleet_forbidding_rule(fleet, vm, host) == NULL;
}
