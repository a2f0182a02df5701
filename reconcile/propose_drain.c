/*
 * Drains a host: in maintenance, what is free to choose leaves it by itself. VMs that are pinned there are let go
 * (`auto`), so that the planner finds places for them, with as few moves as it can; where it sends them becomes their
 * pins.
 */
#include "reconcile/planner.h"
#include "reconcile/propose_data.h"
#include "state/arena.h"
#include "state/text.h"

#include <errno.h>
#include <string.h>

struct drain {
	struct arena *arena;
	const struct desired *desired;
	const struct inventory *inventory;
	const struct propose_options *options;
	const struct fleet *fleet;
	uint32_t host;
};

/* One way of doing it, and what it leaves. */
struct attempt {
	struct desired *desired;
	const struct plan *plan;
	const struct plan *loose; /* with pins let go: it knows why a VM cannot leave */
	uint32_t left;
};

static struct desired *in_maintenance(const struct drain *drain)
{
	struct desired *copy = propose_copy(drain->arena, drain->desired);
	for (size_t i = 0; i < copy->host_count; i++) {
		if (text_equal(copy->hosts[i].name, drain->fleet->hosts[drain->host].name)) {
			copy->hosts[i].maintenance = true;
		}
	}
	return copy;
}

/* Pinned to the host; or with `others`, in place at any pin: they may then make room. */
static bool is_let_go(const struct drain *drain, uint32_t vm, bool others)
{
	const struct fleet_vm *v = &drain->fleet->vms[vm];
	if (v->standing != STANDS_MANAGED || v->reported || !v->desired->pinned) {
		return false;
	}
	return v->pin == drain->host || (others && v->pin == v->home && fleet_suits(drain->fleet, vm, v->home));
}

static uint32_t count_on(const struct simulation *sim, uint32_t host)
{
	uint32_t count = 0;
	for (uint32_t vm = 0; vm < sim->fleet->vm_count; vm++) {
		count += sim->at[vm] == host ? 1 : 0;
	}
	return count;
}

static struct attempt try_drain(const struct drain *drain, bool others)
{
	const struct fleet *fleet = drain->fleet;
	struct arena *arena = drain->arena;
	struct desired *loose = in_maintenance(drain);
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		if (is_let_go(drain, vm, others)) {
			propose_set_host(arena, loose, fleet->vms[vm].name, NULL);
		}
	}
	struct attempt attempt = {.desired = in_maintenance(drain)};
	attempt.loose = propose_plan(arena, drain->desired, loose, drain->inventory, drain->options);
	struct simulation *end = propose_end(arena, fleet, attempt.loose);
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		if (is_let_go(drain, vm, others) && end->at[vm] != fleet->vms[vm].pin) {
			propose_set_host(arena, attempt.desired, fleet->vms[vm].name, fleet->hosts[end->at[vm]].name);
		}
	}
	attempt.plan = propose_plan(arena, drain->desired, attempt.desired, drain->inventory, drain->options);
	attempt.left = count_on(propose_end(arena, fleet, attempt.plan), drain->host);
	return attempt;
}

/* Why it is still there. */
static const char *reason_to_stay(const struct drain *drain, const struct attempt *attempt, uint32_t vm)
{
	const struct fleet_vm *v = &drain->fleet->vms[vm];
	const struct reason *loose = propose_blocked(attempt->loose, v->name);
	const struct reason *blocked = loose != NULL ? loose : propose_blocked(attempt->plan, v->name);
	switch (v->standing) {
	case STANDS_UNMANAGED:
		return "unmanaged: the placement does not name it";
	case STANDS_UNKNOWN:
	case STANDS_STALE:
		return arena_print(drain->arena, "last seen there; %s does not answer",
		                   drain->fleet->hosts[v->home].name);
	case STANDS_DECISION:
		return "one VM on several hosts: needs a decision";
	case STANDS_CONFLICT:
		return "one name, several VMs: in conflict";
	case STANDS_MANAGED:
	case STANDS_STRAY:
	case STANDS_BUSY:
		break;
	}
	return blocked != NULL ? blocked->text : v->reported ? "its drift is only reported" : "no way out was found";
}

static void list_left(const struct drain *drain, const struct attempt *attempt, struct proposal *proposal)
{
	const struct simulation *end = propose_end(drain->arena, drain->fleet, attempt->plan);
	for (uint32_t vm = 0; vm < drain->fleet->vm_count; vm++) {
		if (end->at[vm] == drain->host) {
			ARENA_ADD(drain->arena, proposal->left, proposal->left_count) =
			        (struct left_vm){drain->fleet->vms[vm].name, reason_to_stay(drain, attempt, vm)};
		}
	}
}

int propose_drain(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                  const char *host, const struct propose_options *options, const struct proposal **ret_proposal,
                  struct error *err)
{
	const struct desired_host *entry = desired_host(desired, host);
	if (entry == NULL) {
		return error_set(err, -ENOENT, "the placement defines no host %s", host);
	}
	struct drain drain = {.arena = arena, .desired = desired, .inventory = inventory, .options = options};
	drain.fleet = fleet_build(arena, desired, inventory);
	drain.host = fleet_host_index(drain.fleet, host);
	struct attempt attempt = try_drain(&drain, false);
	if (attempt.left > 0) {
		struct attempt other = try_drain(&drain, true);
		attempt = other.left < attempt.left && other.plan->blocked_count <= attempt.plan->blocked_count
		                  ? other
		                  : attempt;
	}
	struct proposal *proposal = arena_alloc(arena, sizeof(*proposal));
	*proposal = (struct proposal){
	        .kind = PROPOSAL_DRAIN,
	        .subject = entry->name,
	        .maintenance = entry->maintenance ? NULL : entry->name,
	        .before = count_on(simulate_begin(arena, drain.fleet), drain.host),
	        .after = attempt.left,
	        .desired = attempt.desired,
	        .plan = attempt.plan,
	};
	propose_list_changes(arena, drain.fleet, desired, proposal);
	list_left(&drain, &attempt, proposal);
	*ret_proposal = proposal;
	return 0;
}
