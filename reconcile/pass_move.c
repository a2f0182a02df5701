#include "reconcile/pass_data.h"
#include "reconcile/preflight.h"
#include "reconcile/remember.h"
#include "reconcile/retry.h"
#include "reconcile/wanted.h"
#include "state/arena.h"
#include "state/inventory.h"
#include "state/text.h"

/* Has a newer commit come that does not ask for the move any more? */
static bool is_superseded(const struct running *running, const struct move *move)
{
	const struct pass_listener *listener = running->pass->listener;
	const struct desired *newer = listener->newer == NULL ? NULL : listener->newer(listener->data, running->arena);
	if (newer == NULL) {
		return false;
	}
	return !wanted_still(running->arena, newer, pass_view(running), move, running->pass->effort);
}

static bool tell_progress(void *data, const struct transfer *transfer)
{
	struct running *running = data;
	const struct pass_listener *listener = running->pass->listener;
	const struct move *move = running->plan->moves;
	while (running->progress[move - running->plan->moves].state != MOVE_RUNNING) {
		move++;
	}
	const char *why = listener->progress == NULL ? NULL : listener->progress(listener->data, move, transfer);
	if (why == NULL && running->cancels == NULL && is_superseded(running, move)) {
		why = "a newer commit does not ask for it";
	}
	if (why != NULL && running->cancels == NULL) {
		running->cancels = arena_copy(running->arena, why);
	}
	return running->cancels == NULL;
}

bool pass_look_at_pair(struct running *running, const struct move *move, unsigned int how)
{
	const struct world *world = &running->pass->world;
	const char *const names[] = {move->from, move->to};
	const struct inventory *pair = world->functions->look(world->data, running->arena, names, 2, how);
	struct inventory *now = remember_hosts(running->arena, running->inventory, pair);
	bool same = true;
	for (size_t i = 0; i < 2; i++) {
		same = same && inventory_host_equal(inventory_host(now, names[i]),
		                                    inventory_host(running->inventory, names[i]));
	}
	running->inventory = now;
	return same;
}

static struct move_ending try_move(struct running *running, const struct move *move)
{
	struct move_order order;
	struct move_entry entry;
	struct move_ending ending = {.ending = ENDED_REFUSED};
	running->cancels = NULL;
	if (preflight_check(running->arena, running->pass->desired, running->inventory, move, running->plan->id, &order,
	                    &entry, &ending.reason)) {
		ending = execute_move(&running->execution, &order, &entry);
	}
	bool is_silent = ending.reason.text == NULL || ending.reason.text[0] == '\0';
	if (ending.ending == ENDED_CANCELLED && running->cancels != NULL) {
		ending.reason.text = arena_print(running->arena, "%s: %s", running->cancels, ending.reason.text);
	} else if (ending.ending == ENDED_DONE && running->cancels != NULL && is_silent) {
		ending.reason.text = arena_print(running->arena, "it was too late to cancel it (%s)", running->cancels);
	}
	return ending;
}

static enum move_state state_after(const struct move_ending *ending)
{
	switch (ending->ending) {
	case ENDED_DONE:
		return MOVE_DONE;
	case ENDED_CANCELLED:
		return MOVE_CANCELLED;
	case ENDED_REFUSED:
	case ENDED_FAILED:
	case ENDED_OPEN:
		return MOVE_FAILED;
	}
	return MOVE_FAILED;
}

/* It is kept for its next attempt, and told; or nobody comes back to it. */
static void count_failure(struct running *running, const struct move *move, const char *text)
{
	struct arena *arena = running->arena;
	const struct desired_vm *vm = desired_vm(running->pass->desired, move->vm);
	const struct failed_vm failed = {
	        .vm = move->vm,
	        .uuid = move->uuid,
	        .entry = vm == NULL ? "" : desired_vm_whole_entry(arena, vm),
	        .error = text == NULL ? "" : text,
	};
	int64_t now = running->pass->retries ? pass_now(running) : 0;
	running->result->failed++;
	running->failures = retry_add(arena, &running->failures, &failed, now);
	const struct reason *waits = retry_waits(arena, &running->failures, move->uuid, now);
	if (waits != NULL) {
		pass_note(running, arena_print(arena, "%s: %s", move->vm, waits->text));
	}
}

/* A VM that failed waits for its next attempt, unless something of the last one is still to be cleared away. */
static bool waits_for_attempt(struct running *running, const struct move *move, const struct move_ending *ending)
{
	return running->pass->retries && ending->ending == ENDED_FAILED &&
	       !pass_is_in_record(running, move->uuid, move->from, move->to);
}

static void account(struct running *running, size_t index, const struct move_ending *ending)
{
	const struct move *move = &running->plan->moves[index];
	struct move_progress *progress = &running->progress[index];
	const char *text = ending->reason.text != NULL && ending->reason.text[0] != '\0' ? ending->reason.text : NULL;
	*progress = (struct move_progress){
	        .state = state_after(ending),
	        .started = ending->started,
	        .ms = ending->ms,
	        .downtime_ms = ending->outcome.downtime_ms,
	        .bytes = ending->outcome.bytes,
	        .stall = ending->outcome.stall,
	        .iterations = ending->outcome.iterations,
	        .dirty_bytes_per_s = ending->outcome.dirty_bytes_per_s,
	        .error = text,
	};
	running->tried++;
	switch (ending->ending) {
	case ENDED_DONE:
		running->result->done++;
		running->failures = retry_succeed(running->arena, &running->failures, move->uuid);
		return;
	case ENDED_FAILED:
	case ENDED_OPEN:
		count_failure(running, move, text);
		break;
	case ENDED_CANCELLED:
	case ENDED_REFUSED:
		break;
	}
	running->open += ending->ending == ENDED_OPEN && ending->reason.code == CODE_DECISION ? 1 : 0;
	if (!waits_for_attempt(running, move, ending)) {
		pass_set_aside(running, move->uuid, ending->reason);
	}
}

struct move_ending pass_try_move(struct running *running, size_t index)
{
	/* Only now: recovery, which is over, has no move that anybody could follow or cancel. */
	const struct watcher watcher = {.tell = tell_progress, .data = running};
	running->execution.watcher = &watcher;
	running->progress[index].state = MOVE_RUNNING;
	struct move_ending ending = try_move(running, &running->plan->moves[index]);
	running->execution.watcher = NULL;
	account(running, index, &ending);
	return ending;
}
