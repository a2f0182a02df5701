/*
 * Watching the refs of a git repository on this machine, or one folder of berth's own. The door to inotify.
 *
 *     cleanup_watch struct watch *watch = NULL;
 *     r = watch_open(git_directory(git), git_head_directory(git), &watch, err);
 *     poll(watch_fd(watch)); if (watch_drain(watch)) { look again }
 *
 * Folders are watched, never a ref's file: git replaces that at every commit. An event only means "look again", and one
 * can be lost (a limit of the machine, a network file system): keep a slow timer beside it.
 */
#ifndef BERTH_WATCH_H
#define BERTH_WATCH_H

#include "state/error.h"

#include <stdbool.h>

struct watch;

/*
 * directory: with refs and packed-refs; head_directory: with HEAD, the same one or NULL. -ENOENT: no such folder,
 * -ENOSPC or -EMFILE: the machine's limits on watches are used up.
 */
int watch_open(const char *directory, const char *head_directory, struct watch **ret_watch, struct error *err);

/* One folder: files that are renamed to a name in it, as files_write() does, count as a change. */
int watch_open_folder(const char *folder, struct watch **ret_watch, struct error *err);

void watch_close(struct watch *watch);

/* Readable when there is something to drain. */
int watch_fd(const struct watch *watch);

/* Takes what has come, without waiting. True: a branch, HEAD or packed-refs, or the folder, may have changed. */
bool watch_drain(struct watch *watch);

static inline void watch_clean(struct watch **watch)
{
	watch_close(*watch);
}
#define cleanup_watch __attribute__((cleanup(watch_clean)))

#endif
