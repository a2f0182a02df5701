#include "state/arena.h"
#include "state/git.h"
#include "state/git_door.h"
#include "state/repository.h"
#include "state/text.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

REPOSITORY_OWNED(git_blob, git_blob_free)
REPOSITORY_OWNED(git_commit, git_commit_free)
REPOSITORY_OWNED(git_index, git_index_free)
REPOSITORY_OWNED(git_signature, git_signature_free)
REPOSITORY_OWNED(git_tree, git_tree_free)
REPOSITORY_OWNED(git_tree_entry, git_tree_entry_free)

enum {
	SUBJECT_CHARACTERS = 120,
	TRIES = 200, /* with the pause: two seconds of somebody else holding the ref's lock */
	PAUSE_MS = 10,
};

struct committing {
	struct git *git;
	struct arena *arena;
	const struct status_commit *commit;
	bool made;
};

static void pause_a_little(void)
{
	struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	nanosleep(&pause, NULL);
}

/* The first 120 characters of what is printable, and the trailers one a line. */
static const char *write_message(struct arena *arena, const struct status_commit *commit)
{
	const char *subject = text_printable(arena, commit->subject);
	size_t length = 0;
	for (size_t characters = 0; subject[length] != '\0'; length++) {
		bool begins = ((unsigned char)subject[length] & 0xc0) != 0x80;
		if (begins && ++characters > SUBJECT_CHARACTERS) {
			break;
		}
	}
	struct text text;
	text_init(&text, arena);
	text_add_n(&text, subject, length);
	text_add(&text, "\n");
	for (size_t i = 0; i < commit->trailer_count; i++) {
		text_print(&text, "%s%s\n", i == 0 ? "\n" : "", text_printable(arena, commit->trailers[i]));
	}
	return text_string(&text);
}

/* The tree of exactly these files, put together in memory: the repository's own index is not touched. */
static int write_tree(git_repository *inside, const struct status_files *files, git_oid *ret_tree, struct error *err)
{
	OWNED(git_index) index = NULL;
	int r = git_index_new(&index);
	for (size_t i = 0; r == 0 && i < files->count; i++) {
		const struct status_file *file = &files->items[i];
		git_index_entry entry = {.mode = GIT_FILEMODE_BLOB, .path = file->path};
		r = git_blob_create_from_buffer(&entry.id, inside, file->bytes, file->length);
		if (r == 0) {
			r = git_index_add(index, &entry);
		}
		if (r < 0) {
			return repository_error(err, r, "status file %s", file->path);
		}
	}
	if (r == 0) {
		r = git_index_write_tree_to(ret_tree, index, inside);
	}
	return r < 0 ? repository_error(err, r, "status") : 0;
}

int git_check_tip(const struct git *git, struct git_repository *inside, const struct git_oid *tip, struct error *err)
{
	OWNED(git_commit) commit = NULL;
	OWNED(git_tree) tree = NULL;
	int r = git_commit_lookup(&commit, inside, tip);
	if (r == 0) {
		r = git_commit_tree(&tree, commit);
	}
	if (r < 0) {
		return repository_error(err, r, "branch %s", git->status_branch);
	}
	if (git_tree_entrycount(tree) == 0 || git_tree_entry_byname(tree, "status.yaml") != NULL ||
	    strcmp(git_commit_committer(commit)->name, "berth") == 0) {
		return 0;
	}
	return error_set(err, -EINVAL, "branch %s holds something else than a status; name another status branch",
	                 git->status_branch);
}

/* One try: sees where the branch is, and commits there unless it has the tree. -EAGAIN: moved in between. */
static int commit_once(struct git_repository *inside, struct committing *committing, const git_oid *tree_id,
                       const char *message, struct error *err)
{
	const struct git *git = committing->git;
	OWNED(git_commit) parent = NULL;
	OWNED(git_tree) tree = NULL;
	OWNED(git_signature) berth = NULL;
	git_oid tip;
	git_oid made;
	int found = repository_ref(inside, git->status_ref, &tip, err);
	if (found < 0 && found != -ENOENT) {
		return found;
	}
	int r = found == 0 ? git_check_tip(git, inside, &tip, err) : 0;
	if (r < 0) {
		return r;
	}
	r = found == 0 ? git_commit_lookup(&parent, inside, &tip) : 0;
	if (r == 0 && parent != NULL && git_oid_equal(git_commit_tree_id(parent), tree_id)) {
		return 0;
	}
	if (r == 0) {
		r = git_tree_lookup(&tree, inside, tree_id);
	}
	if (r < 0) {
		return repository_error(err, r, "branch %s", git->status_branch);
	}
	r = repository_signature(&berth, err);
	if (r < 0) {
		return r;
	}
	const git_commit *parents[] = {parent};
	r = git_commit_create(&made, inside, NULL, berth, berth, NULL, message, tree, parent == NULL ? 0 : 1, parents);
	if (r < 0) {
		return repository_error(err, r, "branch %s", git->status_branch);
	}
	const char *log = arena_print(committing->arena, "commit: %.*s", (int)strcspn(message, "\n"), message);
	r = repository_move_ref(inside, git->status_ref, parent == NULL ? NULL : &tip, &made, log, err);
	committing->made = r == 0;
	return r;
}

