#include "state/files.h"

#include "state/arena.h"
#include "state/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void clean_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}
#define cleanup_fd __attribute__((cleanup(clean_fd)))

int files_read(struct arena *arena, const char *path, size_t limit, const char **ret_bytes, size_t *ret_length,
               struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat info;
	if (fd < 0 || fstat(fd, &info) < 0) {
		int code = -errno;
		return error_set(err, code, "%s: %s", path, strerror(-code));
	}
	if (S_ISDIR(info.st_mode)) {
		return error_set(err, -EISDIR, "%s: is a folder", path);
	}
	size_t room = info.st_size > 0 ? (size_t)info.st_size + 1 : 4096;
	size_t length = 0;
	char *bytes = arena_alloc(arena, room + 1);
	for (;;) {
		if (length == room) {
			bytes = arena_grow(arena, bytes, room, room * 2 + 1, 1);
			room *= 2;
		}
		ssize_t got = read(fd, bytes + length, room - length);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			int code = -errno;
			return error_set(err, code, "%s: %s", path, strerror(-code));
		}
		if (got == 0) {
			break;
		}
		length += (size_t)got;
		if (length > limit) {
			return error_set(err, -EFBIG, "%s: larger than %zu bytes", path, limit);
		}
	}
	bytes[length] = '\0';
	*ret_bytes = bytes;
	*ret_length = length;
	return 0;
}

static int fail(struct error *err, const char *path)
{
	int code = -errno;
	return error_set(err, code, "%s: %s", path, strerror(-code));
}

int files_flush_folder(const char *path, struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0) {
		return fail(err, path);
	}
	return 0;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);
		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written < 0) {
			return -1;
		}
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

static int replace(const char *folder, const char *name, const char *bytes, size_t length, bool durably,
                   struct error *err)
{
	char path[PATH_MAX];
	char beside[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
	    snprintf(beside, sizeof(beside), "%s/.%s.new", folder, name) >= (int)sizeof(beside)) {
		return error_set(err, -ENAMETOOLONG, "%s/%s: name too long", folder, name);
	}
	cleanup_fd int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write_all(fd, bytes, length) < 0 || (durably && fsync(fd) < 0) || rename(beside, path) < 0) {
		return fail(err, path);
	}
	return durably ? files_flush_folder(folder, err) : 0;
}

int files_write(const char *folder, const char *name, const char *bytes, size_t length, struct error *err)
{
	return replace(folder, name, bytes, length, true, err);
}

int files_replace(const char *folder, const char *name, const char *bytes, size_t length, struct error *err)
{
	return replace(folder, name, bytes, length, false, err);
}

int files_make_folder(const char *path, struct error *err)
{
	char part[PATH_MAX];
	size_t length = strlen(path);
	if (length >= sizeof(part)) {
		return error_set(err, -ENAMETOOLONG, "%s: name too long", path);
	}
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0') {
			continue;
		}
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST) {
			return fail(err, part);
		}
	}
	return 0;
}

enum { LARGEST_FILE = 4 * 1024 * 1024, MOST_FILES = 100000, DEEPEST = 32 };

/* A folder that is still to be read: its name below the placement path, "" for that itself. */
struct waiting {
	const char *name;
	unsigned int depth;
};

struct walk {
	struct arena *arena;
	const char *top;
	struct waiting *folders;
	size_t folder_count;
	struct desired_file *files;
	size_t file_count;
	struct problem_list problems;
};

static void add_problem(struct walk *walk, const char *name, const char *what)
{
	ARENA_ADD(walk->arena, walk->problems.lines, walk->problems.count) =
	        arena_print(walk->arena, "%s:1:1: %s", text_printable(walk->arena, name), what);
}

static int take_file(struct walk *walk, const char *name, const char *path, struct error *err)
{
	struct desired_file file = {.name = name};
	int r = files_read(walk->arena, path, LARGEST_FILE, &file.bytes, &file.length, err);
	if (r == -EFBIG || walk->file_count == MOST_FILES) {
		add_problem(walk, name, r == -EFBIG ? "the file is larger than 4 MiB" : "more than 100,000 files");
		return walk->file_count == MOST_FILES ? -EINVAL : 0;
	}
	if (r == 0) {
		ARENA_ADD(walk->arena, walk->files, walk->file_count) = file;
	}
	return r;
}

