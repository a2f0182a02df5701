/*
 * The placement repository: reading a commit's placement, writing the status branch. The door to libgit2, and to `git`
 * itself (a child process with a deadline) for fetching and pushing URLs.
 *
 *     cleanup_git struct git *git = NULL;
 *     r = git_open(&settings, &git, err);
 *     r = git_fetch(git, err);                                        (nothing to do for a repository on this machine)
 *     r = git_read(git, arena, &placement, err);
 *     r = git_commit_status(git, arena, &commit, &ret_made, err);
 *     r = git_push_status(git, err);
 *
 * A URL is kept as a bare copy under `copy_path`, which is berth's own. In somebody's repository nothing is ever
 * touched but the status branch, and that only by compare-and-swap; neither work tree, index, HEAD nor configuration.
 * What is written there belongs to the repository's owner, whoever runs berth. A URL never makes git run a program:
 * only file, git, http, https and ssh are spoken.
 *
 * Nothing is kept open between calls, and no call changes what another one returned. Calls on one struct git are not
 * to overlap.
 */
#ifndef BERTH_GIT_H
#define BERTH_GIT_H

#include "state/desired.h"
#include "state/error.h"
#include "state/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct git;

struct git_settings {
	const char *repository;    /* a folder (bare or not) or a URL for git */
	const char *branch;        /* NULL: the repository's HEAD */
	const char *revision;      /* NULL: the tip of the branch; otherwise whatever git calls a commit */
	const char *path;          /* folder of the placement in the tree; "" or NULL: its root */
	const char *status_branch; /* NULL: berth/status */
	const char *status_remote; /* where the status branch lives: NULL: in `repository`; otherwise another URL or
	                              folder */
	const char *copy_path;     /* where the bare copy of a URL is kept; needed for URLs only */
	unsigned int deadline_ms;  /* for one fetch or push; 0: 60 s */
};

struct placement {
	const char *commit;         /* full id */
	struct desired_file *files; /* sorted by name */
	size_t file_count;
	struct problem_list problems; /* links, sub-modules, too large: whole lines, FILE:1:1: message; files are then
	                                 not to be used */
};

/* -ENOENT: no such repository; -EINVAL: not one, or settings that make no sense. */
int git_open(const struct git_settings *settings, struct git **ret_git, struct error *err);
void git_close(struct git *git);

/* Is it a URL, to be fetched and polled? Otherwise it is a folder, to be watched. */
bool git_is_remote(const struct git *git);

/*
 * The git directory of a local repository, for inotify (state/watch.h); NULL for a remote one. In a linked work tree
 * HEAD stands in another folder than the refs: git_head_directory.
 */
const char *git_directory(const struct git *git);
const char *git_head_directory(const struct git *git);

/*
 * Full name of the ref that is read (refs/heads/main), or NULL with a fixed revision. Where the branch is left to HEAD,
 * it is what HEAD named at the last git_fetch or git_tip ("HEAD" itself when that is detached).
 */
const char *git_ref(const struct git *git);

/*
 * Brings a remote repository's branch and status branch here; of one on this machine only asks what HEAD names. Status
 * commits that were not pushed yet are made again on the new tip of the status branch. -ETIMEDOUT after the deadline;
 * the child is then gone. -ENOENT: no such branch.
 */
int git_fetch(struct git *git, struct error *err);

/* The same for the status branch alone, where it lives elsewhere (status_remote); otherwise nothing to do. */
int git_fetch_status(struct git *git, struct error *err);

/* The commit that is to be acted on, without reading its tree: cheap. -ENOENT: no such branch or revision. */
int git_tip(struct git *git, struct arena *arena, const char **ret_commit, struct error *err);

/* The placement of that commit. -ENOENT: no such branch, revision or path. */
int git_read(struct git *git, struct arena *arena, struct placement *ret_placement, struct error *err);

struct status_commit {
	struct status_files files;
	const char *subject;
	const char **trailers; /* whole lines: "Desired: …" */
	size_t trailer_count;
};

/*
 * One commit on the status branch, whose tree is exactly `files`; none when the tip has that tree already (ret_made is
 * then false). Made again on the new tip when somebody else moved it in between. Begins an orphan branch when there is
 * none. The subject is cut at 120 characters; line breaks in it and in trailers are shown as '?'. -EINVAL: a branch
 * that holds something else than berth's status.
 */
int git_commit_status(struct git *git, struct arena *arena, const struct status_commit *commit, bool *ret_made,
                      struct error *err);

/*
 * Sends the status branch to its remote, nothing to do for a repository on this machine. A push that is refused because
 * the tip moved is repeated on top of the new tip. On failure the commits stay in the copy and travel the next time.
 */
int git_push_status(struct git *git, struct error *err);

/* Who wrote last on the status branch: of a remote one, as last seen there (what is not pushed yet does not count). */
struct status_tip {
	const char *commit;     /* full id */
	const char *controller; /* of its Controller: trailer; "" when it has none */
	int64_t time;           /* of the commit, seconds since 1970 */
};

/* -ENOENT: no status branch yet. */
int git_status_tip(struct git *git, struct arena *arena, struct status_tip *ret_tip, struct error *err);

/* A file at the tip of the status branch. -ENOENT when there is none. */
int git_read_status(struct git *git, struct arena *arena, const char *path, const char **ret_bytes, size_t *ret_length,
                    struct error *err);

static inline void git_clean(struct git **git)
{
	git_close(*git);
}
#define cleanup_git __attribute__((cleanup(git_clean)))

#endif
