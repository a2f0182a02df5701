#include "state/record.h"

#include "state/arena.h"
#include "state/digest.h"
#include "state/files.h"
#include "state/record_move.h"
#include "state/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char FAILURES_FILE[] = "failures.yaml";

struct record {
	struct arena *arena;
	const char *folder;
	const char *moves;
	int lock;
};

enum { LARGEST_ENTRY = 16 * 1024 * 1024 };

/* Readable, and one to one: the last words of the key and a digest over all of it. */
static const char *folder_name(struct arena *arena, const char *key)
{
	struct digest *digest = digest_create(arena);
	digest_add_text(digest, key);
	const char *sum = digest_end(digest, arena) + strlen("sha256:");
	size_t length = strlen(key);
	const char *end = length > 40 ? key + length - 40 : key;
	char *name = arena_print(arena, "%s-%.12s", end, sum);
	for (char *c = name; *c != '\0'; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
		if (!plain && *c != '-' && *c != '_' && (*c != '.' || c == name)) {
			*c = '-';
		}
	}
	return name;
}

static int fail(struct error *err, const char *path)
{
	int code = -errno;
	return error_set(err, code, "%s: %s", path, strerror(-code));
}

/* The lock is flock's: it goes with the process, however that ends. What the file says is only for people. */
static int take_lock(struct record *record, const char *holder, struct error *err)
{
	const char *path = arena_print(record->arena, "%s/lock", record->folder);
	record->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (record->lock < 0) {
		return fail(err, path);
	}
	if (flock(record->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK) {
			return fail(err, path);
		}
		const char *who = "another berth";
		size_t length;
		files_read(record->arena, path, 4096, &who, &length, NULL);
		who = arena_copy_n(record->arena, who, strcspn(who, "\n"));
		return error_set(err, -EBUSY, "%s is at work on this placement already (%s)",
		                 text_printable(record->arena, who), record->folder);
	}
	const char *line = arena_print(record->arena, "%s, process %ld\n", holder, (long)getpid());
	if (ftruncate(record->lock, 0) < 0 || write(record->lock, line, strlen(line)) < 0) {
		return fail(err, path);
	}
	return 0;
}

int record_open(const char *state, const char *key, const char *holder, struct record **ret_record, struct error *err)
{
	struct arena *arena = arena_create();
	struct record *record = arena_alloc(arena, sizeof(*record));
	record->arena = arena;
	record->lock = -1;
	record->folder = arena_print(arena, "%s/%s", state, folder_name(arena, key));
	record->moves = arena_print(arena, "%s/moves", record->folder);
	int r = 0;
	if (holder == NULL) {
		r = access(record->folder, R_OK) < 0 ? fail(err, record->folder) : 0;
	} else {
		r = files_make_folder(record->moves, err);
	}
	if (r == 0 && holder != NULL) {
		r = take_lock(record, holder, err);
	}
	if (r < 0) {
		record_close(record);
		return r;
	}
	*ret_record = record;
	return 0;
}

void record_close(struct record *record)
{
	if (record == NULL) {
		return;
	}
	if (record->lock >= 0) {
		close(record->lock);
	}
	arena_destroy(record->arena);
}

const char *record_folder(const struct record *record)
{
	return record->folder;
}

const char *record_id(const struct record *record)
{
	return strrchr(record->folder, '-') + 1;
}

/* A VM may move on while the disks of an earlier move are still due: the hosts are part of the name. */
static const char *entry_name(struct arena *arena, const struct move_entry *entry)
{
	return arena_print(arena, "%s+%s+%s.yaml", entry->uuid, entry->from, entry->to);
}

int record_write_move(struct record *record, const struct move_entry *entry, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *text = record_move_write(arena, entry);
	return files_write(record->moves, entry_name(arena, entry), text, strlen(text), err);
}

int record_step(struct record *record, struct move_entry *entry, enum step step, struct error *err)
{
	entry->step = step;
	return record_write_move(record, entry, err);
}

int record_clear_move(struct record *record, const struct move_entry *entry, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *path = arena_print(arena, "%s/%s", record->moves, entry_name(arena, entry));
	if (unlink(path) < 0 && errno != ENOENT) {
		return fail(err, path);
	}
	return files_flush_folder(record->moves, err);
}

