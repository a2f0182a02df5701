#include "reconcile/planner.h"

#include "reconcile/bound.h"
#include "reconcile/diff.h"
#include "reconcile/explain.h"
#include "reconcile/identify.h"
#include "reconcile/route.h"
#include "state/arena.h"

#include <assert.h>
#include <string.h>

enum move_mode planner_mode(enum vm_state state, enum mode wanted)
{
	if (state == VM_STOPPED) {
		return MOVE_OFFLINE;
	}
	switch (wanted) {
	case MODE_LIVE:
		return MOVE_LIVE;
	case MODE_SUSPENDED:
		return MOVE_SUSPENDED;
	case MODE_STOPPED: /* a paused guest cannot be asked to shut down; it is moved as it is, and stays paused */
		return state == VM_PAUSED ? MOVE_SUSPENDED : MOVE_STOPPED;
	}
	return MOVE_LIVE;
}

static const struct reason *waits_of(struct arena *arena, const struct fleet *fleet, uint32_t vm)
{
	const char *hold = fleet->vms[vm].desired->hold != NULL ? fleet->vms[vm].desired->hold : fleet->desired->hold;
	if (hold == NULL) {
		return NULL;
	}
	struct reason *reason = arena_alloc(arena, sizeof(*reason));
	*reason = (struct reason){CODE_HOLD, hold[0] == '\0' ? "held" : hold};
	return reason;
}

/* Writes the moves; returns the state after them. Every step is asked for once more: the plan is what was checked. */
static struct simulation *write_moves(struct arena *arena, const struct draft *draft, const struct route *route,
                                      struct plan *plan)
{
	const struct fleet *fleet = draft->fleet;
	struct simulation *sim = simulate_copy(arena, draft->start);
	plan->moves = arena_array(arena, route->count, sizeof(*plan->moves));
	for (uint32_t i = 0; i < route->count; i++) {
		const struct step *step = &route->steps[i];
		const struct fleet_vm *vm = &fleet->vms[step->vm];
		assert(sim->at[step->vm] == step->from && simulate_allows(sim, step->vm, step->to, NULL));
		simulate_move(sim, step->vm, step->to);
		struct move *move = &plan->moves[plan->move_count++];
		*move = (struct move){
		        .vm = vm->name,
		        .uuid = vm->seen->uuid,
		        .from = fleet->hosts[step->from].name,
		        .to = fleet->hosts[step->to].name,
		        .mode = planner_mode(vm->seen->state, vm->desired->migration.mode),
		        .memory = vm->seen->memory,
		        .disk = fleet_travelling_bytes(fleet, step->vm, step->from, step->to),
		        .hop = step->hop,
		        .reason = explain_step(arena, draft, step),
		        .free_from_after = simulate_free(sim, step->from),
		        .free_to_after = simulate_free(sim, step->to),
		        .waits = waits_of(arena, fleet, step->vm),
		};
		plan->memory += move->memory;
		plan->disk += move->disk;
	}
	return sim;
}

static void write_hosts(struct arena *arena, const struct simulation *start, const struct simulation *end,
                        struct plan *plan)
{
	const struct fleet *fleet = start->fleet;
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		const struct fleet_host *host = &fleet->hosts[i];
		if (host->desired != NULL) {
			ARENA_ADD(arena, plan->hosts, plan->host_count) = (struct host_claims){
			        .host = host->name,
			        .connection = host->seen == NULL ? "never seen" : host->seen->connection,
			        .capacity = host->capacity,
			        .claims_before = start->claims[i],
			        .claims_after = end->claims[i],
			};
		}
	}
}

const struct plan *planner_plan(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                                const struct planner_options *options)
{
	unsigned int effort = options == NULL || options->effort == 0 ? 1 : options->effort;
	const struct fleet *fleet = fleet_build(arena, desired, inventory);
	struct plan *plan = arena_alloc(arena, sizeof(*plan));
	struct draft *draft = draft_create(arena, fleet);
	struct way_found way = route_find(draft, effort);
	plan->desired = desired->commit;
	struct simulation *end = write_moves(arena, way.done, &way.route, plan);
	diff_list(arena, fleet, plan);
	explain_blocked(way.done, end, plan);
	write_hosts(arena, draft->start, end, plan);
	plan->bound = way.exhaustive ? plan->move_count : bound_moves(way.done, end);
	plan->optimal = plan->bound == plan->move_count;
	explain_warnings(way.done, end, plan);
	plan->feasible = plan->blocked_count == 0;
	plan->in_sync = plan->move_count + plan->blocked_count + plan->unknown_count + plan->conflict_count +
	                        plan->decision_count + plan->drift_count ==
	                0;
	plan->id = identify_plan(arena, fleet, plan);
	return plan;
}
