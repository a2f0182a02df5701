#include "reconcile/pass_data.h"
#include "reconcile/summary.h"
#include "state/arena.h"
#include "state/text.h"

static const struct failure *list_failures(const struct running *running)
{
	const struct failures *failures = &running->failures;
	struct failure *list = arena_array(running->arena, failures->count, sizeof(*list));
	for (size_t i = 0; i < failures->count; i++) {
		list[i] = (struct failure){
		        .vm = failures->items[i].vm,
		        .attempts = failures->items[i].attempts,
		        .next = failures->items[i].next,
		        .error = failures->items[i].error,
		};
	}
	return list;
}

static const struct reason *waits_in(const struct plan *left, const struct move *move)
{
	for (size_t i = 0; i < left->move_count; i++) {
		const struct move *other = &left->moves[i];
		if (text_equal(other->uuid, move->uuid) && text_equal(other->from, move->from) &&
		    text_equal(other->to, move->to)) {
			return other->waits;
		}
	}
	return NULL;
}

/* Of a plan that has come to its end, those moves that are still to be made with what they wait for now. */
static struct move *shown_moves(const struct running *running, const struct plan *left)
{
	const struct plan *plan = running->plan;
	struct move *moves = arena_array(running->arena, plan->move_count, sizeof(*moves));
	for (size_t i = 0; i < plan->move_count; i++) {
		moves[i] = plan->moves[i];
		if (running->progress[i].state != MOVE_DONE) {
			moves[i].waits = waits_in(left, &moves[i]);
		}
	}
	return moves;
}

int pass_tell(struct running *running, const struct plan *left, const struct ended_move *ended, struct error *err)
{
	bool same = left == running->plan;
	struct plan told = *left;
	struct status status = summary_make(running->arena, running->desired, running->inventory, left,
	                                    same ? running->progress : NULL, running->open);
	if (!same) { /* what is left is nothing to show as moves: those that led to it are */
		told.id = running->plan->id;
		told.moves = shown_moves(running, left);
		told.move_count = running->plan->move_count;
		told.memory = running->plan->memory;
		told.disk = running->plan->disk;
	}
	status.plan = &told;
	status.progress = running->progress;
	status.failures = list_failures(running);
	status.failure_count = running->failures.count;
	running->result->phase = status.phase;
	const char *push_error = NULL;
	int r = publish_status(running->arena, &running->pass->publisher, &status, running->inventory, ended,
	                       &push_error, err);
	if (push_error != NULL) {
		pass_note(running, arena_print(running->arena, "the status is not pushed yet: %s", push_error));
	}
	return r;
}
