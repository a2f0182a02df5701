/*
 * What the verbs share: the repository that the options or the configuration name, the placement in it, berth's record.
 * Errors are printed here, once; a verb only passes the exit code on.
 */
#ifndef BERTH_SOURCE_H
#define BERTH_SOURCE_H

#include "cmd/verb.h"
#include "state/libvirt/libvirt.h"
#include "state/record.h"

/*
 * Opens the repository and fetches a remote one. working: the copy that the controller works in, whose record is
 * locked; otherwise one for reading.
 */
enum exit_code source_open(struct arena *arena, const struct setting *setting, bool working, struct git **ret_git);

/* What the record's folder is named after, and how this run calls itself to others. */
const char *source_key(struct arena *arena, const struct setting *setting);
const char *source_controller(struct arena *arena, const struct setting *setting);

/* --desired, or the commit of the repository. Problems are printed. */
enum exit_code source_desired(struct arena *arena, const struct setting *setting, const struct desired **ret_desired);

/*
 * --inventory, or what libvirt says now, with what berth's record knows beyond that. EXIT_UNREADABLE when not one host
 * answered; *ret_inventory is then set all the same.
 */
enum exit_code source_inventory(struct arena *arena, const struct setting *setting, const struct desired *desired,
                                const struct inventory **ret_inventory);

void source_print_problems(const struct problem_list *problems);
void source_print_warnings(const struct desired *desired);

#endif
