/*
 * Where the two inputs of a pass come from: a commit or a folder, libvirt or recorded files.
 *
 * Each returns 0, or -EINVAL with problems (lines, FILE:LINE:COLUMN: message), or another error with err filled and no
 * problems.
 */
#ifndef BERTH_INPUT_H
#define BERTH_INPUT_H

#include "state/git.h"
#include "state/libvirt/libvirt.h"

/* commit: the one that was read, also when it is not valid. */
int input_from_git(struct arena *arena, struct git *git, const struct desired **ret_desired, const char **ret_commit,
                   struct problem_list *ret_problems, struct error *err);

int input_from_folder(struct arena *arena, const char *folder, const struct desired **ret_desired,
                      struct problem_list *ret_problems, struct error *err);

int input_inventory(struct arena *arena, const char *path, const struct inventory **ret_inventory,
                    struct problem_list *ret_problems, struct error *err);

/* The hosts of a placement, as the libvirt door wants them. */
struct libvirt_host *input_hosts(struct arena *arena, const struct desired *desired);

#endif
