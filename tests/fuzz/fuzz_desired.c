/*
 * Any bytes as a placement. A zero byte ends a file and begins the next, so that rules over several files are reached.
 * What must hold: problems if and only if it is refused, the order of the files changes nothing, and what is accepted
 * is sorted and refers only to what is there.
 */
#include "state/arena.h"
#include "state/desired.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static size_t split(const char *bytes, size_t size, struct desired_file *files)
{
	static const char *const names[FILES_MAX] = {"a.yaml", "b.yaml", "c/a.yaml", "d.yml"};
	size_t count = 0;
	while (count < FILES_MAX) {
		const char *end = count + 1 < FILES_MAX ? memchr(bytes, '\0', size) : NULL;
		size_t length = end == NULL ? size : (size_t)(end - bytes);
		files[count] = (struct desired_file){.name = names[count], .bytes = bytes, .length = length};
		count++;
		if (end == NULL) {
			break;
		}
		bytes = end + 1;
		size -= length + 1;
	}
	return count;
}

static void check_names(const struct desired *desired)
{
	for (size_t i = 0; i < desired->host_count; i++) {
		must(i == 0 || strcmp(desired->hosts[i - 1].name, desired->hosts[i].name) < 0);
		must(desired->hosts[i].uri != NULL);
	}
	for (size_t i = 0; i < desired->vm_count; i++) {
		const struct desired_vm *vm = &desired->vms[i];
		must(i == 0 || strcmp(desired->vms[i - 1].name, vm->name) < 0);
		must(!vm->pinned || (vm->host_count == 1 && vm->where.count == 0));
		must(vm->migration.connections == 1 || vm->migration.on_stall != STALL_POSTCOPY);
		for (size_t j = 0; j < vm->host_count; j++) {
			must(desired_host(desired, vm->hosts[j]) != NULL);
		}
	}
	for (size_t i = 0; i < desired->policy_count; i++) {
		const struct policy *policy = &desired->policies[i];
		must(i == 0 || strcmp(desired->policies[i - 1].name, policy->name) < 0);
		for (size_t j = 0; j < policy->vms.name_count; j++) {
			must(desired_vm(desired, policy->vms.names[j]) != NULL);
		}
		for (size_t j = 0; j < policy->hosts.name_count; j++) {
			must(desired_host(desired, policy->hosts.names[j]) != NULL);
		}
	}
}

static void check_same(const struct problem_list *a, const struct problem_list *b)
{
	must(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		must(strcmp(a->lines[i], b->lines[i]) == 0);
		must(strchr(a->lines[i], '\n') == NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena *arena = arena_create();
	struct desired_file files[FILES_MAX];
	struct desired_file turned[FILES_MAX];
	size_t count = split((const char *)data, size, files);
	for (size_t i = 0; i < count; i++) {
		turned[count - 1 - i] = files[i];
	}
	const struct desired *desired = NULL;
	const struct desired *again = NULL;
	struct problem_list problems;
	struct problem_list again_problems;
	int r = desired_parse(arena, NULL, files, count, &desired, &problems);
	int r_again = desired_parse(arena, NULL, turned, count, &again, &again_problems);
	must(r == r_again);
	must((r < 0) == (problems.count > 0));
	check_same(&problems, &again_problems);
	if (r == 0) {
		must(strcmp(desired->digest, again->digest) == 0);
		check_same(&(struct problem_list){desired->warnings, desired->warning_count},
		           &(struct problem_list){again->warnings, again->warning_count});
		check_names(desired);
	}
	return 0;
}
