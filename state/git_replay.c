#include "state/git_door.h"
#include "state/repository.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>

REPOSITORY_OWNED(git_commit, git_commit_free)
REPOSITORY_OWNED(git_tree, git_tree_free)

/* Commits that the remote does not have, newest first. */
struct pending {
	git_oid *ids;
	size_t count;
};

static void free_pending(const struct pending *pending)
{
	free(pending->ids);
}

/* From `local` back to where the remote was or is. */
static int find_pending(git_repository *inside, const git_oid *local, const git_oid *known, const git_oid *tip,
                        struct pending *pending, struct error *err)
{
	git_oid id;
	git_oid_cpy(&id, local);
	for (;;) {
		OWNED(git_commit) commit = NULL;
		if ((known != NULL && git_oid_equal(&id, known)) || (tip != NULL && git_oid_equal(&id, tip))) {
			return 0;
		}
		git_oid *more = reallocarray(pending->ids, pending->count + 1, sizeof(*more));
		if (more == NULL) {
			return error_set(err, -ENOMEM, "out of memory");
		}
		pending->ids = more;
		git_oid_cpy(&pending->ids[pending->count++], &id);
		int r = git_commit_lookup(&commit, inside, &id);
		if (r < 0) {
			return repository_error(err, r, "status branch");
		}
		if (git_commit_parentcount(commit) == 0) {
			return 0;
		}
		git_oid_cpy(&id, git_commit_parent_id(commit, 0));
	}
}

/* The same commit on another parent, or on none; what would change nothing there is left out. */
static int replay(git_repository *inside, const git_oid *id, bool *has_tip, git_oid *tip, struct error *err)
{
	OWNED(git_commit) commit = NULL;
	OWNED(git_commit) parent = NULL;
	OWNED(git_tree) tree = NULL;
	int r = git_commit_lookup(&commit, inside, id);
	if (r == 0) {
		r = git_commit_tree(&tree, commit);
	}
	if (r == 0 && *has_tip) {
		r = git_commit_lookup(&parent, inside, tip);
	}
	if (r == 0 && parent != NULL && git_oid_equal(git_commit_tree_id(parent), git_tree_id(tree))) {
		return 0;
	}
	const git_commit *parents[] = {parent};
	if (r == 0) {
		r = git_commit_create(tip, inside, NULL, git_commit_author(commit), git_commit_committer(commit), NULL,
		                      git_commit_message(commit), tree, parent == NULL ? 0 : 1, parents);
	}
	if (r < 0) {
		return repository_error(err, r, "status branch");
	}
	*has_tip = true;
	return 0;
}

/* Absent before and after is nothing to do. */
static int move(git_repository *inside, const char *ref, const git_oid *from, const git_oid *to, struct error *err)
{
	if ((from == NULL && to == NULL) || (from != NULL && to != NULL && git_oid_equal(from, to))) {
		return 0;
	}
	return repository_move_ref(inside, ref, from, to, "fetch", err);
}

int git_catch_up(const struct git *git, struct git_repository *inside, const struct git_oid *tip, struct error *err)
{
	__attribute__((cleanup(free_pending))) struct pending pending = {0};
	git_oid local;
	git_oid known;
	git_oid new_tip;
	bool has_tip = tip != NULL;
	int has_local = repository_ref(inside, git->status_ref, &local, err);
	int has_known = repository_ref(inside, REF_KNOWN, &known, err);
	if ((has_local < 0 && has_local != -ENOENT) || (has_known < 0 && has_known != -ENOENT)) {
		return has_local < 0 && has_local != -ENOENT ? has_local : has_known;
	}
	const git_oid *at = has_local == 0 ? &local : NULL;
	const git_oid *was = has_known == 0 ? &known : NULL;
	int r = tip != NULL ? git_check_tip(git, inside, tip, err) : 0;
	if (r == 0 && at != NULL) {
		r = find_pending(inside, at, was, tip, &pending, err);
	}
	if (has_tip) {
		git_oid_cpy(&new_tip, tip);
	}
	while (r == 0 && pending.count > 0) {
		r = replay(inside, &pending.ids[--pending.count], &has_tip, &new_tip, err);
	}
	if (r == 0) {
		r = move(inside, git->status_ref, at, has_tip ? &new_tip : NULL, err);
	}
	/* Second: after a crash between the two, find_pending stops at the tip, which `local` then stands on. */
	return r == 0 ? move(inside, REF_KNOWN, was, tip, err) : r;
}
