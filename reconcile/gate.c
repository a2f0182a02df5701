#include "reconcile/gate.h"

#include "policies/policy.h"
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

const struct plan *gate_plan(struct arena *arena, const struct desired *desired, const struct plan *plan,
                             int64_t seconds)
{
	struct plan *gated = arena_alloc(arena, sizeof(*gated));
	*gated = *plan;
	gated->moves = arena_array(arena, plan->move_count, sizeof(*gated->moves));
	for (size_t i = 0; i < plan->move_count; i++) {
		struct move *move = &gated->moves[i];
		*move = plan->moves[i];
		const struct desired_vm *vm = desired_vm(desired, move->vm);
		const char *closed =
		        vm == NULL || move->waits != NULL ? NULL : closed_windows(arena, desired, vm, seconds);
		if (closed != NULL) {
			struct reason *waits = arena_alloc(arena, sizeof(*waits));
			waits->code = CODE_WINDOW;
			waits->text = arena_print(arena, "outside of %s", closed);
			move->waits = waits;
		}
	}
	return gated;
}
