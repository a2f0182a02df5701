#include "cmd/outcome.h"

enum exit_code outcome_of(const struct plan *plan)
{
	bool waits = false;
	for (size_t i = 0; i < plan->move_count; i++) {
		waits = waits || plan->moves[i].waits != NULL;
	}
	bool incomplete = waits || plan->blocked_count > 0 || plan->unknown_count > 0 || plan->conflict_count > 0 ||
	                  plan->decision_count > 0;
	return incomplete ? EXIT_INCOMPLETE : EXIT_DONE;
}
