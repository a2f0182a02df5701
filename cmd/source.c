#include "cmd/source.h"

#include "reconcile/holds.h"
#include "reconcile/input.h"
#include "reconcile/publish.h"
#include "reconcile/remember.h"
#include "reconcile/retry.h"
#include "state/arena.h"
#include "state/consent.h"
#include "state/digest.h"
#include "state/files.h"
#include "state/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void source_print_problems(const struct problem_list *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		fprintf(stderr, "%s\n", problems->lines[i]);
	}
}

void source_print_warnings(const struct desired *desired)
{
	for (size_t i = 0; i < desired->warning_count; i++) {
		fprintf(stderr, "warning: %s\n", desired->warnings[i]);
	}
}

static const char *choose(const char *option, const char *configured)
{
	return option != NULL ? option : configured;
}

static const char *repository_of(const struct setting *setting)
{
	return choose(setting->options.repo, setting->config.repository);
}

static const char *path_of(const struct setting *setting)
{
	const char *path = choose(setting->options.path, setting->config.path);
	return path == NULL ? "" : path;
}

static const char *branch_of(const struct setting *setting)
{
	return choose(setting->options.branch, setting->config.branch);
}

const char *source_controller(struct arena *arena, const struct setting *setting)
{
	char name[HOST_NAME_MAX + 1] = "";
	if (setting->config.controller != NULL) {
		return setting->config.controller;
	}
	if (gethostname(name, sizeof(name) - 1) < 0 || name[0] == '\0') {
		return "berth";
	}
	return arena_copy(arena, name);
}

/* Where berth may write: its state, or for a person who only reads, the cache of theirs. */
static const char *copies_folder(struct arena *arena, const struct setting *setting)
{
	const char *state = setting->config.state;
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	if (files_make_folder(state, NULL) == 0 && access(state, W_OK) == 0) {
		return arena_print(arena, "%s/copies", state);
	}
	return cache != NULL ? arena_print(arena, "%s/berth", cache)
	                     : arena_print(arena, "%s/.cache/berth", home == NULL ? "" : home);
}

static const char *copy_path(struct arena *arena, const struct setting *setting, const char *repository, bool working)
{
	struct digest *digest = digest_create(arena);
	digest_add_text(digest, repository);
	digest_add_text(digest, branch_of(setting));
	const char *sum = digest_end(digest, arena) + strlen("sha256:");
	return arena_print(arena, "%s/%.16s%s.git", copies_folder(arena, setting), sum, working ? "" : "-reading");
}

