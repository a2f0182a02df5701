#include "reconcile/wanted.h"

#include "reconcile/planner.h"
#include "state/text.h"

bool wanted_still(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                  const struct move *move, unsigned int effort)
{
	const struct planner_options options = {.effort = effort == 0 ? 1 : effort};
	const struct plan *plan = planner_plan(arena, desired, inventory, &options);
	for (size_t i = 0; i < plan->move_count; i++) {
		const struct move *other = &plan->moves[i];
		if (text_equal(other->uuid, move->uuid) && text_equal(other->from, move->from) &&
		    text_equal(other->to, move->to)) {
			return true;
		}
	}
	return false;
}
