#include "cmd/source.h"
#include "reconcile/input.h"
#include "state/arena.h"

#include <stdio.h>

static const char *plural(size_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

enum exit_code verb_check(struct arena *arena, const struct setting *setting)
{
	const char *folder = setting->options.operand == NULL ? "." : setting->options.operand;
	const struct desired *desired = NULL;
	struct problem_list problems = {0};
	struct error err = {0};
	int r = input_from_folder(arena, folder, &desired, &problems, &err);
	if (problems.count > 0) {
		source_print_problems(&problems);
		return EXIT_INVALID;
	}
	if (r < 0) {
		complain("%s", err.message);
		return EXIT_INVALID;
	}
	source_print_warnings(desired);
	printf("valid: %zu %s, %zu %s, %zu %s\n", desired->host_count, plural(desired->host_count, "host", "hosts"),
	       desired->vm_count, plural(desired->vm_count, "VM", "VMs"), desired->policy_count,
	       plural(desired->policy_count, "policy", "policies"));
	return EXIT_DONE;
}
