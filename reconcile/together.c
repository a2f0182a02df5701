#include "reconcile/together.h"

#include <string.h>

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

static bool try_shift(struct simulation *sim, struct route *route, uint32_t from, uint32_t to)
{
	shift(route->steps, from, to);
	bool allowed = order_is_allowed(sim, route->steps, from < to ? from : to, from < to ? to : from);
	if (!allowed) {
		shift(route->steps, to, from);
	}
	return allowed;
}

static bool is_of(const struct rule *rule, const struct step *step)
{
	return !step->hop && rule_has(rule, step->vm);
}

/* Brings the members' steps to one place: each forward to those before it, or those before back to it. */
static void adjoin_group(struct simulation *sim, struct route *route, const struct rule *rule)
{
	uint32_t end = NOWHERE; /* behind the run that is being built */
	for (uint32_t i = 0; i < route->count; i++) {
		if (!is_of(rule, &route->steps[i])) {
			continue;
		}
		if (end == NOWHERE || i == end || try_shift(sim, route, i, end)) {
			end = end == NOWHERE || i == end ? i + 1 : end + 1;
			continue;
		}
		uint32_t first = end;
		while (first > 0 && is_of(rule, &route->steps[first - 1])) {
			first--;
		}
		for (uint32_t left = end - first; left > 0 && try_shift(sim, route, first, i - 1); left--) {
		}
		end = i + 1;
	}
}

void together_adjoin(const struct draft *done, struct route *route)
{
	struct simulation *sim = simulate_copy(done->arena, done->start);
	for (uint32_t i = 0; i < done->fleet->rule_count; i++) {
		const struct rule *rule = &done->fleet->rules[i];
		if (rule->policy->kind == POLICY_TOGETHER) {
			adjoin_group(sim, route, rule);
		}
	}
}
