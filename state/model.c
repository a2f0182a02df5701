#include "state/model.h"

#include <stdlib.h>
#include <string.h>

static const char *const VM_STATES[] = {
        [VM_RUNNING] = "running", [VM_PAUSED] = "paused",       [VM_STOPPED] = "stopped",
        [VM_CRASHED] = "crashed", [VM_SUSPENDED] = "suspended",
};

static const char *const STORAGES[] = {
        [STORAGE_NETWORK] = "network",
        [STORAGE_LOCAL] = "local",
        [STORAGE_MEDIA] = "media",
        [STORAGE_OTHER] = "other",
};

static const char *const CODES[] = {
        [CODE_MEMORY] = "memory",       [CODE_CYCLE] = "cycle",         [CODE_SPACE] = "space",
        [CODE_FORMAT] = "format",       [CODE_VERSION] = "version",     [CODE_CONNECTION] = "connection",
        [CODE_STORAGE] = "storage",     [CODE_POLICY] = "policy",       [CODE_MAINTENANCE] = "maintenance",
        [CODE_PREFLIGHT] = "preflight", [CODE_DEPENDS] = "depends",     [CODE_BUSY] = "busy",
        [CODE_FAILED] = "failed",       [CODE_CANCELLED] = "cancelled", [CODE_CONFLICT] = "conflict",
        [CODE_DECISION] = "decision",   [CODE_UNKNOWN] = "unknown",     [CODE_HOLD] = "hold",
        [CODE_WINDOW] = "window",       [CODE_LIMIT] = "limit",         [CODE_DELAY] = "delay",
};

static bool find_word(const char *const *words, size_t count, const char *word, size_t *ret_index)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], word) == 0) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *vm_state_word(enum vm_state state)
{
	return VM_STATES[state];
}

bool vm_state_parse(const char *word, enum vm_state *ret)
{
	size_t index;
	bool found = find_word(VM_STATES, COUNT(VM_STATES), word, &index);
	if (found) {
		*ret = (enum vm_state)index;
	}
	return found;
}

const char *storage_word(enum disk_storage storage)
{
	return STORAGES[storage];
}

bool storage_parse(const char *word, enum disk_storage *ret)
{
	size_t index;
	bool found = find_word(STORAGES, COUNT(STORAGES), word, &index);
	if (found) {
		*ret = (enum disk_storage)index;
	}
	return found;
}

const char *format_word(enum disk_format format)
{
	switch (format) {
	case FORMAT_RAW:
		return "raw";
	case FORMAT_QCOW2:
		return "qcow2";
	case FORMAT_OTHER:
		return "other";
	}
	abort();
}

bool format_parse(const char *word, enum disk_format *ret)
{
	static const enum disk_format all[] = {FORMAT_RAW, FORMAT_QCOW2, FORMAT_OTHER};
	for (size_t i = 0; i < COUNT(all); i++) {
		if (strcmp(format_word(all[i]), word) == 0) {
			*ret = all[i];
			return true;
		}
	}
	return false;
}

const char *code_word(enum code code)
{
	return CODES[code];
}

bool code_parse(const char *word, enum code *ret)
{
	size_t index;
	bool found = find_word(CODES, COUNT(CODES), word, &index);
	if (found) {
		*ret = (enum code)index;
	}
	return found;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_vms(const void *a, const void *b)
{
	const struct vm *left = a;
	const struct vm *right = b;
	int order = strcmp(left->name, right->name);
	return order != 0 ? order : strcmp(left->uuid, right->uuid);
}

static int compare_disks(const void *a, const void *b)
{
	return strcmp(((const struct disk *)a)->target, ((const struct disk *)b)->target);
}

static int compare_pools(const void *a, const void *b)
{
	return strcmp(((const struct pool *)a)->name, ((const struct pool *)b)->name);
}

static int compare_hosts(const void *a, const void *b)
{
	return strcmp(((const struct host *)a)->name, ((const struct host *)b)->name);
}

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (count > 1) {
		qsort(items, count, size, compare);
	}
}

static void sort_host(struct host *host)
{
	sort(host->vms, host->vm_count, sizeof(*host->vms), compare_vms);
	sort(host->pools, host->pool_count, sizeof(*host->pools), compare_pools);
	sort(host->networks, host->network_count, sizeof(*host->networks), compare_names);
	for (size_t i = 0; i < host->vm_count; i++) {
		sort(host->vms[i].disks, host->vms[i].disk_count, sizeof(struct disk), compare_disks);
	}
}

void inventory_sort(struct inventory *inventory)
{
	sort(inventory->hosts, inventory->host_count, sizeof(*inventory->hosts), compare_hosts);
	for (size_t i = 0; i < inventory->host_count; i++) {
		sort_host(&inventory->hosts[i]);
	}
}

const struct host *inventory_host(const struct inventory *inventory, const char *name)
{
	size_t low = 0;
	size_t high = inventory->host_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(inventory->hosts[middle].name, name);
		if (order == 0) {
			return &inventory->hosts[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

const struct vm *host_vm(const struct host *host, const char *name)
{
	size_t low = 0;
	size_t high = host->vm_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(host->vms[middle].name, name);
		if (order == 0) {
			return &host->vms[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

const struct vm *host_vm_by_uuid(const struct host *host, const char *uuid)
{
	for (size_t i = 0; i < host->vm_count; i++) {
		if (strcmp(host->vms[i].uuid, uuid) == 0) {
			return &host->vms[i];
		}
	}
	return NULL;
}

const struct pool *host_pool_of(const struct host *host, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (slash == NULL) {
		return NULL;
	}
	size_t length = (size_t)(slash - path);
	for (size_t i = 0; i < host->pool_count; i++) {
		const char *folder = host->pools[i].path;
		if (strlen(folder) == length && length > 0 && strncmp(folder, path, length) == 0) {
			return &host->pools[i];
		}
	}
	return NULL;
}

bool vm_moves_once(const struct vm *vm)
{
	for (size_t i = 0; vm->state == VM_PAUSED && i < vm->disk_count; i++) {
		if (vm->disks[i].storage != STORAGE_LOCAL) {
			return true;
		}
	}
	return false;
}

bool host_is_connected(const struct host *host)
{
	return host->connection == NULL;
}
