#include "cmd/outcome.h"
#include "cmd/source.h"
#include "reconcile/gate.h"
#include "reconcile/planner.h"

#include <stdio.h>

enum exit_code verb_plan(struct arena *arena, const struct setting *setting)
{
	const struct desired *desired = NULL;
	const char *key = NULL;
	const struct inventory *inventory = NULL;
	enum exit_code code = source_desired(arena, setting, &desired, &key);
	if (code == EXIT_DONE) {
		code = source_inventory(arena, setting, desired, key, &inventory);
	}
	if (inventory == NULL || desired == NULL) {
		return code;
	}
	/* From a record the same input gives the same bytes; what waits now is told where now is asked for. */
	if (setting->options.inventory == NULL) {
		source_held(arena, setting, key, &desired, &inventory);
	}
	const struct planner_options options = {.effort = setting->effort};
	const struct plan *plan = planner_plan(arena, desired, inventory, &options);
	if (setting->options.inventory == NULL) {
		const struct gating gating = source_gating(arena, setting, desired, key, plan);
		plan = gate_plan(arena, desired, inventory, plan, &gating);
	}
	fputs(setting->output == OUTPUT_JSON ? plan_json(arena, plan)
	                                     : plan_text(arena, plan, setting->columns, setting->colour),
	      stdout);
	if (code == EXIT_DONE) {
		code = outcome_of(plan);
	}
	if (code == EXIT_DONE && setting->options.exit_code && (plan->move_count > 0 || plan->drift_count > 0)) {
		code = EXIT_CHANGES;
	}
	return code;
}
