#include "state/desired.h"

#include "state/text.h"

#include <string.h>

static const char *const MODES[] = {
        [MODE_LIVE] = "live",
        [MODE_SUSPENDED] = "suspended",
        [MODE_STOPPED] = "stopped",
};

static const char *const DRIFTS[] = {[DRIFT_CORRECT] = "correct", [DRIFT_REPORT] = "report"};

static const char *const POLICY_KINDS[] = {
        [POLICY_APART] = "apart",   [POLICY_TOGETHER] = "together", [POLICY_ONLY_ON] = "only_on",
        [POLICY_NOT_ON] = "not_on", [POLICY_AT_MOST] = "at_most",   [POLICY_SURVIVE] = "survive",
        [POLICY_WINDOW] = "window",
};

const char *mode_word(enum mode mode)
{
	return MODES[mode];
}

const char *drift_word(enum drift drift)
{
	return DRIFTS[drift];
}

const char *policy_kind_word(enum policy_kind kind)
{
	return POLICY_KINDS[kind];
}

bool desired_reads_folder(const char *name)
{
	return name[0] != '\0' && name[0] != '.';
}

bool desired_reads_file(const char *name)
{
	const char *dot = strrchr(name, '.');
	return name[0] != '.' && dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/*
 * The index of a name in a sorted array whose items begin with a pointer to their name (hosts, VMs, labels, names).
 * False when it is not there.
 */
static bool find_name(const void *items, size_t count, size_t size, const char *name, size_t *ret_index)
{
	size_t low = 0;
	size_t high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *there;
		memcpy(&there, (const char *)items + middle * size, sizeof(there));
		int order = strcmp(there, name);
		if (order == 0) {
			*ret_index = middle;
			return true;
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return false;
}

const struct desired_host *desired_host(const struct desired *desired, const char *name)
{
	_Static_assert(offsetof(struct desired_host, name) == 0, "found by its name");
	size_t index;
	bool found = find_name(desired->hosts, desired->host_count, sizeof(struct desired_host), name, &index);
	return found ? &desired->hosts[index] : NULL;
}

const struct desired_vm *desired_vm(const struct desired *desired, const char *name)
{
	_Static_assert(offsetof(struct desired_vm, name) == 0, "found by its name");
	size_t index;
	bool found = find_name(desired->vms, desired->vm_count, sizeof(struct desired_vm), name, &index);
	return found ? &desired->vms[index] : NULL;
}

const char *labels_get(const struct labels *labels, const char *key)
{
	_Static_assert(offsetof(struct label, key) == 0, "found by its key");
	size_t index;
	bool found = find_name(labels->items, labels->count, sizeof(struct label), key, &index);
	return found ? labels->items[index].value : NULL;
}

bool labels_match(const struct labels *wanted, const struct labels *labels)
{
	for (size_t i = 0; i < wanted->count; i++) {
		const char *value = labels_get(labels, wanted->items[i].key);
		if (value == NULL || strcmp(value, wanted->items[i].value) != 0) {
			return false;
		}
	}
	return true;
}

bool selector_selects(const struct selector *selector, const char *name, const struct labels *labels)
{
	size_t index;
	if (selector->by_name) {
		return find_name(selector->names, selector->name_count, sizeof(const char *), name, &index);
	}
	return labels_match(&selector->labels, labels);
}

struct migration migration_default(void)
{
	return (struct migration){
	        .mode = MODE_LIVE,
	        .auto_converge = true,
	        .on_stall = STALL_SUSPEND,
	        .stall_timeout_ms = UINT64_C(2) * 60 * 1000,
	        .max_downtime_ms = 300,
	        .connections = 1,
	        .source_disks = SOURCE_DISKS_DELETE,
	        .snapshots = SNAPSHOTS_PRESERVE,
	        .versions = VERSIONS_SAME,
	};
}