int record_clear_vm(struct record *record, const char *uuid, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *begin = arena_print(arena, "%s+", uuid);
	DIR *dir = opendir(record->moves);
	if (dir == NULL) {
		return fail(err, record->moves);
	}
	int r = 0;
	struct dirent *found;
	while (r == 0 && (found = readdir(dir)) != NULL) {
		const char *path = arena_print(arena, "%s/%s", record->moves, found->d_name);
		bool is_own = strncmp(found->d_name, begin, strlen(begin)) == 0;
		r = is_own && unlink(path) < 0 && errno != ENOENT ? fail(err, path) : 0;
	}
	closedir(dir);
	return r < 0 ? r : files_flush_folder(record->moves, err);
}

static int compare_entries(const void *a, const void *b)
{
	const struct move_entry *left = a;
	const struct move_entry *right = b;
	int order = strcmp(left->uuid, right->uuid);
	if (order == 0) {
		order = strcmp(left->from, right->from);
	}
	return order != 0 ? order : strcmp(left->to, right->to);
}

static int read_entry(struct record *record, struct arena *arena, const char *name, struct move_entries *entries,
                      struct error *err)
{
	struct desired_file file = {.name = arena_print(arena, "%s/%s", record->moves, name)};
	struct move_entry entry;
	int r = files_read(arena, file.name, LARGEST_ENTRY, &file.bytes, &file.length, err);
	if (r == 0) {
		r = record_move_read(arena, &file, &entry, err);
	}
	if (r == 0) {
		ARENA_ADD(arena, entries->items, entries->count) = entry;
	}
	if (r == -EBADMSG) {
		const size_t uuid_length = 36;
		bool has_uuid = strcspn(name, "+") == uuid_length;
		ARENA_ADD(arena, entries->unreadable, entries->unreadable_count) = (struct unreadable_entry){
		        .uuid = has_uuid ? arena_copy_n(arena, name, uuid_length) : "",
		        .why = arena_copy(arena, err->message),
		};
		return 0;
	}
	return r;
}

int record_read_moves(struct record *record, struct arena *arena, struct move_entries *ret_entries, struct error *err)
{
	struct move_entries entries = {0};
	DIR *dir = opendir(record->moves);
	if (dir == NULL) {
		return fail(err, record->moves);
	}
	int r = 0;
	struct dirent *found;
	while (r == 0 && (found = readdir(dir)) != NULL) {
		if (found->d_name[0] != '.') {
			struct error why = {{0}};
			r = read_entry(record, arena, arena_copy(arena, found->d_name), &entries, &why);
			if (r < 0 && err != NULL) {
				*err = why;
			}
		}
	}
	closedir(dir);
	if (r < 0) {
		return r;
	}
	if (entries.count > 1) {
		qsort(entries.items, entries.count, sizeof(*entries.items), compare_entries);
	}
	*ret_entries = entries;
	return 0;
}

int record_write_file(struct record *record, const char *name, const char *bytes, struct error *err)
{
	return files_write(record->folder, name, bytes, strlen(bytes), err);
}

int record_replace_file(struct record *record, const char *name, const char *bytes, struct error *err)
{
	return files_replace(record->folder, name, bytes, strlen(bytes), err);
}

int record_read_file(struct record *record, struct arena *arena, const char *name, const char **ret_bytes,
                     struct error *err)
{
	const char *path = arena_print(arena, "%s/%s", record->folder, name);
	const char *bytes = NULL;
	size_t length;
	int r = files_read(arena, path, (size_t)1 << 30, &bytes, &length, err);
	if (r < 0 && r != -ENOENT) {
		return r;
	}
	*ret_bytes = bytes;
	return 0;
}

int record_read_failures(struct record *record, struct arena *arena, struct failures *ret_failures, struct error *err)
{
	struct desired_file file = {.name = arena_print(arena, "%s/%s", record->folder, FAILURES_FILE)};
	int r = record_read_file(record, arena, FAILURES_FILE, &file.bytes, err);
	if (r < 0 || file.bytes == NULL) {
		*ret_failures = (struct failures){0};
		return r;
	}
	file.length = strlen(file.bytes);
	return failures_read(arena, &file, ret_failures, err);
}

int record_write_failures(struct record *record, const struct failures *failures, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	return record_write_file(record, FAILURES_FILE, failures_write(arena, failures), err);
}
