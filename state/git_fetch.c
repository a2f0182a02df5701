#include "state/arena.h"
#include "state/git.h"
#include "state/git_door.h"
#include "state/git_remote.h"
#include "state/repository.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <string.h>

REPOSITORY_OWNED(git_reference, git_reference_free)

enum { PUSH_TRIES = 5 };

/* One exchange with a URL, and what it finds in the copy. */
struct exchange {
	struct git *git;
	struct arena *arena;
	struct repository *copy;
	const char *url;
	bool with_branch;
	bool with_status;
	struct remote remote;
	const char *ref;         /* of the branch */
	const char *id;          /* of its tip on the remote */
	char branch[REMOTE_HEX]; /* of its tip here, "" when there is none yet */
	char known[REMOTE_HEX];  /* of the status branch's, as last seen there */
	char local[REMOTE_HEX];  /* of the status branch's here */
};

static int look_up(git_repository *inside, const char *ref, char *ret_hex, struct error *err)
{
	git_oid id;
	int r = repository_ref(inside, ref, &id, err);
	ret_hex[0] = '\0';
	if (r == 0) {
		git_oid_tostr(ret_hex, REMOTE_HEX, &id);
	}
	return r == -ENOENT ? 0 : r;
}

static int look_up_all(struct git_repository *inside, void *argument, struct error *err)
{
	struct exchange *exchange = argument;
	int r = look_up(inside, REF_KNOWN, exchange->known, err);
	if (r == 0) {
		r = look_up(inside, exchange->git->status_ref, exchange->local, err);
	}
	if (r == 0 && exchange->ref != NULL) {
		r = look_up(inside, exchange->ref, exchange->branch, err);
	}
	return r;
}

/* What the remote says of the branch: it must be there, and not be the status branch. */
static int judge_branch(struct exchange *exchange, struct error *err)
{
	const struct git *git = exchange->git;
	const struct remote *remote = &exchange->remote;
	exchange->ref = git->branch != NULL ? git->ref : remote->head_ref;
	exchange->id = git->branch != NULL ? remote->branch : remote->head;
	if (strncmp(exchange->ref, "refs/heads/", 11) != 0) {
		return error_set(err, -ENOENT, "%s: its HEAD names no branch that is there; name one", git->repository);
	}
	if (exchange->id[0] == '\0') {
		return error_set(err, -ENOENT, "%s: no branch %s", git->repository, exchange->ref + 11);
	}
	if (strcmp(exchange->ref, git->status_ref) == 0) {
		return error_set(err, -EINVAL,
		                 "%s: HEAD names the status branch %s: name the branch that is to be read",
		                 git->repository, git->status_branch);
	}
	return 0;
}

/* After the fetch: HEAD of the copy names the branch, so that revisions mean here what they mean there. */
static int set_head(struct git_repository *inside, void *argument, struct error *err)
{
	const struct exchange *exchange = argument;
	OWNED(git_reference) head = NULL;
	int r = git_reference_symbolic_create(&head, inside, "HEAD", exchange->ref, 1, NULL);
	if (r < 0) {
		return repository_error(err, r, "%s", exchange->git->repository);
	}
	return git_find_ref(exchange->git, inside, err);
}

static int catch_up(struct git_repository *inside, void *argument, struct error *err)
{
	const struct exchange *exchange = argument;
	if (exchange->remote.status[0] == '\0') {
		return git_catch_up(exchange->git, inside, NULL, err);
	}
	git_oid tip;
	int r = repository_ref(inside, REF_INCOMING, &tip, err);
	if (r == -ENOENT) {
		return error_set(err, -EIO, "%s: the fetch brought no %s", exchange->git->repository,
		                 exchange->git->status_ref);
	}
	return r < 0 ? r : git_catch_up(exchange->git, inside, &tip, err);
}

/* Under the copy's lock: asks what moved, fetches that, and settles it. */
static int do_exchange(struct exchange *exchange, struct error *err)
{
	struct git *git = exchange->git;
	int r = remote_ask(git, exchange->arena, exchange->copy, exchange->url, &exchange->remote, err);
	if (r == 0 && exchange->with_branch) {
		r = judge_branch(exchange, err);
	}
	if (r == 0) {
		r = repository_work(exchange->copy, look_up_all, exchange, err);
	}
	if (r < 0) {
		return r;
	}
	const char *specs[3] = {NULL};
	size_t count = 0;
	if (exchange->with_branch && strcmp(exchange->branch, exchange->id) != 0) {
		specs[count++] = arena_print(exchange->arena, "+%s:%s", exchange->ref, exchange->ref);
	}
	bool moved = exchange->with_status && strcmp(exchange->known, exchange->remote.status) != 0;
	if (moved && exchange->remote.status[0] != '\0') {
		specs[count++] = arena_print(exchange->arena, "+%s:" REF_INCOMING, git->status_ref);
	}
	if (count > 0) {
		r = remote_fetch(git, exchange->arena, exchange->copy, exchange->url, specs, err);
	}
	if (r == 0 && exchange->with_branch) {
		r = repository_work(exchange->copy, set_head, exchange, err);
	}
	if (r == 0 && moved) {
		r = repository_work(exchange->copy, catch_up, exchange, err);
	}
	return r;
}

