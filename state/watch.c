#include "state/watch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { FOLDERS = 10000 }; /* watched at most */

struct watch {
	int fd;
	char *directory;      /* NULL: no repository, but one folder */
	char *head_directory; /* NULL: `directory` */
	int directory_watch;
	int head_watch;
};

/* Folders still to be looked into. */
struct folders {
	char **paths;
	size_t count;
	size_t next;
};

static void free_folders(const struct folders *folders)
{
	for (size_t i = 0; i < folders->count; i++) {
		free(folders->paths[i]);
	}
	free(folders->paths);
}

static int add_folder(struct folders *folders, const char *parent, const char *name)
{
	if (folders->count >= FOLDERS) {
		return 0;
	}
	char **paths = reallocarray(folders->paths, folders->count + 1, sizeof(*paths));
	if (paths == NULL) {
		return -ENOMEM;
	}
	folders->paths = paths;
	if (asprintf(&folders->paths[folders->count], "%s/%s", parent, name) < 0) {
		return -ENOMEM;
	}
	folders->count++;
	return 0;
}

/* The folder's watch, an old one when it has one. Negative errno. */
static int add_watch(const struct watch *watch, const char *path)
{
	const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_MOVE_SELF |
	                        IN_ONLYDIR | IN_DONT_FOLLOW;
	int r = inotify_add_watch(watch->fd, path, events);
	return r < 0 ? -errno : r;
}

static int add_sub_folders(struct folders *folders, const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	int r = 0;
	while (folder != NULL && r == 0 && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)) {
			r = add_folder(folders, path, entry->d_name);
		}
	}
	if (folder != NULL) {
		closedir(folder);
	}
	return r;
}

/* A folder is watched first and then read: what is made in between is seen by one of the two. */
static int add_watches(struct watch *watch)
{
	__attribute__((cleanup(free_folders))) struct folders folders = {0};
	watch->directory_watch = add_watch(watch, watch->directory);
	if (watch->directory_watch < 0) {
		return watch->directory_watch;
	}
	watch->head_watch = watch->directory_watch;
	if (watch->head_directory != NULL) {
		watch->head_watch = add_watch(watch, watch->head_directory);
	}
	if (watch->head_watch < 0) {
		return watch->head_watch;
	}
	int r = add_folder(&folders, watch->directory, "refs");
	if (r == 0 && (r = add_watch(watch, folders.paths[0])) >= 0) {
		r = add_folder(&folders, watch->directory, "refs/heads");
	}
	for (folders.next = 1; r >= 0 && folders.next < folders.count; folders.next++) {
		r = add_watch(watch, folders.paths[folders.next]);
		if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP) {
			r = 0; /* gone again, or a file */
			continue;
		}
		if (r >= 0) {
			r = add_sub_folders(&folders, folders.paths[folders.next]);
		}
	}
	return r < 0 ? r : 0;
}

static int begin(struct watch *watch, const char *directory, const char *head_directory, struct error *err)
{
	bool apart = head_directory != NULL && strcmp(directory, head_directory) != 0;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0) {
		return error_set(err, -errno, "inotify: %s", strerror(errno));
	}
	watch->directory = strdup(directory);
	watch->head_directory = apart ? strdup(head_directory) : NULL;
	if (watch->directory == NULL || (apart && watch->head_directory == NULL)) {
		return error_set(err, -ENOMEM, "out of memory");
	}
	int r = add_watches(watch);
	return r < 0 ? error_set(err, r, "%s: cannot be watched: %s", directory, strerror(-r)) : 0;
}

int watch_open(const char *directory, const char *head_directory, struct watch **ret_watch, struct error *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		return error_set(err, -ENOMEM, "out of memory");
	}
	int r = begin(watch, directory, head_directory, err);
	if (r < 0) {
		watch_close(watch);
		return r;
	}
	*ret_watch = watch;
	return 0;
}

int watch_open_folder(const char *folder, struct watch **ret_watch, struct error *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		return error_set(err, -ENOMEM, "out of memory");
	}
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0 || inotify_add_watch(watch->fd, folder, IN_MOVED_TO | IN_ONLYDIR) < 0) {
		int code = -errno;
		watch_close(watch);
		return error_set(err, code, "%s: cannot be watched: %s", folder, strerror(-code));
	}
	*ret_watch = watch;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (watch == NULL) {
		return;
	}
	if (watch->fd >= 0) {
		close(watch->fd);
	}
	free(watch->directory);
	free(watch->head_directory);
	free(watch);
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

/* git writes NAME.lock and renames it; only the latter counts. */
static bool is_lock(const char *name)
{
	size_t length = strlen(name);
	return length > 5 && strcmp(name + length - 5, ".lock") == 0;
}

static bool matters(const struct watch *watch, const struct inotify_event *event)
{
	const char *name = event->len > 0 ? event->name : "";
	if ((event->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
		return true;
	}
	if (watch->directory == NULL || is_lock(name)) {
		return watch->directory == NULL;
	}
	if (event->wd == watch->directory_watch || event->wd == watch->head_watch) {
		return strcmp(name, "HEAD") == 0 || strcmp(name, "packed-refs") == 0 || strcmp(name, "refs") == 0;
	}
	return true;
}

bool watch_drain(struct watch *watch)
{
	_Alignas(struct inotify_event) char bytes[4096];
	bool look_again = false;
	bool folders_changed = false;
	ssize_t n;
	while ((n = read(watch->fd, bytes, sizeof(bytes))) > 0) {
		const struct inotify_event *event;
		for (const char *at = bytes; at < bytes + n; at += sizeof(*event) + event->len) {
			event = (const void *)at;
			look_again = matters(watch, event) || look_again;
			folders_changed = folders_changed ||
			                  (event->mask & (IN_ISDIR | IN_Q_OVERFLOW | IN_IGNORED | IN_MOVE_SELF)) != 0;
		}
	}
	if (folders_changed && watch->directory != NULL) {
		add_watches(watch); /* what cannot be watched now is left to the slow timer */
	}
	return look_again;
}
