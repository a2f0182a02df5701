/*
 * What the verbs share: the repository that the options or the configuration name, the placement in it, berth's record.
 * Errors are printed here, once; a verb only passes the exit code on.
 */
#ifndef BERTH_SOURCE_H
#define BERTH_SOURCE_H

#include "cmd/verb.h"
#include "reconcile/gate.h"
#include "state/libvirt/libvirt.h"
#include "state/record.h"

/* Opens the repository for reading, and fetches a remote one into a copy that nobody works in. */
enum exit_code source_open(struct arena *arena, const struct setting *setting, struct git **ret_git);

/*
 * Opens it for working on: berth's record of it is locked first, under the name of `holder`. One repository, branch and
 * path have one record, however they were named.
 */
enum exit_code source_work(struct arena *arena, const struct setting *setting, const char *holder, struct git **ret_git,
                           struct record **ret_record);

/* The record of the repository, without its lock. It is an error that there is none. */
enum exit_code source_record(struct arena *arena, const struct setting *setting, struct record **ret_record);

/* What keeps moves from starting now, as far as the configuration and the record of that key (NULL: none) tell. */
struct gating source_gating(struct arena *arena, const struct setting *setting, const struct desired *desired,
                            const char *key, const struct plan *plan);

/*
 * The id of the record (record_id) of the repository that the options name; NULL where they name none. What stands in
 * the configuration counts for nothing here: whoever has one berth on this machine need not fetch anything.
 */
enum exit_code source_record_id(struct arena *arena, const struct setting *setting, const char **ret_id);

/* What this run is called in the trailers of commits. */
const char *source_controller(struct arena *arena, const struct setting *setting);

/*
 * --desired, or the commit of the repository. Problems are printed. ret_key names the record of the repository; NULL
 * for files outside git.
 */
enum exit_code source_desired(struct arena *arena, const struct setting *setting, const struct desired **ret_desired,
                              const char **ret_key);

/*
 * --inventory, or what libvirt says now, with what the record of that key (NULL: none) knows beyond that.
 * EXIT_UNREADABLE when not one host answered; *ret_inventory is then set all the same.
 */
enum exit_code source_inventory(struct arena *arena, const struct setting *setting, const struct desired *desired,
                                const char *key, const struct inventory **ret_inventory);

/*
 * Placement and inventory with the holds by command that the record of that key knows worked in; as they are where
 * there are none.
 */
void source_held(struct arena *arena, const struct setting *setting, const char *key, const struct desired **desired,
                 const struct inventory **inventory);

void source_print_problems(const struct problem_list *problems);
void source_print_warnings(const struct desired *desired);

#endif
