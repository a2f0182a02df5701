#include "reconcile/pass_data.h"
#include "state/arena.h"
#include "state/consent.h"
#include "state/text.h"

static int ask_for_lift(struct running *running, struct error *err)
{
	struct record *record = running->pass->publisher.record;
	bool lifted = false;
	int r = consent_brake_lifted(record, &lifted, err);
	if (r < 0 || !lifted) {
		return r;
	}
	running->failures.row = 0;
	r = pass_keep_failures(running, err);
	return r < 0 ? r : consent_forget_lift(record, err);
}

int pass_ask_consent(struct running *running, const struct plan *plan, bool *ret_approved, struct error *err)
{
	struct record *record = running->pass->publisher.record;
	const char *approved = NULL;
	int r = ask_for_lift(running, err);
	if (r == 0) {
		r = consent_approved(record, running->arena, &approved, err);
	}
	if (r == 0 && approved != NULL && !text_equal(approved, plan->id)) {
		pass_note(running,
		          arena_print(running->arena, "plan %s was approved, and is no longer the plan", approved));
		r = consent_forget_approval(record, err);
		approved = NULL;
	}
	if (r == 0) {
		*ret_approved = approved != NULL || text_equal(running->pass->only_plan, plan->id);
	}
	return r;
}
