#include "reconcile/together.h"

#include "state/arena.h"

#include <string.h>

/* Are all steps allowed, one after another? */
static bool is_allowed(const struct draft *done, const struct step *steps, uint32_t count)
{
	struct simulation *sim = simulate_copy(done->arena, done->start);
	for (uint32_t i = 0; i < count; i++) {
		if (sim->at[steps[i].vm] != steps[i].from || !simulate_allows(sim, steps[i].vm, steps[i].to, NULL)) {
			return false;
		}
		simulate_move(sim, steps[i].vm, steps[i].to);
	}
	return true;
}

/* Takes the step at `from` out and puts it in at `to`. */
static void shift(struct step *steps, uint32_t from, uint32_t to)
{
	struct step moved = steps[from];
	if (from > to) {
		memmove(steps + to + 1, steps + to, (from - to) * sizeof(*steps));
	} else {
		memmove(steps + from, steps + from + 1, (to - from) * sizeof(*steps));
	}
	steps[to] = moved;
}

static bool try_shift(const struct draft *done, struct route *route, uint32_t from, uint32_t to)
{
	if (from == to) {
		return true;
	}
	struct step *trial = arena_grow(done->arena, route->steps, route->count, route->count, sizeof(*trial));
	shift(trial, from, to);
	if (!is_allowed(done, trial, route->count)) {
		return false;
	}
	memcpy(route->steps, trial, route->count * sizeof(*trial));
	return true;
}

static bool is_of(const struct rule *rule, const struct step *step)
{
	return rule->members[step->vm] && !step->hop;
}

/* Brings the members' steps to one place: forward to the first of them, or those before back to the last. */
static void adjoin_group(const struct draft *done, struct route *route, const struct rule *rule)
{
	uint32_t end = NOWHERE; /* behind the run that is being built */
	for (uint32_t i = 0; i < route->count; i++) {
		if (!is_of(rule, &route->steps[i])) {
			continue;
		}
		if (end == NOWHERE || i == end || try_shift(done, route, i, end)) {
			end = end == NOWHERE || i == end ? i + 1 : end + 1;
			continue;
		}
		/* It cannot come earlier: can the run before it come later? */
		uint32_t first = end;
		while (first > 0 && is_of(rule, &route->steps[first - 1])) {
			first--;
		}
		for (uint32_t moved = 0, run = end - first; moved < run; moved++) {
			if (!try_shift(done, route, first, i - 1)) {
				break;
			}
		}
		end = i + 1;
	}
}

void together_adjoin(const struct draft *done, struct route *route)
{
	for (uint32_t i = 0; i < done->fleet->rule_count; i++) {
		const struct rule *rule = &done->fleet->rules[i];
		if (rule->policy->kind == POLICY_TOGETHER) {
			adjoin_group(done, route, rule);
		}
	}
}