static enum exit_code open_git(struct arena *arena, const struct setting *setting, bool working, struct git **ret_git)
{
	const char *repository = repository_of(setting);
	struct error err = {0};
	if (repository == NULL) {
		complain("which repository? --repo, or `repository` in the configuration file");
		return EXIT_INVALID;
	}
	struct git_settings settings = {
	        .repository = repository,
	        .branch = branch_of(setting),
	        .revision = setting->options.revision,
	        .path = path_of(setting),
	        .status_branch = setting->config.status_branch,
	        .status_remote = setting->config.status_remote,
	        .copy_path = copy_path(arena, setting, repository, working),
	};
	if (git_open(&settings, ret_git, &err) < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	return EXIT_DONE;
}

static enum exit_code fetch(struct git *git)
{
	struct error err = {0};
	if (git_fetch(git, &err) < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	return EXIT_DONE;
}

enum exit_code source_open(struct arena *arena, const struct setting *setting, struct git **ret_git)
{
	cleanup_git struct git *git = NULL;
	enum exit_code code = open_git(arena, setting, false, &git);
	if (code == EXIT_DONE) {
		code = fetch(git);
	}
	if (code == EXIT_DONE) {
		*ret_git = git;
		git = NULL;
	}
	return code;
}

/* The repository itself, however it is named: a folder, a work tree of it, or a file:// URL of either. */
static const char *identity_of(struct arena *arena, const struct setting *setting, const struct git *git)
{
	static const char scheme[] = "file://";
	const char *named = repository_of(setting);
	bool is_file = strncmp(named, scheme, sizeof(scheme) - 1) == 0;
	cleanup_git struct git *local = NULL;
	struct git_settings settings = {.repository = named + sizeof(scheme) - 1, .status_branch = "berth/status"};
	if (is_file && git_open(&settings, &local, NULL) < 0) {
		local = NULL;
	}
	const char *folder = git_directory(local != NULL ? local : git);
	char *real = folder == NULL ? NULL : realpath(folder, NULL);
	const char *identity = arena_copy(arena, real == NULL ? named : real);
	free(real);
	return identity;
}

/* git has been fetched: it knows what HEAD names where no branch was given. */
static const char *key_of(struct arena *arena, const struct setting *setting, const struct git *git)
{
	const char *ref = git_ref(git);
	return arena_print(arena, "%s %s %s", identity_of(arena, setting, git),
	                   ref == NULL ? setting->options.revision : ref, path_of(setting));
}

enum exit_code source_work(struct arena *arena, const struct setting *setting, const char *holder, struct git **ret_git,
                           struct record **ret_record)
{
	cleanup_git struct git *reading = NULL;
	cleanup_git struct git *working = NULL;
	cleanup_record struct record *record = NULL;
	struct error err = {0};
	enum exit_code code = source_open(arena, setting, &reading);
	if (code != EXIT_DONE) {
		return code;
	}
	if (record_open(setting->config.state, key_of(arena, setting, reading), holder, &record, &err) < 0) {
		complain("%s", err.message);
		return EXIT_INVALID;
	}
	code = open_git(arena, setting, true, &working);
	if (code == EXIT_DONE) {
		code = fetch(working);
	}
	if (code == EXIT_DONE) {
		*ret_git = working;
		*ret_record = record;
		working = NULL;
		record = NULL;
	}
	return code;
}

enum exit_code source_record(struct arena *arena, const struct setting *setting, struct record **ret_record)
{
	cleanup_git struct git *git = NULL;
	struct error err = {0};
	enum exit_code code = source_open(arena, setting, &git);
	if (code != EXIT_DONE) {
		return code;
	}
	int r = record_open(setting->config.state, key_of(arena, setting, git), NULL, ret_record, &err);
	if (r == -ENOENT) {
		complain("no berth has worked on this placement with its record in %s", setting->config.state);
	} else if (r < 0) {
		complain("%s", err.message);
	}
	return r < 0 ? EXIT_INVALID : EXIT_DONE;
}

enum exit_code source_record_id(struct arena *arena, const struct setting *setting, const char **ret_id)
{
	const struct options *options = &setting->options;
	bool names_one =
	        options->repo != NULL || options->branch != NULL || options->revision != NULL || options->path != NULL;
	cleanup_git struct git *git = NULL;
	cleanup_record struct record *record = NULL;
	*ret_id = NULL;
	if (!names_one) {
		return EXIT_DONE;
	}
	enum exit_code code = source_open(arena, setting, &git);
	if (code != EXIT_DONE) {
		return code;
	}
	if (record_open(setting->config.state, key_of(arena, setting, git), NULL, &record, NULL) == 0) {
		*ret_id = arena_copy(arena, record_id(record));
	} else {
		*ret_id = "none"; /* nobody has ever been at work on it */
	}
	return EXIT_DONE;
}

static enum exit_code end_reading(int r, const struct problem_list *problems, const struct error *err,
                                  enum exit_code otherwise)
{
	if (problems->count > 0) {
		source_print_problems(problems);
		return EXIT_INVALID;
	}
	if (r < 0) {
		complain("%s", err->message);
		return otherwise;
	}
	return EXIT_DONE;
}

enum exit_code source_desired(struct arena *arena, const struct setting *setting, const struct desired **ret_desired,
                              const char **ret_key)
{
	*ret_key = NULL;
	struct problem_list problems = {0};
	struct error err = {0};
	if (setting->options.desired != NULL) {
		int r = input_from_folder(arena, setting->options.desired, ret_desired, &problems, &err);
		return end_reading(r, &problems, &err, EXIT_INVALID);
	}
	cleanup_git struct git *git = NULL;
	enum exit_code code = source_open(arena, setting, &git);
	if (code != EXIT_DONE) {
		return code;
	}
	const char *commit = NULL;
	*ret_key = key_of(arena, setting, git);
	int r = input_from_git(arena, git, ret_desired, &commit, &problems, &err);
	return end_reading(r, &problems, &err, EXIT_UNREADABLE);
}

static const struct inventory *recorded_inventory(struct arena *arena, const struct setting *setting, const char *key)
{
	cleanup_record struct record *record = NULL;
	const struct inventory *recorded = NULL;
	if (key == NULL || record_open(setting->config.state, key, NULL, &record, NULL) < 0 ||
	    publish_recorded(arena, record, &recorded, NULL) < 0) {
		return NULL;
	}
	return recorded;
}

struct gating source_gating(struct arena *arena, const struct setting *setting, const struct desired *desired,
                            const char *key, const struct plan *plan)
{
	cleanup_record struct record *record = NULL;
	struct failures *failures = arena_alloc(arena, sizeof(*failures));
	const char *approved = NULL;
	struct gating gating = {.now = (int64_t)time(NULL), .limits = &setting->config.limits};
	if (key == NULL || record_open(setting->config.state, key, NULL, &record, NULL) < 0) {
		return gating;
	}
	if (record_read_failures(record, arena, failures, NULL) == 0) {
		*failures = retry_begin(failures, desired->commit);
		*failures = retry_keep(arena, failures, desired, plan);
		gating.failures = failures;
		gating.row = failures->row;
	}
	gating.approved = consent_approved(record, arena, &approved, NULL) == 0 && text_equal(approved, plan->id);
	return gating;
}

void source_held(struct arena *arena, const struct setting *setting, const char *key, const struct desired **desired,
                 const struct inventory **inventory)
{
	cleanup_record struct record *record = NULL;
	struct hold_list holds = {0};
	if (key == NULL || record_open(setting->config.state, key, NULL, &record, NULL) < 0 ||
	    holds_read(arena, record, &holds, NULL) < 0) {
		return;
	}
	struct set_aside *aside = NULL;
	size_t count = 0;
	holds = holds_standing(arena, *desired, &holds);
	holds_set_aside(arena, &holds, *inventory, NULL, 0, &aside, &count);
	*desired = holds_apply(arena, *desired, &holds);
	*inventory = remember_set_aside(arena, *inventory, aside, count);
}

static bool nobody_answered(const struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->host_count; i++) {
		if (host_is_connected(&inventory->hosts[i])) {
			return false;
		}
	}
	return inventory->host_count > 0;
}

enum exit_code source_inventory(struct arena *arena, const struct setting *setting, const struct desired *desired,
                                const char *key, const struct inventory **ret_inventory)
{
	struct problem_list problems = {0};
	struct error err = {0};
	if (setting->options.inventory != NULL) {
		int r = input_inventory(arena, setting->options.inventory, ret_inventory, &problems, &err);
		return end_reading(r, &problems, &err, EXIT_INVALID);
	}
	cleanup_libvirt struct libvirt *libvirt = NULL;
	int r = libvirt_open(input_hosts(arena, desired), desired->host_count,
	                     (unsigned int)setting->config.deadline_ms, &libvirt, &err);
	if (r < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	struct world world = libvirt_world(libvirt);
	const struct inventory *fresh = world.functions->look(world.data, arena, NULL, 0, LOOK_PLAIN);
	*ret_inventory =
	        remember_places(arena, desired, remember_merge(arena, fresh, recorded_inventory(arena, setting, key)));
	if (nobody_answered(*ret_inventory)) {
		complain("not one host answered: %s: %s", (*ret_inventory)->hosts[0].name,
		         (*ret_inventory)->hosts[0].connection);
		return EXIT_UNREADABLE;
	}
	return EXIT_DONE;
}
