#include "reconcile/retry.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_DELAY = 30, LONGEST_DELAY = 60 * 60 };

int64_t retry_delay_seconds(unsigned int attempts)
{
	int64_t delay = FIRST_DELAY;
	for (unsigned int i = 1; i < attempts && delay < LONGEST_DELAY; i++) {
		delay *= 2;
	}
	return delay < LONGEST_DELAY ? delay : LONGEST_DELAY;
}

struct failures retry_begin(const struct failures *failures, const char *commit)
{
	struct failures begun = *failures;
	begun.row = text_equal(failures->commit, commit) ? failures->row : 0;
	begun.commit = commit;
	return begun;
}

static const struct failed_vm *find(const struct failures *failures, const char *uuid)
{
	for (size_t i = 0; i < failures->count; i++) {
		if (text_equal(failures->items[i].uuid, uuid)) {
			return &failures->items[i];
		}
	}
	return NULL;
}

/* All but this VM's, NULL: all. */
static struct failures without(struct arena *arena, const struct failures *failures, const char *uuid)
{
	struct failures left = {.row = failures->row, .commit = failures->commit};
	for (size_t i = 0; i < failures->count; i++) {
		if (!text_equal(failures->items[i].uuid, uuid)) {
			ARENA_ADD(arena, left.items, left.count) = failures->items[i];
		}
	}
	return left;
}

static int compare(const void *a, const void *b)
{
	const struct failed_vm *left = a;
	const struct failed_vm *right = b;
	int order = strcmp(left->vm, right->vm);
	return order != 0 ? order : strcmp(left->uuid, right->uuid);
}

struct failures retry_add(struct arena *arena, const struct failures *failures, const struct failed_vm *failed,
                          int64_t now)
{
	const struct failed_vm *known = find(failures, failed->uuid);
	struct failed_vm added = *failed;
	struct failures all = without(arena, failures, failed->uuid);
	added.attempts = 1 + (known == NULL || !text_equal(known->entry, failed->entry) ? 0 : known->attempts);
	added.next = now == 0 ? 0 : now + retry_delay_seconds(added.attempts);
	ARENA_ADD(arena, all.items, all.count) = added;
	qsort(all.items, all.count, sizeof(*all.items), compare);
	all.row++;
	return all;
}

struct failures retry_succeed(struct arena *arena, const struct failures *failures, const char *uuid)
{
	struct failures left = without(arena, failures, uuid);
	left.row = 0;
	return left;
}

static bool is_contested(const struct contested_vm *vms, size_t count, const char *vm)
{
	for (size_t i = 0; i < count; i++) {
		if (text_equal(vms[i].vm, vm)) {
			return true;
		}
	}
	return false;
}

static bool is_blocked(const struct plan *plan, const char *vm)
{
	for (size_t i = 0; i < plan->blocked_count; i++) {
		if (text_equal(plan->blocked[i].vm, vm)) {
			return true;
		}
	}
	return false;
}

/* Is there a move of it, or something that keeps it from one? */
static bool has_to_do(const struct plan *plan, const struct failed_vm *failed)
{
	for (size_t i = 0; i < plan->move_count; i++) {
		if (text_equal(plan->moves[i].uuid, failed->uuid)) {
			return true;
		}
	}
	for (size_t i = 0; i < plan->unknown_count; i++) {
		if (text_equal(plan->unknown[i].vm, failed->vm)) {
			return true;
		}
	}
	return is_blocked(plan, failed->vm) || is_contested(plan->conflicts, plan->conflict_count, failed->vm) ||
	       is_contested(plan->decisions, plan->decision_count, failed->vm);
}

struct failures retry_keep(struct arena *arena, const struct failures *failures, const struct desired *desired,
                           const struct plan *plan)
{
	struct failures left = {.row = failures->row, .commit = failures->commit};
	for (size_t i = 0; i < failures->count; i++) {
		const struct failed_vm *failed = &failures->items[i];
		const struct desired_vm *vm = desired_vm(desired, failed->vm);
		if (vm != NULL && text_equal(desired_vm_whole_entry(arena, vm), failed->entry) &&
		    has_to_do(plan, failed)) {
			ARENA_ADD(arena, left.items, left.count) = *failed;
		}
	}
	return left;
}

const struct reason *retry_waits(struct arena *arena, const struct failures *failures, const char *uuid, int64_t now)
{
	const struct failed_vm *failed = find(failures, uuid);
	if (failed == NULL || failed->next <= now) {
		return NULL;
	}
	struct reason *waits = arena_alloc(arena, sizeof(*waits));
	*waits = (struct reason){
	        .code = CODE_DELAY,
	        .text = arena_print(arena, "%u attempt%s failed, again at %s", failed->attempts,
	                            failed->attempts == 1 ? "" : "s", units_time(arena, failed->next)),
	};
	return waits;
}

static bool waits_for_time(const struct plan *plan, const struct failed_vm *failed)
{
	for (size_t i = 0; i < plan->move_count; i++) {
		const struct move *move = &plan->moves[i];
		if (text_equal(move->uuid, failed->uuid) && move->waits != NULL && move->waits->code == CODE_DELAY) {
			return true;
		}
	}
	return is_blocked(plan, failed->vm);
}

int64_t retry_next(const struct failures *failures, const struct plan *plan, int64_t now)
{
	int64_t next = 0;
	for (size_t i = 0; i < failures->count; i++) {
		const struct failed_vm *failed = &failures->items[i];
		if (failed->next > now && (next == 0 || failed->next < next) && waits_for_time(plan, failed)) {
			next = failed->next;
		}
	}
	return next;
}
