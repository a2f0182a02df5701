#include "reconcile/publish.h"

#include "reconcile/remember.h"
#include "state/arena.h"
#include "state/digest.h"
#include "state/inventory.h"
#include "state/status_read.h"
#include "state/text.h"

#include <errno.h>
#include <string.h>

static const char INVENTORY_FILE[] = "inventory.yaml";
static const char TOLD_FILE[] = "told";
static const char GOOD_FILE[] = "good";
static const char STATUS_FILE[] = "status.yaml";

int publish_recorded(struct arena *arena, struct record *record, const struct inventory **ret_inventory,
                     struct error *err)
{
	const char *bytes = NULL;
	int r = record_read_file(record, arena, INVENTORY_FILE, &bytes, err);
	if (r < 0 || bytes == NULL) {
		*ret_inventory = NULL;
		return r;
	}
	struct desired_file file = {.name = INVENTORY_FILE, .bytes = bytes, .length = strlen(bytes)};
	struct problem_list problems;
	if (inventory_read(arena, &file, 1, ret_inventory, &problems) < 0) {
		return error_set(err, -EBADMSG, "%s/%s", record_folder(record), problems.lines[0]);
	}
	return 0;
}

struct counts publish_counts(struct arena *arena, struct record *record)
{
	const char *bytes = NULL;
	const struct status *status = NULL;
	if (record_read_file(record, arena, STATUS_FILE, &bytes, NULL) < 0 || bytes == NULL) {
		return (struct counts){0};
	}
	const struct desired_file file = {.name = STATUS_FILE, .bytes = bytes, .length = strlen(bytes)};
	return status_read(arena, &file, &status, NULL) < 0 ? (struct counts){0} : status->counts;
}

int publish_good_commit(struct arena *arena, struct record *record, const char **ret_commit, struct error *err)
{
	const char *bytes = NULL;
	int r = record_read_file(record, arena, GOOD_FILE, &bytes, err);
	if (r == 0) {
		*ret_commit = bytes == NULL ? NULL : arena_copy_n(arena, bytes, strcspn(bytes, "\n"));
	}
	return r;
}

int publish_set_good_commit(struct arena *arena, struct record *record, const char *commit, struct error *err)
{
	const char *known = NULL;
	int r = publish_good_commit(arena, record, &known, err);
	if (r < 0 || text_equal(known, commit)) {
		return r;
	}
	return record_write_file(record, GOOD_FILE, arena_print(arena, "%s\n", commit), err);
}

/* What a commit is made for: everything but the plan, which changes with its moves, and those make commits anyway. */
static const char *digest_of(struct arena *arena, const struct status *status, const struct inventory *inventory)
{
	struct status told = *status;
	told.plan = NULL;
	told.progress = NULL;
	struct digest *digest = digest_create(arena);
	digest_add_text(digest, status_yaml(arena, &told));
	digest_add_text(digest, inventory_write(arena, inventory));
	return digest_end(digest, arena);
}

static const char *subject_of(struct arena *arena, const struct status *status, const struct ended_move *ended)
{
	if (ended != NULL) {
		return status_subject_of_move(arena, ended->move, ended->progress);
	}
	const char *reason = text_printable(arena, status->reason);
	return arena_print(arena, "%s%s%s", phase_word(status->phase), reason[0] == '\0' ? "" : ": ", reason);
}

static void add_trailers(struct arena *arena, const struct publisher *publisher, const struct status *status,
                         const struct ended_move *ended, struct status_commit *commit)
{
	if (status->desired != NULL) {
		ARENA_ADD(arena, commit->trailers, commit->trailer_count) =
		        arena_print(arena, "Desired: %s", status->desired);
	}
	if (status->plan != NULL) {
		ARENA_ADD(arena, commit->trailers, commit->trailer_count) =
		        arena_print(arena, "Plan: %s", status->plan->id);
	}
	if (ended != NULL) {
		ARENA_ADD(arena, commit->trailers, commit->trailer_count) =
		        arena_print(arena, "Step: %zu/%zu", ended->step, ended->steps);
	}
	ARENA_ADD(arena, commit->trailers, commit->trailer_count) =
	        arena_print(arena, "Controller: %s", publisher->controller);
}

static bool branch_exists(const struct publisher *publisher, struct arena *arena)
{
	const char *bytes;
	size_t length;
	return git_read_status(publisher->git, arena, "status.yaml", &bytes, &length, NULL) == 0;
}

static int make_commit(struct arena *arena, const struct publisher *publisher, const struct status *status,
                       const struct inventory *inventory, const struct ended_move *ended, const char **ret_push_error,
                       struct error *err)
{
	struct status_commit commit = {
	        .files = status_files(arena, status, inventory, NULL),
	        .subject = subject_of(arena, status, ended),
	};
	add_trailers(arena, publisher, status, ended, &commit);
	bool made = false;
	int r = git_commit_status(publisher->git, arena, &commit, &made, err);
	struct error push = {0};
	if (r == 0 && git_push_status(publisher->git, &push) < 0) {
		*ret_push_error = arena_copy(arena, push.message);
	}
	return r;
}

int publish_status(struct arena *arena, const struct publisher *publisher, const struct status *status,
                   const struct inventory *inventory, const struct ended_move *ended, const char **ret_push_error,
                   struct error *err)
{
	const struct inventory *recorded = NULL;
	const char *told = NULL;
	*ret_push_error = NULL;
	int r = publish_recorded(arena, publisher->record, &recorded, err);
	if (r == 0) {
		r = record_read_file(publisher->record, arena, TOLD_FILE, &told, err);
	}
	if (r < 0) {
		return r;
	}
	const struct inventory *written = remember_figures(arena, inventory, recorded);
	const char *digest = digest_of(arena, status, written);
	bool is_told = ended == NULL && told != NULL && text_equal(told, digest);
	if (is_told && (publisher->git == NULL || branch_exists(publisher, arena))) {
		return 0;
	}
	if (publisher->git != NULL) {
		r = make_commit(arena, publisher, status, written, ended, ret_push_error, err);
	}
	if (r == 0) {
		r = record_write_file(publisher->record, INVENTORY_FILE, inventory_write(arena, written), err);
	}
	if (r == 0) {
		r = record_replace_file(publisher->record, STATUS_FILE, status_yaml(arena, status), err);
	}
	/* Lost, these make one more commit at the most; the inventory keeps what nobody else knows. */
	return r < 0 ? r : record_replace_file(publisher->record, TOLD_FILE, digest, err);
}
