/* survive: could the VMs of any so many hosts be started on the others? Reported, never planned for. */
#include "policies/policy.h"

#include "state/arena.h"

#include <stdlib.h>
#include <string.h>

/* One case: these hosts are gone. Returns the VMs that find no place. */
static struct homeless try_case(struct arena *arena, const bool *gone, const struct survive_host *hosts,
                                uint32_t host_count, const uint64_t *memory_of_vm)
{
	struct homeless result = {0};
	int64_t *free = arena_array(arena, host_count, sizeof(*free));
	for (uint32_t i = 0; i < host_count; i++) {
		free[i] = hosts[i].free;
		if (gone[i]) {
			ARENA_ADD(arena, result.hosts, result.host_count) = i;
		}
	}
	for (uint32_t from = 0; from < host_count; from++) {
		for (uint32_t i = 0; gone[from] && i < hosts[from].vm_count; i++) {
			uint32_t best = host_count;
			for (uint32_t to = 0; to < host_count; to++) {
				if (!gone[to] && hosts[to].counts && (best == host_count || free[to] > free[best])) {
					best = to;
				}
			}
			uint32_t vm = hosts[from].vms[i];
			uint64_t claim = best == host_count ? 0 : memory_of_vm[vm] + hosts[best].overhead;
			if (best == host_count || free[best] < 0 || (uint64_t)free[best] < claim) {
				ARENA_ADD(arena, result.vms, result.vm_count) = vm;
			} else {
				free[best] -= (int64_t)claim;
			}
		}
	}
	return result;
}

struct load {
	uint32_t host;
	uint64_t memory;
};

static int compare_loads(const void *a, const void *b)
{
	const struct load *left = a;
	const struct load *right = b;
	if (left->memory != right->memory) {
		return left->memory > right->memory ? -1 : 1;
	}
	return left->host < right->host ? -1 : left->host > right->host;
}

/* The `count` hosts whose VMs take the most memory. */
static void mark_largest(struct arena *arena, uint64_t count, const struct survive_host *hosts, uint32_t host_count,
                         const uint64_t *memory_of_vm, bool *gone)
{
	struct load *loads = arena_array(arena, host_count, sizeof(*loads));
	for (uint32_t i = 0; i < host_count; i++) {
		loads[i].host = i;
		for (uint32_t j = 0; j < hosts[i].vm_count; j++) {
			loads[i].memory += memory_of_vm[hosts[i].vms[j]];
		}
	}
	qsort(loads, host_count, sizeof(*loads), compare_loads);
	for (uint32_t i = 0; i < host_count && i < count; i++) {
		gone[loads[i].host] = true;
	}
}

size_t survive_check(struct arena *arena, uint64_t count, const struct survive_host *hosts, uint32_t host_count,
                     const uint64_t *memory_of_vm, struct homeless **ret_cases)
{
	struct homeless *cases = NULL;
	size_t case_count = 0;
	bool *gone = arena_array(arena, host_count, sizeof(*gone));
	uint32_t tries = host_count == 0 || count == 0 ? 0 : count == 1 ? host_count : 1;
	for (uint32_t i = 0; i < tries; i++) {
		memset(gone, 0, host_count * sizeof(*gone));
		if (count == 1) {
			gone[i] = true;
		} else {
			mark_largest(arena, count, hosts, host_count, memory_of_vm, gone);
		}
		struct homeless found = try_case(arena, gone, hosts, host_count, memory_of_vm);
		if (found.vm_count > 0) {
			ARENA_ADD(arena, cases, case_count) = found;
		}
	}
	*ret_cases = cases;
	return case_count;
}

const struct policy_row policy_survive = {.kind = POLICY_SURVIVE};
