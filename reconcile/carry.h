/*
 * A VM that is off for its move: volume by volume through berth's own connections, compared, defined on the target, and
 * only then undefined on the source (spec section 5). Whatever is not as it was, at any point, ends it.
 */
#ifndef BERTH_CARRY_H
#define BERTH_CARRY_H

#include "reconcile/execute.h"

/*
 * What only the process that carries a move knows: is the target's definition of a stopped VM its own, which never ran,
 * and is it sure that the source's is still there? Only then may it be taken back.
 */
struct carrying {
	struct move_entry *entry;
	bool may_take_back;
};

/* The VM is stopped: its files are copied and compared, then its definition changes hosts. */
int carry_stopped(const struct execution *execution, const struct move_order *order, struct carrying *carrying,
                  struct outcome *outcome, struct error *err);

/* The same with a guest that runs: it is asked to shut down first. Starting it again is settling's business. */
int carry_running(const struct execution *execution, const struct move_order *order, struct carrying *carrying,
                  struct outcome *outcome, struct error *err);

#endif
