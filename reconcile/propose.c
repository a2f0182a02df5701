#include "reconcile/propose.h"

#include "reconcile/balance.h"
#include "reconcile/planner.h"
#include "reconcile/propose_data.h"
#include "reconcile/spread.h"
#include "state/arena.h"
#include "state/text.h"

#include <errno.h>
#include <string.h>

enum { REPAIRS = 12 }; /* rounds of taking back what the planner could not bring about */

struct case_at_hand {
	struct arena *arena;
	const struct desired *desired;
	const struct inventory *inventory;
	const struct propose_options *options;
	const struct fleet *fleet;
	const struct plan *plan; /* of the present placement */
	struct simulation *end;  /* after it */
};

static struct case_at_hand look(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                                const struct propose_options *options)
{
	struct case_at_hand at_hand = {.arena = arena, .desired = desired, .inventory = inventory, .options = options};
	at_hand.fleet = fleet_build(arena, desired, inventory);
	at_hand.plan = planner_plan(arena, desired, inventory, &(struct planner_options){.effort = options->effort});
	at_hand.end = propose_end(arena, at_hand.fleet, at_hand.plan);
	return at_hand;
}

/* Entries for all that shall stand elsewhere than the present placement would have them. */
static struct desired *change_entries(const struct case_at_hand *c, const struct simulation *wanted)
{
	struct desired *changed = propose_copy(c->arena, c->desired);
	for (uint32_t vm = 0; vm < c->fleet->vm_count; vm++) {
		if (wanted->at[vm] != c->end->at[vm]) {
			propose_set_host(c->arena, changed, c->fleet->vms[vm].name,
			                 c->fleet->hosts[wanted->at[vm]].name);
		}
	}
	return changed;
}

/* Those among the changed that are newly blocked are taken back; or else, where it is others, the later half of all. */
static void take_back(const struct case_at_hand *c, const struct plan *plan, struct simulation *wanted)
{
	uint32_t blocked = 0;
	uint32_t changed = 0;
	for (uint32_t vm = 0; vm < c->fleet->vm_count; vm++) {
		const char *name = c->fleet->vms[vm].name;
		if (wanted->at[vm] == c->end->at[vm]) {
			continue;
		}
		changed++;
		if (propose_blocked(plan, name) != NULL) {
			simulate_move(wanted, vm, c->end->at[vm]);
			blocked++;
		}
	}
	uint32_t seen = 0;
	for (uint32_t vm = 0; blocked == 0 && vm < c->fleet->vm_count; vm++) {
		if (wanted->at[vm] != c->end->at[vm] && ++seen > changed / 2) {
			simulate_move(wanted, vm, c->end->at[vm]);
		}
	}
}

static bool blocks_more(const struct case_at_hand *c, const struct plan *plan)
{
	for (size_t i = 0; i < plan->blocked_count; i++) {
		if (propose_blocked(c->plan, plan->blocked[i].vm) == NULL) {
			return true;
		}
	}
	return false;
}

static uint32_t count_changes(const struct case_at_hand *c, const struct simulation *wanted)
{
	uint32_t count = 0;
	for (uint32_t vm = 0; vm < c->fleet->vm_count; vm++) {
		count += wanted->at[vm] != c->end->at[vm] ? 1 : 0;
	}
	return count;
}

/* Fills in desired, plan and changes: what is wanted, as far as the planner can bring it about. */
static void propose(const struct case_at_hand *c, struct simulation *wanted, struct proposal *proposal)
{
	proposal->desired = c->desired;
	proposal->plan = c->plan;
	for (int round = 0; round < REPAIRS && count_changes(c, wanted) > 0; round++) {
		struct desired *changed = change_entries(c, wanted);
		const struct plan *plan = propose_plan(c->arena, c->desired, changed, c->inventory, c->options);
		if (!blocks_more(c, plan)) {
			proposal->desired = changed;
			proposal->plan = plan;
			break;
		}
		take_back(c, plan, wanted);
	}
	propose_list_changes(c->arena, c->fleet, c->desired, proposal);
}

static size_t count_hosts(const struct fleet *fleet)
{
	size_t count = 0;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		count += spread_counts(fleet, host) ? 1 : 0;
	}
	return count;
}

/* Is the whole worth its changes, as the planner will bring it about? */
static bool is_worth(const struct case_at_hand *c, const struct proposal *proposal)
{
	int64_t gain = (proposal->before - proposal->after) * (int64_t)proposal->host_count;
	int64_t rounding = (int64_t)proposal->host_count;
	return proposal->after < proposal->before &&
	       gain + rounding >= (int64_t)(c->options->min_gain * proposal->change_count);
}