static int find_here(struct git_repository *inside, void *argument, struct error *err)
{
	git_oid id;
	return git_find_commit(argument, inside, &id, err);
}

/*
 * A revision that the branches do not hold: a tag, another branch, a commit that the server gives by its id. What is no
 * name of a ref ("main~2") is only looked for in what is here.
 */
static int fetch_revision(struct git *git, struct arena *arena, struct error *err)
{
	int valid = 0;
	const char *ref = arena_print(arena, REF_REVISION "%s", git->revision);
	bool here = repository_work(git->source, find_here, git, NULL) == 0;
	bool moves = strlen(git->revision) != REMOTE_HEX - 1; /* an id does not */
	if (git_reference_name_is_valid(&valid, ref) == 0 && valid && git->revision[0] != '-' && (moves || !here)) {
		const char *specs[] = {arena_print(arena, "+%s:%s", git->revision, ref), NULL};
		int r = remote_fetch(git, arena, git->source, git->source_url, specs, err);
		if (r < 0 && r != -EIO) {
			return r;
		}
	}
	return repository_work(git->source, find_here, git, err);
}

int git_fetch(struct git *git, struct error *err)
{
	if (git->source_url == NULL) {
		return repository_work(git->source, find_here, git, err);
	}
	cleanup_arena struct arena *arena = arena_create();
	cleanup_remote_lock int lock = remote_lock(git, git->source, err);
	struct exchange exchange = {
	        .git = git,
	        .arena = arena,
	        .copy = git->source,
	        .url = git->source_url,
	        .with_branch = true,
	        .with_status = git->status_url != NULL && strcmp(git->source_url, git->status_url) == 0,
	};
	int r = lock < 0 ? lock : do_exchange(&exchange, err);
	return r == 0 && git->revision != NULL ? fetch_revision(git, arena, err) : r;
}

/* Under the copy's lock. */
static int fetch_status(struct git *git, struct arena *arena, struct exchange *ret_exchange, struct error *err)
{
	*ret_exchange = (struct exchange){
	        .git = git, .arena = arena, .copy = git->status, .url = git->status_url, .with_status = true};
	return do_exchange(ret_exchange, err);
}

int git_fetch_status(struct git *git, struct error *err)
{
	if (git->status_url == NULL || (git->source_url != NULL && strcmp(git->source_url, git->status_url) == 0)) {
		return 0;
	}
	cleanup_arena struct arena *arena = arena_create();
	cleanup_remote_lock int lock = remote_lock(git, git->status, err);
	struct exchange exchange;
	return lock < 0 ? lock : fetch_status(git, arena, &exchange, err);
}

/* The remote has taken `local`: what comes next is built on it. */
static int note_pushed(struct git_repository *inside, void *argument, struct error *err)
{
	const struct exchange *exchange = argument;
	git_oid known;
	git_oid local;
	if (git_oid_fromstr(&local, exchange->local) < 0 ||
	    (exchange->known[0] != '\0' && git_oid_fromstr(&known, exchange->known) < 0)) {
		return error_set(err, -EINVAL, "%s: not an id", exchange->local);
	}
	return repository_move_ref(inside, REF_KNOWN, exchange->known[0] == '\0' ? NULL : &known, &local, "push", err);
}

/*
 * Each try pushes what is here. When the server refuses it, its tip is fetched; where that has moved, what is not
 * pushed yet now stands on it, and the next try sends it. Where it has not, the refusal is final.
 */
static int push_status(struct git *git, struct arena *arena, struct error *err)
{
	struct exchange exchange = {.git = git};
	for (int i = 0; i < PUSH_TRIES; i++) {
		int r = repository_work(git->status, look_up_all, &exchange, err);
		if (r < 0 || strcmp(exchange.local, exchange.known) == 0) {
			return r;
		}
		r = remote_push(git, arena, git->status, exchange.local, err);
		if (r == 0) {
			return repository_work(git->status, note_pushed, &exchange, err);
		}
		if (r != -EAGAIN) {
			return r;
		}
		struct exchange after;
		r = fetch_status(git, arena, &after, NULL);
		if (r < 0 || strcmp(after.known, after.remote.status) == 0) {
			return -EIO;
		}
	}
	return -EIO;
}

int git_push_status(struct git *git, struct error *err)
{
	if (git->status_url == NULL) {
		return 0;
	}
	cleanup_arena struct arena *arena = arena_create();
	cleanup_remote_lock int lock = remote_lock(git, git->status, err);
	return lock < 0 ? lock : push_status(git, arena, err);
}
