/* Groups that are to stand together (policy `together`): placed as one. */
#include "reconcile/place.h"

#include "state/arena.h"

void place_groups(struct draft *draft)
{
	(void)draft;
}