static int commit_status(struct git_repository *inside, void *argument, struct error *err)
{
	struct committing *committing = argument;
	git_oid tree;
	int r = 0;
	if (committing->git->source == committing->git->status) {
		r = git_find_ref(committing->git, inside, err); /* HEAD may have come to name the status branch */
	}
	if (r == 0) {
		r = write_tree(inside, &committing->commit->files, &tree, err);
	}
	if (r < 0) {
		return r;
	}
	const char *message = write_message(committing->arena, committing->commit);
	for (int i = 0; i < TRIES; i++) {
		r = commit_once(inside, committing, &tree, message, err);
		if (r != -EAGAIN) {
			return r;
		}
		pause_a_little();
	}
	return error_prefix(err, -EBUSY, "the status could not be committed");
}

int git_commit_status(struct git *git, struct arena *arena, const struct status_commit *commit, bool *ret_made,
                      struct error *err)
{
	struct committing committing = {.git = git, .arena = arena, .commit = commit};
	int r = repository_work(git->status, commit_status, &committing, err);
	if (r == 0) {
		*ret_made = committing.made;
	}
	return r;
}

struct reading {
	const struct git *git;
	struct arena *arena;
	const char *path;
	const char *bytes;
	size_t length;
	struct status_tip tip;
};

static int read_status(struct git_repository *inside, void *argument, struct error *err)
{
	struct reading *reading = argument;
	const char *branch = reading->git->status_branch;
	OWNED(git_commit) commit = NULL;
	OWNED(git_tree) tree = NULL;
	OWNED(git_tree_entry) entry = NULL;
	OWNED(git_blob) blob = NULL;
	git_oid tip;
	int r = repository_ref(inside, reading->git->status_ref, &tip, err);
	if (r == -ENOENT) {
		return error_set(err, r, "no branch %s", branch);
	}
	if (r < 0) {
		return r;
	}
	r = git_commit_lookup(&commit, inside, &tip);
	if (r == 0) {
		r = git_commit_tree(&tree, commit);
	}
	if (r == 0) {
		r = git_tree_entry_bypath(&entry, tree, reading->path);
	}
	if (r == 0 && git_tree_entry_type(entry) != GIT_OBJECT_BLOB) {
		return error_set(err, -EINVAL, "%s on branch %s: not a file", reading->path, branch);
	}
	if (r == 0) {
		r = git_blob_lookup(&blob, inside, git_tree_entry_id(entry));
	}
	if (r < 0) {
		return repository_error(err, r, "%s on branch %s", reading->path, branch);
	}
	reading->length = git_blob_rawsize(blob);
	reading->bytes = arena_copy_n(reading->arena, git_blob_rawcontent(blob), reading->length);
	return 0;
}

int git_read_status(struct git *git, struct arena *arena, const char *path, const char **ret_bytes, size_t *ret_length,
                    struct error *err)
{
	struct reading reading = {.git = git, .arena = arena, .path = path};
	int r = repository_work(git->status, read_status, &reading, err);
	if (r == 0) {
		*ret_bytes = reading.bytes;
		*ret_length = reading.length;
	}
	return r;
}

static const char *find_controller(struct arena *arena, const git_commit *commit)
{
	git_message_trailer_array trailers;
	const char *controller = "";
	if (git_message_trailers(&trailers, git_commit_message(commit)) < 0) {
		return controller;
	}
	for (size_t i = 0; i < trailers.count; i++) {
		if (strcasecmp(trailers.trailers[i].key, "Controller") == 0) {
			controller = arena_copy(arena, trailers.trailers[i].value);
		}
	}
	git_message_trailer_array_free(&trailers);
	return controller;
}

static int read_tip(struct git_repository *inside, void *argument, struct error *err)
{
	struct reading *reading = argument;
	const struct git *git = reading->git;
	OWNED(git_commit) commit = NULL;
	git_oid tip;
	char hex[GIT_OID_HEXSZ + 1];
	int r = repository_ref(inside, git->status_url != NULL ? REF_KNOWN : git->status_ref, &tip, err);
	if (r == -ENOENT) {
		return error_set(err, r, "no branch %s", git->status_branch);
	}
	if (r < 0) {
		return r;
	}
	r = git_commit_lookup(&commit, inside, &tip);
	if (r < 0) {
		return repository_error(err, r, "branch %s", git->status_branch);
	}
	reading->tip = (struct status_tip){
	        .commit = arena_copy(reading->arena, git_oid_tostr(hex, sizeof(hex), &tip)),
	        .controller = find_controller(reading->arena, commit),
	        .time = git_commit_time(commit),
	};
	return 0;
}

int git_status_tip(struct git *git, struct arena *arena, struct status_tip *ret_tip, struct error *err)
{
	struct reading reading = {.git = git, .arena = arena};
	int r = repository_work(git->status, read_tip, &reading, err);
	if (r == 0) {
		*ret_tip = reading.tip;
	}
	return r;
}