static int take_entry(struct walk *walk, const struct waiting *folder, const char *entry, struct error *err)
{
	bool is_top = folder->name[0] == '\0';
	const char *name = arena_print(walk->arena, "%s%s%s", folder->name, is_top ? "" : "/", entry);
	const char *path = arena_print(walk->arena, "%s/%s", walk->top, name);
	struct stat info;
	if (lstat(path, &info) < 0) {
		return errno == ENOENT ? 0 : fail(err, path);
	}
	if (S_ISDIR(info.st_mode) && desired_reads_folder(entry)) {
		if (folder->depth == DEEPEST) {
			add_problem(walk, name, "folders are nested more than 32 deep");
			return 0;
		}
		ARENA_ADD(walk->arena, walk->folders, walk->folder_count) =
		        (struct waiting){.name = name, .depth = folder->depth + 1};
	} else if (S_ISLNK(info.st_mode) && entry[0] != '.') {
		add_problem(walk, name, "symbolic links are not followed: put the file itself there");
	} else if (S_ISREG(info.st_mode) && desired_reads_file(entry)) {
		return take_file(walk, name, path, err);
	}
	return 0;
}

static int read_folder(struct walk *walk, const struct waiting *folder, struct error *err)
{
	bool is_top = folder->name[0] == '\0';
	const char *path = arena_print(walk->arena, "%s%s%s", walk->top, is_top ? "" : "/", folder->name);
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return fail(err, path);
	}
	int r = 0;
	struct dirent *entry;
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		if (!text_equal(entry->d_name, ".") && !text_equal(entry->d_name, "..")) {
			r = take_entry(walk, folder, entry->d_name, err);
		}
	}
	closedir(dir);
	return r;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct desired_file *)a)->name, ((const struct desired_file *)b)->name);
}

int files_read_placement(struct arena *arena, const char *folder, struct desired_file **ret_files, size_t *ret_count,
                         struct problem_list *ret_problems, struct error *err)
{
	struct walk walk = {.arena = arena, .top = folder};
	ARENA_ADD(arena, walk.folders, walk.folder_count) = (struct waiting){.name = ""};
	for (size_t i = 0; i < walk.folder_count; i++) {
		struct waiting next = walk.folders[i];
		int r = read_folder(&walk, &next, err);
		if (r < 0 && walk.problems.count == 0) {
			return r;
		}
	}
	if (walk.file_count > 1) {
		qsort(walk.files, walk.file_count, sizeof(*walk.files), compare_files);
	}
	*ret_files = walk.files;
	*ret_count = walk.file_count;
	*ret_problems = walk.problems;
	return 0;
}

int files_read_inventory(struct arena *arena, const char *path, struct desired_file **ret_files, size_t *ret_count,
                         struct error *err)
{
	const size_t limit = (size_t)1 << 30;
	struct desired_file *files = NULL;
	size_t count = 0;
	DIR *dir = opendir(path);
	if (dir == NULL && errno != ENOTDIR) {
		return fail(err, path);
	}
	if (dir == NULL) {
		struct desired_file file = {.name = path};
		int r = files_read(arena, path, limit, &file.bytes, &file.length, err);
		if (r < 0) {
			return r;
		}
		ARENA_ADD(arena, files, count) = file;
	}
	int r = 0;
	struct dirent *entry;
	while (dir != NULL && r == 0 && (entry = readdir(dir)) != NULL) {
		if (!desired_reads_file(entry->d_name)) {
			continue;
		}
		struct desired_file file = {.name = arena_print(arena, "%s/%s", path, entry->d_name)};
		r = files_read(arena, file.name, limit, &file.bytes, &file.length, err);
		if (r == 0) {
			ARENA_ADD(arena, files, count) = file;
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	if (r < 0) {
		return r;
	}
	if (count == 0) {
		return error_set(err, -ENOENT, "%s: no inventory (*.yaml) in it", path);
	}
	qsort(files, count, sizeof(*files), compare_files);
	*ret_files = files;
	*ret_count = count;
	return 0;
}
