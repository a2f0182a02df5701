#include "reconcile/bound.h"

size_t bound_moves(const struct draft *done, const struct simulation *end)
{
	size_t count = 0;
	for (uint32_t vm = 0; vm < done->fleet->vm_count; vm++) {
		count += end->at[vm] != done->fleet->vms[vm].home ? 1 : 0;
	}
	return count;
}
