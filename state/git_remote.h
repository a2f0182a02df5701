/*
 * What `git` as a child process does for a copy: ask, fetch, push. Private to git*.c.
 *
 * Each has the deadline of the settings. Messages begin with the URL, without its password.
 */
#ifndef BERTH_GIT_REMOTE_H
#define BERTH_GIT_REMOTE_H

#include "state/error.h"

#include <unistd.h>

struct arena;
struct git;
struct repository;

enum { REMOTE_HEX = 40 + 1 };

/* What `git ls-remote` tells; "" for what is not there. */
struct remote {
	char head_ref[256]; /* what HEAD names */
	char head[REMOTE_HEX];
	char branch[REMOTE_HEX]; /* of the branch that the settings name */
	char status[REMOTE_HEX];
};

/*
 * Other commands of berth may use the same copy: one at a time. Returns a file descriptor, closed to unlock; -EBUSY
 * after the deadline.
 */
int remote_lock(const struct git *git, const struct repository *copy, struct error *err);

static inline void remote_unlock(const int *lock)
{
	if (*lock >= 0) {
		close(*lock);
	}
}
#define cleanup_remote_lock __attribute__((cleanup(remote_unlock)))

/* One short exchange that tells what moved; only then anything is fetched. */
int remote_ask(const struct git *git, struct arena *arena, const struct repository *copy, const char *url,
               struct remote *ret_remote, struct error *err);

/* Brings refs over: `specs` are refspecs, NULL-terminated. -EIO: what git said. */
int remote_fetch(const struct git *git, struct arena *arena, const struct repository *copy, const char *url,
                 const char *const specs[], struct error *err);

/* Sends a commit to the status branch, if that is where git sees it now: -EAGAIN when the server refused the ref. */
int remote_push(const struct git *git, struct arena *arena, const struct repository *copy, const char *id,
                struct error *err);

#endif
