#include "reconcile/input.h"

#include "state/arena.h"
#include "state/files.h"
#include "state/inventory.h"

#include <errno.h>

int input_from_git(struct arena *arena, struct git *git, const struct desired **ret_desired, const char **ret_commit,
                   struct problem_list *ret_problems, struct error *err)
{
	struct placement placement = {0};
	*ret_problems = (struct problem_list){0};
	int r = git_read(git, arena, &placement, err);
	if (r < 0) {
		return r;
	}
	*ret_commit = placement.commit;
	if (placement.problems.count > 0) {
		*ret_problems = placement.problems;
		return -EINVAL;
	}
	return desired_parse(arena, placement.commit, placement.files, placement.file_count, ret_desired, ret_problems);
}

int input_from_folder(struct arena *arena, const char *folder, const struct desired **ret_desired,
                      struct problem_list *ret_problems, struct error *err)
{
	struct desired_file *files = NULL;
	size_t count = 0;
	*ret_problems = (struct problem_list){0};
	int r = files_read_placement(arena, folder, &files, &count, ret_problems, err);
	if (r < 0) {
		return r;
	}
	return ret_problems->count > 0 ? -EINVAL : desired_parse(arena, NULL, files, count, ret_desired, ret_problems);
}

int input_inventory(struct arena *arena, const char *path, const struct inventory **ret_inventory,
                    struct problem_list *ret_problems, struct error *err)
{
	struct desired_file *files = NULL;
	size_t count = 0;
	*ret_problems = (struct problem_list){0};
	int r = files_read_inventory(arena, path, &files, &count, err);
	return r < 0 ? r : inventory_read(arena, files, count, ret_inventory, ret_problems);
}

struct libvirt_host *input_hosts(struct arena *arena, const struct desired *desired)
{
	struct libvirt_host *hosts = arena_array(arena, desired->host_count, sizeof(*hosts));
	for (size_t i = 0; i < desired->host_count; i++) {
		const struct desired_host *host = &desired->hosts[i];
		hosts[i] = (struct libvirt_host){
		        .name = host->name,
		        .uri = host->uri,
		        .migration_address = host->migration_address,
		        .shared = host->shared,
		        .shared_count = host->shared_count,
		};
	}
	return hosts;
}