const struct proposal *propose_balance(struct arena *arena, const struct desired *desired,
                                       const struct inventory *inventory, const struct propose_options *options)
{
	struct case_at_hand c = look(arena, desired, inventory, options);
	struct proposal *proposal = arena_alloc(arena, sizeof(*proposal));
	proposal->kind = PROPOSAL_BALANCE;
	proposal->host_count = count_hosts(c.fleet);
	proposal->before = (int64_t)spread_measure(c.end);
	struct simulation *wanted = simulate_copy(arena, c.end);
	bool *fixed = arena_array(arena, c.fleet->vm_count, sizeof(*fixed));
	for (uint32_t vm = 0; vm < c.fleet->vm_count; vm++) {
		fixed[vm] = propose_blocked(c.plan, c.fleet->vms[vm].name) != NULL;
	}
	const struct balance_options balance = {options->min_gain, options->keep_pins, options->moves, fixed,
	                                        options->effort};
	balance_run(arena, wanted, &balance);
	propose(&c, wanted, proposal);
	proposal->after = (int64_t)spread_measure(propose_end(arena, c.fleet, proposal->plan));
	if (!is_worth(&c, proposal)) {
		proposal->change_count = 0;
		proposal->desired = desired;
		proposal->plan = c.plan;
		proposal->after = proposal->before;
	}
	return proposal;
}

/* Would it leave those that it stands together with? */
static bool parts_group(const struct case_at_hand *c, uint32_t vm, uint32_t to)
{
	const struct fleet_vm *v = &c->fleet->vms[vm];
	for (uint32_t i = 0; i < v->rule_count; i++) {
		const struct rule *rule = &c->fleet->rules[v->rules[i]];
		if (rule->policy->kind == POLICY_TOGETHER && !group_is_parted(c->end, rule) &&
		    rule->groups->of[to] != rule->groups->of[c->end->at[vm]]) {
			return true;
		}
	}
	return false;
}

static bool is_eligible(const struct case_at_hand *c, uint32_t vm, uint32_t to)
{
	const struct fleet_vm *v = &c->fleet->vms[vm];
	bool suits = v->desired->pinned ? fleet_admits(c->fleet, vm, to) : fleet_suits(c->fleet, vm, to);
	return suits && to != v->home && obstacle_absent(c->fleet, vm, v->home, to, NULL) &&
	       simulate_has_room(c->end, vm, v->home, to, NULL) && !parts_group(c, vm, to);
}

/* Where it would leave the most free; its present place unless another leaves more. */
static uint32_t most_free(const struct case_at_hand *c, uint32_t vm)
{
	uint32_t best = c->end->at[vm];
	bool may_stay = fleet_suits(c->fleet, vm, best);
	int64_t most = simulate_free(c->end, best);
	for (uint32_t host = 0; host < c->fleet->host_count; host++) {
		if (host == c->end->at[vm] || !is_eligible(c, vm, host)) {
			continue;
		}
		int64_t free = simulate_free(c->end, host) - (int64_t)fleet_claim(c->fleet, vm, host);
		if (!may_stay || free > most) {
			best = host;
			most = free;
			may_stay = true;
		}
	}
	return best;
}

/* Why a VM cannot be moved at all; NULL: it can. */
static const char *why_not(const struct case_at_hand *c, const char *name, uint32_t vm)
{
	if (vm == NOWHERE || c->fleet->vms[vm].reported) {
		const struct reason *reason = propose_blocked(c->plan, name);
		return reason != NULL  ? arena_print(c->arena, "%s", reason->text)
		       : vm == NOWHERE ? arena_print(c->arena, "it is not clear where %s is; see the plan", name)
		                       : arena_print(c->arena, "%s has drifted, which is only reported", name);
	}
	const struct vm *seen = c->fleet->vms[vm].seen;
	return seen->immovable_count > 0 ? arena_print(c->arena, "%s: %s", name, seen->immovable[0].reason) : NULL;
}

int propose_vm(struct arena *arena, const struct desired *desired, const struct inventory *inventory, const char *vm,
               const struct propose_options *options, const struct proposal **ret_proposal, struct error *err)
{
	if (desired_vm(desired, vm) == NULL) {
		return error_set(err, -ENOENT, "the placement names no VM %s", vm);
	}
	struct case_at_hand c = look(arena, desired, inventory, options);
	struct proposal *proposal = arena_alloc(arena, sizeof(*proposal));
	*proposal = (struct proposal){.kind = PROPOSAL_VM, .subject = vm, .desired = desired, .plan = c.plan};
	*ret_proposal = proposal;
	uint32_t found = propose_find(c.fleet, vm);
	proposal->note = why_not(&c, vm, found);
	if (proposal->note != NULL) {
		return 0;
	}
	struct simulation *wanted = simulate_copy(arena, c.end);
	uint32_t host = most_free(&c, found);
	proposal->before = simulate_free(c.end, c.end->at[found]);
	proposal->after = proposal->before;
	const char *where = c.fleet->hosts[c.end->at[found]].name;
	if (host == c.end->at[found]) {
		proposal->note =
		        arena_print(arena, "%s %s %s, and no eligible host would have more free RAM", vm,
		                    host == c.fleet->vms[found].home ? "is already on" : "already goes to", where);
		return 0;
	}
	simulate_move(wanted, found, host);
	propose(&c, wanted, proposal);
	if (proposal->change_count == 0) {
		proposal->note =
		        arena_print(arena, "no way was found that leads %s to %s", vm, c.fleet->hosts[host].name);
		return 0;
	}
	struct simulation *end = propose_end(arena, c.fleet, proposal->plan);
	proposal->after = simulate_free(end, end->at[found]);
	return 0;
}
