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
 */
#ifndef BERTH_GIT_H
#define BERTH_GIT_H

#include "state/desired.h"
#include "state/error.h"
#include "state/status.h"

#include <stdbool.h>
#include <stddef.h>

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

/* The git directory of a local repository, for inotify; NULL for a remote one. */
const char *git_directory(const struct git *git);

/* Full name of the ref that is read (refs/heads/main), or NULL with a fixed revision. */
const char *git_ref(const struct git *git);

/* Brings a remote repository's branch and status branch here. -ETIMEDOUT after the deadline; the child is then gone. */
int git_fetch(struct git *git, struct error *err);

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
 * none.
 */
int git_commit_status(struct git *git, struct arena *arena, const struct status_commit *commit, bool *ret_made,
                      struct error *err);

/*
 * Sends the status branch to its remote, nothing to do for a repository on this machine. A push that is refused because
 * the tip moved is repeated on top of the new tip.
 */
int git_push_status(struct git *git, struct error *err);

/* A file at the tip of the status branch. -ENOENT when there is none. */
int git_read_status(struct git *git, struct arena *arena, const char *path, const char **ret_bytes, size_t *ret_length,
                    struct error *err);

static inline void git_clean(struct git **git)
{
	git_close(*git);
}
#define cleanup_git __attribute__((cleanup(git_clean)))

#endif
