/*
 * A better placement and the plan that leads there, as `berth propose` shows it.
 *
 * A value: made once (reconcile/propose.h), then const. What a commit would have to change are the changes, each a new
 * `host` of a VM's entry, and with `maintenance` that of a host. Sizes are bytes. Pure.
 */
#ifndef BERTH_PROPOSAL_H
#define BERTH_PROPOSAL_H

#include "state/plan.h"

enum proposal_kind { PROPOSAL_BALANCE, PROPOSAL_DRAIN, PROPOSAL_VM };

struct change {
	const char *vm;
	const char *from; /* where it is now */
	const char *to;   /* the host that its entry names from now on */
};

/* What stays on a host that is to be drained. */
struct left_vm {
	const char *vm;
	const char *reason;
};

struct proposal {
	enum proposal_kind kind;
	const char *subject;     /* drain: the host; vm: the VM; balance: NULL */
	const char *maintenance; /* drain: the host, if it is not yet in maintenance; NULL: no such change */
	struct change *changes;  /* by VM */
	size_t change_count;
	/*
	 * balance: the spread, in millionths; drain: VMs on the host; vm: RAM that is free on its host, with the VM.
	 * before: where the present placement leads to, but for drain now.
	 */
	int64_t before;
	int64_t after;
	size_t host_count;    /* balance: over so many hosts */
	const char *note;     /* vm: why nothing is proposed, NULL otherwise */
	struct left_vm *left; /* drain: by VM */
	size_t left_count;
	const struct desired *desired; /* the proposed placement */
	const struct plan *plan;       /* from what is now to that; its id is not that of a commit */
};

bool proposal_is_empty(const struct proposal *proposal);

/* Keys: berth, kind, subject, maintenance, changes, gain, left, plan (with the keys of plan_json). */
const char *proposal_json(struct arena *arena, const struct proposal *proposal);

/* For a terminal: what is gained and changed, and the plan's text. */
const char *proposal_text(struct arena *arena, const struct proposal *proposal, unsigned int columns, bool colour);

#endif
