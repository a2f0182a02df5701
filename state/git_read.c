#include "state/arena.h"
#include "state/git.h"
#include "state/git_door.h"
#include "state/repository.h"
#include "state/text.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

REPOSITORY_OWNED(git_blob, git_blob_free)
REPOSITORY_OWNED(git_commit, git_commit_free)
REPOSITORY_OWNED(git_odb, git_odb_free)
REPOSITORY_OWNED(git_tree, git_tree_free)
REPOSITORY_OWNED(git_tree_entry, git_tree_entry_free)

enum {
	FILE_BYTES = 4 << 20,
	ALL_BYTES = 256 << 20,
	ENTRIES = 100000,
	DEPTH = 32,
	PROBLEMS = 100, /* enough to see what is wrong */
};

struct level {
	git_tree *tree;
	const char *name; /* of the folder with a '/' behind it, "" for the placement path itself */
	size_t next;
};

struct reading {
	struct git *git;
	struct arena *arena;
	struct placement placement;
	git_repository *inside;
	git_odb *objects;
	struct level levels[DEPTH + 1]; /* the placement path itself, and the folders below */
	size_t depth;
	size_t entries;
	size_t bytes;
	bool full; /* too much of something: the rest is not looked at */
};

static void add_problem(struct reading *reading, const char *name, const char *what)
{
	struct problem_list *problems = &reading->placement.problems;
	if (problems->count >= PROBLEMS) {
		reading->full = true;
		return;
	}
	const char *line = arena_print(reading->arena, "%s:1:1: %s", text_printable(reading->arena, name), what);
	ARENA_ADD(reading->arena, problems->lines, problems->count) = line;
}

/* Names are shown in every message about the file. */
static bool is_name(const char *name)
{
	for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++) {
		if (*c < 0x20 || *c == 0x7f) {
			return false;
		}
	}
	return text_is_utf8(name, strlen(name));
}

static int enter_folder(struct reading *reading, const git_tree_entry *entry, const char *name, struct error *err)
{
	if (reading->depth > DEPTH) {
		add_problem(reading, name, "more than 32 folders deep");
		return 0;
	}
	git_tree *tree = NULL;
	int r = git_tree_lookup(&tree, reading->inside, git_tree_entry_id(entry));
	if (r < 0) {
		return repository_error(err, r, "%s: %s", reading->git->repository, name);
	}
	reading->levels[reading->depth++] =
	        (struct level){.tree = tree, .name = arena_print(reading->arena, "%s/", name)};
	return 0;
}

static int read_file(struct reading *reading, const git_tree_entry *entry, const char *name, struct error *err)
{
	OWNED(git_blob) blob = NULL;
	size_t length = 0;
	git_object_t type;
	int r = git_odb_read_header(&length, &type, reading->objects, git_tree_entry_id(entry));
	if (r < 0) {
		return repository_error(err, r, "%s: %s", reading->git->repository, name);
	}
	if (length > FILE_BYTES) {
		add_problem(reading, name, "larger than 4 MiB");
		return 0;
	}
	reading->bytes += length;
	if (reading->bytes > ALL_BYTES) {
		add_problem(reading, name, "with this file, the placement is larger than 256 MiB");
		reading->full = true;
		return 0;
	}
	r = git_blob_lookup(&blob, reading->inside, git_tree_entry_id(entry));
	if (r < 0) {
		return repository_error(err, r, "%s: %s", reading->git->repository, name);
	}
	struct placement *placement = &reading->placement;
	ARENA_ADD(reading->arena, placement->files, placement->file_count) = (struct desired_file){
	        .name = name,
	        .bytes = arena_copy_n(reading->arena, git_blob_rawcontent(blob), length),
	        .length = length,
	};
	return 0;
}

