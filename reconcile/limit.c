#include "reconcile/limit.h"

#include "state/arena.h"
#include "state/text.h"

#include <inttypes.h>

static const struct reason *wait_for(struct arena *arena, const char *text)
{
	struct reason *reason = arena_alloc(arena, sizeof(*reason));
	*reason = (struct reason){.code = CODE_LIMIT, .text = text};
	return reason;
}

static const struct reason *wait_for_approval(struct arena *arena, const char *text)
{
	return wait_for(arena, arena_print(arena, "%s; berth approve lets this plan run", text));
}

static size_t count_down(const struct plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->host_count; i++) {
		count += plan->hosts[i].connection == NULL ? 0 : 1;
	}
	return count;
}

static size_t count_in_maintenance(const struct desired *desired)
{
	size_t count = 0;
	for (size_t i = 0; i < desired->host_count; i++) {
		count += desired->hosts[i].maintenance ? 1 : 0;
	}
	return count;
}

/* A VM that makes a hop has several moves. */
static size_t count_moved(const struct plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->move_count; i++) {
		size_t first = 0;
		while (!text_equal(plan->moves[first].uuid, plan->moves[i].uuid)) {
			first++;
		}
		count += first == i ? 1 : 0;
	}
	return count;
}

/* "10%", "2.5%" */
static const char *percent(struct arena *arena, uint64_t millionths)
{
	const unsigned int hundredths_of_percent = 10000;
	uint64_t fraction = millionths % hundredths_of_percent;
	int digits = 4;
	while (fraction != 0 && fraction % 10 == 0) {
		fraction /= 10;
		digits--;
	}
	return fraction == 0 ? arena_print(arena, "%" PRIu64 "%%", millionths / hundredths_of_percent)
	                     : arena_print(arena, "%" PRIu64 ".%0*" PRIu64 "%%", millionths / hundredths_of_percent,
	                                   digits, fraction);
}

static const struct reason *exceeds(struct arena *arena, const struct limits *limits, const struct desired *desired,
                                    const struct plan *plan)
{
	size_t moved = count_moved(plan);
	size_t managed = desired->vm_count - plan->missing_count;
	size_t drained = count_in_maintenance(desired);
	if (plan->move_count > limits->moves) {
		return wait_for_approval(
		        arena, arena_print(arena, "%zu moves, the limit is %" PRIu64, plan->move_count, limits->moves));
	}
	if (limits->share_millionths != LIMIT_NONE && (uint64_t)moved * 1000000 > limits->share_millionths * managed) {
		return wait_for_approval(arena, arena_print(arena, "%zu of %zu VMs are to be moved, the limit is %s",
		                                            moved, managed, percent(arena, limits->share_millionths)));
	}
	if (drained > limits->hosts_in_maintenance) {
		return wait_for_approval(arena,
		                         arena_print(arena, "%zu host%s in maintenance, the limit is %" PRIu64, drained,
		                                     drained == 1 ? "" : "s", limits->hosts_in_maintenance));
	}
	return NULL;
}

const struct reason *limit_waits(struct arena *arena, const struct limits *limits, const struct desired *desired,
                                 const struct plan *plan, size_t row, bool approved)
{
	size_t down = count_down(plan);
	if (row >= limits->failures) {
		return wait_for(arena, arena_print(arena, "%zu moves in a row failed, the limit is %" PRIu64, row,
		                                   limits->failures));
	}
	if (down >= limits->hosts_down) {
		return wait_for(arena, arena_print(arena, "%zu host%s not answering, the limit is %" PRIu64, down,
		                                   down == 1 ? "" : "s", limits->hosts_down));
	}
	return approved ? NULL : exceeds(arena, limits, desired, plan);
}
