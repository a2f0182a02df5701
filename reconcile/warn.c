/* What is worth a warning beside the plan; the part of reconcile/explain.h that speaks of the fleet as a whole. */
#include "reconcile/explain.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>

static void warn(struct arena *arena, struct plan *plan, const char *text)
{
	ARENA_ADD(arena, plan->warnings, plan->warning_count) = text;
}

static void warn_of_unknown_hosts(struct arena *arena, const struct fleet *fleet, struct plan *plan)
{
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		if (fleet->hosts[i].desired == NULL) {
			warn(arena, plan,
			     arena_print(arena,
			                 "%s is in the inventory, and no host of the desired placement: left alone",
			                 fleet->hosts[i].name));
		}
	}
}

static void warn_of_full_hosts(const struct simulation *end, struct plan *plan, struct arena *arena)
{
	for (uint32_t i = 0; i < end->fleet->host_count; i++) {
		const struct fleet_host *host = &end->fleet->hosts[i];
		int64_t free = simulate_free(end, i);
		if (host->desired != NULL && host->connected && free < 0) {
			warn(arena, plan,
			     arena_print(arena, "%s stays over capacity by %s", host->name,
			                 units_size_short(arena, -free)));
		}
	}
}

static void warn_of_homeless(const struct fleet *fleet, const struct policy *policy, const struct homeless *found,
                             struct plan *plan, struct arena *arena)
{
	enum { SHOWN = 5 };
	struct text text;
	text_init(&text, arena);
	text_print(&text, "policy %s: without ", policy->name);
	for (uint32_t i = 0; i < found->host_count; i++) {
		text_print(&text, "%s%s", i == 0 ? "" : ", ", fleet->hosts[found->hosts[i]].name);
	}
	text_add(&text, " there is no room for ");
	for (uint32_t i = 0; i < found->vm_count && i < SHOWN; i++) {
		text_print(&text, "%s%s", i == 0 ? "" : ", ", fleet->vms[found->vms[i]].name);
	}
	if (found->vm_count > SHOWN) {
		text_print(&text, " and %u more", found->vm_count - SHOWN);
	}
	warn(arena, plan, text_string(&text));
}

/* Where an entry allows that a move ends snapshots, and one does. */
static void warn_of_snapshots(struct arena *arena, const struct fleet *fleet, struct plan *plan)
{
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		const struct fleet_vm *v = &fleet->vms[vm];
		unsigned int count = v->seen->snapshots;
		size_t i = 0;
		if (v->standing != STANDS_MANAGED || count == 0) {
			continue;
		}
		while (i < plan->move_count && !text_equal(plan->moves[i].uuid, v->seen->uuid)) {
			i++;
		}
		if (i < plan->move_count &&
		    obstacle_ends_snapshots(fleet, vm, v->home, fleet_host_index(fleet, plan->moves[i].to))) {
			warn(arena, plan,
			     arena_print(
			             arena,
			             "%s loses its %u snapshot%s, as its entry allows (snapshots: delete): %s to %s",
			             v->name, count, count == 1 ? "" : "s", plan->moves[i].from, plan->moves[i].to));
		}
	}
}

static int compare_by_memory(const void *a, const void *b, void *context)
{
	const uint64_t *memory = context;
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;
	if (memory[left] != memory[right]) {
		return memory[left] > memory[right] ? -1 : 1;
	}
	return left < right ? -1 : left > right;
}

/* Who stands where after the last move, largest first. */
static struct survive_host *list_survivors(struct arena *arena, const struct simulation *end, uint64_t *memory)
{
	const struct fleet *fleet = end->fleet;
	struct survive_host *hosts = arena_array(arena, fleet->host_count, sizeof(*hosts));
	uint32_t *order = arena_array(arena, fleet->vm_count, sizeof(*order));
	uint32_t **lists = arena_array(arena, fleet->host_count, sizeof(*lists));
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		order[vm] = vm;
		memory[vm] = fleet->vms[vm].seen->memory;
		hosts[end->at[vm]].vm_count++;
	}
	if (fleet->vm_count > 1) {
		qsort_r(order, fleet->vm_count, sizeof(*order), compare_by_memory, memory);
	}
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		const struct fleet_host *host = &fleet->hosts[i];
		hosts[i].counts = host->desired != NULL && host->connected && !host->desired->maintenance;
		hosts[i].free = simulate_free(end, i);
		hosts[i].overhead = host->overhead;
		lists[i] = arena_array(arena, hosts[i].vm_count, sizeof(uint32_t));
		hosts[i].vms = lists[i];
		hosts[i].vm_count = 0;
	}
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		uint32_t at = end->at[order[i]];
		lists[at][hosts[at].vm_count++] = order[i];
	}
	return hosts;
}

static void warn_of_survival(struct arena *arena, const struct simulation *end, struct plan *plan)
{
	const struct fleet *fleet = end->fleet;
	for (uint32_t i = 0; i < fleet->rule_count; i++) {
		const struct policy *policy = fleet->rules[i].policy;
		if (policy->kind != POLICY_SURVIVE) {
			continue;
		}
		uint64_t *memory = arena_array(arena, fleet->vm_count, sizeof(*memory));
		const struct survive_host *hosts = list_survivors(arena, end, memory);
		struct homeless *cases;
		size_t count = survive_check(arena, policy->count, hosts, fleet->host_count, memory, &cases);
		for (size_t j = 0; j < count; j++) {
			warn_of_homeless(fleet, policy, &cases[j], plan, arena);
		}
	}
}

void explain_warnings(const struct draft *done, const struct simulation *end, struct plan *plan)
{
	const struct desired *desired = done->fleet->desired;
	for (size_t i = 0; i < desired->warning_count; i++) {
		warn(done->arena, plan, desired->warnings[i]);
	}
	warn_of_survival(done->arena, end, plan);
	warn_of_unknown_hosts(done->arena, done->fleet, plan);
	warn_of_full_hosts(end, plan, done->arena);
	warn_of_snapshots(done->arena, done->fleet, plan);
}
