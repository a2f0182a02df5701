/*
 * What the files of the git door share. Private to git*.c.
 *
 * Two repositories on this machine: `source` holds the placement, `status` the status branch. They are one and the same
 * unless status_remote names another place; where a URL is behind one, it is the copy. In a copy,
 *   refs/heads/BRANCH      is the remote's branch as last fetched (HEAD names it),
 *   refs/heads/STATUS      is the status branch with all that is not pushed yet,
 *   refs/berth/known       is the status branch as last seen on the remote, on which the above is built,
 *   refs/berth/incoming    is what a fetch has just brought of it,
 *   refs/berth/revision/…  is a fixed revision that had to be asked for by name.
 */
#ifndef BERTH_GIT_DOOR_H
#define BERTH_GIT_DOOR_H

#include "state/git.h"
#include "state/repository.h"

#define REF_KNOWN    "refs/berth/known"
#define REF_INCOMING "refs/berth/incoming"
#define REF_REVISION "refs/berth/revision/"

struct git {
	char *repository; /* as configured, for messages: a URL's password is masked */
	char *branch;     /* NULL: HEAD's */
	char *revision;   /* NULL: the branch's tip */
	char *path;       /* components joined by '/', "" for the root */
	char *status_branch;
	char *status_ref;
	char *ref; /* see git_ref */
	unsigned int deadline_ms;
	char *source_url; /* NULL: on this machine */
	char *status_url; /* NULL: on this machine */
	struct repository *source;
	struct repository *status; /* may be `source` itself */
};

/* Is the text a URL for git, or else a folder? The same rule as git's own. */
bool git_is_url(const char *text);

/* -EINVAL: one that could make git run a program, or that git would take for an option. */
int git_check_url(const char *url, struct error *err);

/* Looks what HEAD names, where the branch is left to it. -EINVAL: the status branch would be read. */
int git_find_ref(struct git *git, struct git_repository *inside, struct error *err);

/* The commit to act on. -ENOENT. */
int git_find_commit(struct git *git, struct git_repository *inside, struct git_oid *ret_id, struct error *err);

/* Is the tip of the status branch something that berth may write on? -EINVAL when it is somebody's work. */
int git_check_tip(const struct git *git, struct git_repository *inside, const struct git_oid *tip, struct error *err);

/*
 * In a copy: the status branch is now at `tip` on its remote (NULL: nowhere). Makes what is not pushed yet again on top
 * of it, in order. Nothing changes when that is where the remote was already.
 */
int git_catch_up(const struct git *git, struct git_repository *inside, const struct git_oid *tip, struct error *err);

#endif