static int read_entry(struct reading *reading, const char *folder, const git_tree_entry *entry, struct error *err)
{
	const char *last = git_tree_entry_name(entry);
	git_filemode_t mode = git_tree_entry_filemode(entry);
	if (last[0] == '.') {
		return 0;
	}
	const char *name = arena_print(reading->arena, "%s%s", folder, last);
	if (++reading->entries > ENTRIES) {
		add_problem(reading, name, "with this file, the placement has more than 100000");
		reading->full = true;
		return 0;
	}
	if (mode == GIT_FILEMODE_LINK) {
		add_problem(reading, name, "is a symbolic link; put the file itself here");
		return 0;
	}
	if (mode == GIT_FILEMODE_COMMIT) {
		add_problem(reading, name, "is a sub-module; put the files themselves here");
		return 0;
	}
	bool folder_read = mode == GIT_FILEMODE_TREE && desired_reads_folder(last);
	bool file_read = mode != GIT_FILEMODE_TREE && desired_reads_file(last);
	if (!folder_read && !file_read) {
		return 0;
	}
	if (!is_name(name)) {
		add_problem(reading, name, "its name is not UTF-8 or has control characters");
		return 0;
	}
	return folder_read ? enter_folder(reading, entry, name, err) : read_file(reading, entry, name, err);
}

static int walk(struct reading *reading, struct error *err)
{
	while (reading->depth > 0 && !reading->full) {
		struct level *level = &reading->levels[reading->depth - 1];
		const git_tree_entry *entry = git_tree_entry_byindex(level->tree, level->next++);
		if (entry == NULL) {
			git_tree_free(level->tree);
			reading->depth--;
			continue;
		}
		int r = read_entry(reading, level->name, entry, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* The tree of the placement path; a link or sub-module on the way to it is not followed. */
static int find_folder(struct reading *reading, const git_commit *commit, git_tree **ret_tree, struct error *err)
{
	const struct git *git = reading->git;
	OWNED(git_tree) root = NULL;
	OWNED(git_tree_entry) entry = NULL;
	int r = git_commit_tree(&root, commit);
	if (r < 0) {
		return repository_error(err, r, "%s", git->repository);
	}
	if (git->path[0] == '\0') {
		*ret_tree = root;
		root = NULL;
		return 0;
	}
	r = git_tree_entry_bypath(&entry, root, git->path);
	if (r == GIT_ENOTFOUND) {
		return error_set(err, -ENOENT, "%s: no folder %s in commit %.12s", git->repository, git->path,
		                 reading->placement.commit);
	}
	if (r < 0) {
		return repository_error(err, r, "%s: %s", git->repository, git->path);
	}
	if (git_tree_entry_type(entry) != GIT_OBJECT_TREE) {
		return error_set(err, -ENOTDIR, "%s: %s is not a folder in commit %.12s", git->repository, git->path,
		                 reading->placement.commit);
	}
	r = git_tree_lookup(ret_tree, reading->inside, git_tree_entry_id(entry));
	return r < 0 ? repository_error(err, r, "%s: %s", git->repository, git->path) : 0;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct desired_file *)a)->name, ((const struct desired_file *)b)->name);
}

static int read_placement(struct git_repository *inside, void *argument, struct error *err)
{
	struct reading *reading = argument;
	OWNED(git_commit) commit = NULL;
	OWNED(git_odb) objects = NULL;
	git_oid id;
	char hex[GIT_OID_HEXSZ + 1];
	reading->inside = inside;
	int r = git_find_commit(reading->git, inside, &id, err);
	if (r < 0) {
		return r;
	}
	reading->placement.commit = arena_copy(reading->arena, git_oid_tostr(hex, sizeof(hex), &id));
	r = git_commit_lookup(&commit, inside, &id);
	if (r == 0) {
		r = git_repository_odb(&objects, inside);
	}
	if (r < 0) {
		return repository_error(err, r, "%s: commit %s", reading->git->repository, hex);
	}
	reading->objects = objects;
	reading->levels[0].name = "";
	r = find_folder(reading, commit, &reading->levels[0].tree, err);
	if (r < 0) {
		return r;
	}
	reading->depth = 1;
	r = walk(reading, err);
	while (reading->depth > 0) {
		git_tree_free(reading->levels[--reading->depth].tree);
	}
	struct placement *placement = &reading->placement;
	if (placement->file_count > 1) {
		qsort(placement->files, placement->file_count, sizeof(placement->files[0]), compare_files);
	}
	return r;
}

int git_read(struct git *git, struct arena *arena, struct placement *ret_placement, struct error *err)
{
	struct reading reading = {.git = git, .arena = arena};
	int r = repository_work(git->source, read_placement, &reading, err);
	if (r == 0) {
		*ret_placement = reading.placement;
	}
	return r;
}
