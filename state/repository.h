/*
 * A git repository on this machine, and how the files of the git door (git*.c) get inside. Private to them.
 *
 *     static int count_refs(struct git_repository *inside, void *argument, struct error *err);
 *
 *     cleanup_repository struct repository *repository = NULL;
 *     r = repository_open("/srv/placement.git", &repository, err);
 *     r = repository_work(repository, count_refs, &count, err);
 *
 * Each piece of work opens the repository anew, so that no view of refs or packs grows old while others repack, and
 * runs in a thread of its own that has become the repository's owner. Run by root, berth so makes objects and refs that
 * the owner can go on working with, and can do nothing there that the owner could not do (a link planted under `refs`
 * leads nowhere that the owner may not write). The thread ends with the work, and takes the other identity with it.
 *
 * libgit2's own check of the owner is off: it is there because `git` runs what a repository's configuration names
 * (hooks, filters, pagers, helpers). libgit2 runs nothing for what is done here: no work tree, filter or transport.
 */
#ifndef BERTH_REPOSITORY_H
#define BERTH_REPOSITORY_H

#include "state/error.h"

#include <sys/types.h>

struct git_repository;
struct git_oid;
struct git_signature;

struct repository {
	char *path;           /* as it was named */
	char *directory;      /* its git directory, for a linked work tree the main one's: refs and objects */
	char *head_directory; /* where HEAD is: another one in a linked work tree */
	uid_t uid;            /* who owns `directory` */
	gid_t gid;
	int mask; /* the umask that core.sharedRepository asks for; -1: the process's */
};

/* Sets libgit2 up, once for the process; the functions here do so themselves. It is not undone: it holds nothing. */
void repository_library(void);

/* -ENOENT: no such folder; -EINVAL: not a repository (the folders above are not looked at). */
int repository_open(const char *path, struct repository **ret_repository, struct error *err);
void repository_close(struct repository *repository);

/* A bare one, made when it is not there; a half-made one is completed. Its folder is for its owner alone. */
int repository_make(const char *path, struct repository **ret_repository, struct error *err);

/* Runs `work` inside and returns what it returns. The caller waits. */
int repository_work(const struct repository *repository,
                    int (*work)(struct git_repository *inside, void *argument, struct error *err), void *argument,
                    struct error *err);

/*
 * Compare and swap: sets a ref, which must point to `from` (NULL: must not exist), to `to` (NULL: removes it).
 * -EAGAIN: it points elsewhere by now, or somebody else holds its lock. `log` is the line for its reflog.
 */
int repository_move_ref(struct git_repository *inside, const char *ref, const struct git_oid *from,
                        const struct git_oid *to, const char *log, struct error *err);

/* The commit that a ref leads to. -ENOENT when there is none; the error is then not filled. */
int repository_ref(struct git_repository *inside, const char *ref, struct git_oid *ret_id, struct error *err);

/* `berth <berth@HOST>`, now, in UTC. */
int repository_signature(struct git_signature **ret_signature, struct error *err);

/* libgit2's last error as ours: "what: its message". `code` is libgit2's. Returns a negative errno. */
int repository_error(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Cleanup for libgit2's types: after REPOSITORY_OWNED(git_tree, git_tree_free), `OWNED(git_tree) tree = NULL;` */
/* NOLINTBEGIN(bugprone-macro-parentheses): types cannot stand in parentheses */
#define REPOSITORY_OWNED(type, destroy)                                                                                \
	static void clean_##type(type **item)                                                                          \
	{                                                                                                              \
		destroy(*item);                                                                                        \
	}
#define OWNED(type) __attribute__((cleanup(clean_##type))) type *
/* NOLINTEND(bugprone-macro-parentheses) */

static inline void repository_clean(struct repository **repository)
{
	repository_close(*repository);
}
#define cleanup_repository __attribute__((cleanup(repository_clean)))

#endif
