#include "reconcile/gate.h"

#include "policies/policy.h"
#include "reconcile/fleet.h"
#include "reconcile/limit.h"
#include "reconcile/retry.h"
#include "reconcile/simulate.h"
#include "state/arena.h"
#include "state/text.h"
#include "state/zone.h"

static bool is_open(const struct window *window, int64_t seconds)
{
	unsigned int weekday = 0;
	unsigned int minute = 0;
	return zone_time(window->timezone, seconds, &weekday, &minute) && window_is_open(window, weekday, minute);
}

/* The windows that are there for the VM, all closed: their names. NULL: it has none, or one is open. */
static const char *closed_windows(struct arena *arena, const struct desired *desired, const struct desired_vm *vm,
                                  int64_t seconds)
{
	struct text names;
	text_init(&names, arena);
	for (size_t i = 0; i < desired->policy_count; i++) {
		const struct policy *policy = &desired->policies[i];
		if (policy->kind != POLICY_WINDOW || !selector_selects(&policy->vms, vm->name, &vm->labels)) {
			continue;
		}
		if (is_open(&policy->window, seconds)) {
			return NULL;
		}
		text_print(&names, "%s%s", names.length == 0 ? "" : ", ", policy->name);
	}
	return names.length == 0 ? NULL : text_string(&names);
}

static void mark(struct arena *arena, struct move *move, enum code code, const char *text)
{
	struct reason *waits = arena_alloc(arena, sizeof(*waits));
	*waits = (struct reason){.code = code, .text = text};
	move->waits = waits;
}

static void mark_windows(struct arena *arena, const struct desired *desired, struct plan *plan, int64_t seconds)
{
	for (size_t i = 0; i < plan->move_count; i++) {
		struct move *move = &plan->moves[i];
		const struct desired_vm *vm = desired_vm(desired, move->vm);
		const char *closed =
		        vm == NULL || move->waits != NULL ? NULL : closed_windows(arena, desired, vm, seconds);
		if (closed != NULL) {
			mark(arena, move, CODE_WINDOW, arena_print(arena, "outside of %s", closed));
		}
	}
}

/* One limit keeps all of the plan from starting; what waits for something else besides says so. */
static void mark_limits(struct arena *arena, const struct desired *desired, struct plan *plan,
                        const struct gating *gating)
{
	const struct reason *waits = gating->limits == NULL ? NULL
	                                                    : limit_waits(arena, gating->limits, desired, plan,
	                                                                  gating->row, gating->approved);
	for (size_t i = 0; i < plan->move_count; i++) {
		struct move *move = &plan->moves[i];
		move->waits = move->waits == NULL ? waits : move->waits;
	}
}

static void mark_delays(struct arena *arena, struct plan *plan, const struct gating *gating)
{
	for (size_t i = 0; gating->failures != NULL && i < plan->move_count; i++) {
		struct move *move = &plan->moves[i];
		if (move->waits == NULL) {
			move->waits = retry_waits(arena, gating->failures, move->uuid, gating->now);
		}
	}
}

/* Its number among the sightings, wherever it stands by now; NOWHERE when there is none. */
static uint32_t find_vm(const struct fleet *fleet, const char *uuid)
{
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		if (fleet->vms[vm].standing == STANDS_MANAGED && text_equal(fleet->vms[vm].seen->uuid, uuid)) {
			return vm;
		}
	}
	return NOWHERE;
}

/* Makes the moves that do not wait, in order; one that cannot be made then waits for those that do. */
static void mark_dependents(struct arena *arena, const struct fleet *fleet, struct plan *plan)
{
	struct simulation *sim = simulate_begin(arena, fleet);
	const struct move *waiting = NULL;
	for (size_t i = 0; i < plan->move_count; i++) {
		struct move *move = &plan->moves[i];
		uint32_t vm = waiting == NULL || move->waits != NULL ? NOWHERE : find_vm(fleet, move->uuid);
		uint32_t to = fleet_host_index(fleet, move->to);
		bool stands = vm != NOWHERE && text_equal(fleet->hosts[sim->at[vm]].name, move->from);
		if (vm != NOWHERE && (!stands || !simulate_allows(sim, vm, to, NULL))) {
			mark(arena, move, waiting->waits->code,
			     arena_print(arena, "after %s, which waits: %s", waiting->vm, waiting->waits->text));
		}
		if (move->waits != NULL) {
			waiting = waiting == NULL ? move : waiting;
			continue;
		}
		vm = vm == NOWHERE ? find_vm(fleet, move->uuid) : vm;
		if (vm != NOWHERE && to != NOWHERE) {
			simulate_move(sim, vm, to);
		}
	}
}

const struct plan *gate_plan(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                             const struct plan *plan, const struct gating *gating)
{
	struct plan *gated = arena_alloc(arena, sizeof(*gated));
	bool one_waits = false;
	*gated = *plan;
	gated->moves = arena_array(arena, plan->move_count, sizeof(*gated->moves));
	for (size_t i = 0; i < plan->move_count; i++) {
		gated->moves[i] = plan->moves[i];
	}
	mark_windows(arena, desired, gated, gating->now);
	mark_limits(arena, desired, gated, gating);
	mark_delays(arena, gated, gating);
	for (size_t i = 0; i < plan->move_count; i++) {
		one_waits = one_waits || gated->moves[i].waits != NULL;
	}
	if (one_waits) {
		mark_dependents(arena, fleet_build(arena, desired, inventory), gated);
	}
	return gated;
}
