#include "state/git.h"

#include "state/arena.h"
#include "state/child.h"
#include "state/git_door.h"
#include "state/repository.h"

#include <ctype.h>
#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

REPOSITORY_OWNED(git_object, git_object_free)
REPOSITORY_OWNED(git_reference, git_reference_free)

enum { DEFAULT_DEADLINE_MS = 60 * 1000 };

bool git_is_url(const char *text)
{
	const char *colon = strchr(text, ':');
	const char *slash = strchr(text, '/');
	/* git-fetch(1), GIT URLS: host:path is one, unless a slash comes first. */
	return colon != NULL && (slash == NULL || colon < slash);
}

int git_check_url(const char *url, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	static const char *const schemes[] = {"file", "git", "http", "https", "ssh"};
	const char *shown = child_mask(arena, url);
	const char *colon = strchr(url, ':');
	if (url[0] == '-') {
		return error_set(err, -EINVAL, "%s: a URL does not begin with '-'", shown);
	}
	for (const char *c = url; *c != '\0'; c++) {
		if (iscntrl((unsigned char)*c)) {
			return error_set(err, -EINVAL, "%s: control characters in a URL", shown);
		}
	}
	if (strncmp(colon, "://", 3) != 0) {
		/* host:path, for ssh; but NAME::… is how git calls a helper program */
		return colon[1] == ':' ? error_set(err, -EINVAL, "%s: helper programs are not run for a URL", shown)
		                       : 0;
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strlen(schemes[i]) == (size_t)(colon - url) &&
		    strncmp(url, schemes[i], (size_t)(colon - url)) == 0) {
			return 0;
		}
	}
	return error_set(err, -EINVAL, "%s: not one of file, git, http, https and ssh", shown);
}

static int copy_text(const char *text, char **ret_copy, struct error *err)
{
	*ret_copy = text == NULL ? NULL : strdup(text);
	return text != NULL && *ret_copy == NULL ? error_set(err, -ENOMEM, "out of memory") : 0;
}

/* "a/./b/" is a/b; what leads out of the tree is refused. */
static int take_path(const char *path, char **ret_path, struct error *err)
{
	char *joined = calloc(1, strlen(path) + 1);
	size_t length = 0;
	if (joined == NULL) {
		return error_set(err, -ENOMEM, "out of memory");
	}
	*ret_path = joined;
	if (path[0] == '/') {
		return error_set(err, -EINVAL, "path %s: is to be relative to the repository's root", path);
	}
	for (const char *from = path; *from != '\0';) {
		size_t n = strcspn(from, "/");
		if (n == 2 && strncmp(from, "..", 2) == 0) {
			return error_set(err, -EINVAL, "path %s: '..' leads out of the repository", path);
		}
		if (n > 0 && !(n == 1 && from[0] == '.')) {
			if (length > 0) {
				joined[length++] = '/';
			}
			memcpy(joined + length, from, n);
			length += n;
		}
		from += n + (from[n] == '/');
	}
	return 0;
}

static int check_branch(const char *branch, struct error *err)
{
	int valid = 0;
	if (git_branch_name_is_valid(&valid, branch) < 0 || !valid) {
		return error_set(err, -EINVAL, "%s: not a name for a branch", branch);
	}
	return 0;
}

static int take_settings(struct git *git, const struct git_settings *settings, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *status_branch = settings->status_branch == NULL ? "berth/status" : settings->status_branch;
	int r = copy_text(child_mask(arena, settings->repository), &git->repository, err);
	if (r == 0) {
		r = copy_text(settings->branch, &git->branch, err);
	}
	if (r == 0) {
		r = copy_text(settings->revision, &git->revision, err);
	}
	if (r == 0) {
		r = copy_text(status_branch, &git->status_branch, err);
	}
	if (r == 0) {
		r = copy_text(arena_print(arena, "refs/heads/%s", status_branch), &git->status_ref, err);
	}
	if (r == 0) {
		r = take_path(settings->path == NULL ? "" : settings->path, &git->path, err);
	}
	if (r == 0 && settings->branch != NULL) {
		r = copy_text(arena_print(arena, "refs/heads/%s", settings->branch), &git->ref, err);
	}
	git->deadline_ms = settings->deadline_ms == 0 ? DEFAULT_DEADLINE_MS : settings->deadline_ms;
	return r;
}

static int check_settings(const struct git *git, struct error *err)
{
	int r = check_branch(git->status_branch, err);
	if (r == 0 && git->branch != NULL) {
		r = check_branch(git->branch, err);
	}
	if (r == 0 && git->branch != NULL && strcmp(git->branch, git->status_branch) == 0) {
		r = error_set(err, -EINVAL, "%s: the status cannot be written to the branch that is read", git->branch);
	}
	return r;
}

/* A half-made copy has another name, so that a crash never leaves one that looks whole. */
static int open_copy(const char *copy_path, struct repository **ret_copy, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	if (copy_path == NULL || copy_path[0] == '\0') {
		return error_set(err, -EINVAL, "no folder is named for the copy of a URL");
	}
	int r = repository_open(copy_path, ret_copy, err);
	if (r < 0 && rmdir(copy_path) == 0) {
		r = -ENOENT; /* an empty folder, made for the copy */
	}
	if (r != -ENOENT) {
		return r < 0 ? error_prefix(err, r, "copy of the repository") : 0;
	}
	cleanup_repository struct repository *half = NULL;
	const char *half_path = arena_print(arena, "%s.new", copy_path);
	r = repository_make(half_path, &half, err);
	if (r < 0) {
		return error_prefix(err, r, "copy of the repository");
	}
	if (rename(half_path, copy_path) < 0 && errno != EEXIST && errno != ENOTEMPTY) {
		return error_set(err, -errno, "copy of the repository: %s: %s", copy_path, strerror(errno));
	}
	r = repository_open(copy_path, ret_copy, err);
	return r < 0 ? error_prefix(err, r, "copy of the repository") : 0;
}

static int open_places(struct git *git, const struct git_settings *settings, struct error *err)
{
	const char *remote = settings->status_remote;
	bool source_is_url = git_is_url(settings->repository);
	bool status_is_url = remote == NULL ? source_is_url : git_is_url(remote);
	struct repository *copy = NULL;
	int r = source_is_url ? git_check_url(settings->repository, err) : 0;
	if (r == 0 && remote != NULL && status_is_url) {
		r = git_check_url(remote, err);
	}
	if (r == 0 && (source_is_url || status_is_url)) {
		r = open_copy(settings->copy_path, &copy, err);
	}
	git->source = source_is_url ? copy : NULL;
	git->status = status_is_url ? copy : NULL;
	if (r == 0 && !source_is_url) {
		r = repository_open(settings->repository, &git->source, err);
	}
	if (r == 0 && !status_is_url && remote != NULL) {
		r = repository_open(remote, &git->status, err);
	}
	if (git->status == NULL) {
		git->status = git->source;
	}
	if (r == 0 && source_is_url) {
		r = copy_text(settings->repository, &git->source_url, err);
	}
	if (r == 0 && status_is_url) {
		r = copy_text(remote == NULL ? settings->repository : remote, &git->status_url, err);
	}
	return r;
}

static int find_ref(struct git_repository *inside, void *argument, struct error *err)
{
	return git_find_ref(argument, inside, err);
}

static int fill(struct git *git, const struct git_settings *settings, struct error *err)
{
	repository_library();
	int r = take_settings(git, settings, err);
	if (r == 0) {
		r = check_settings(git, err);
	}
	if (r == 0) {
		r = open_places(git, settings, err);
	}
	return r == 0 ? repository_work(git->source, find_ref, git, err) : r;
}

int git_open(const struct git_settings *settings, struct git **ret_git, struct error *err)
{
	if (settings->repository == NULL || settings->repository[0] == '\0') {
		return error_set(err, -EINVAL, "no repository is named");
	}
	struct git *git = calloc(1, sizeof(*git));
	if (git == NULL) {
		return error_set(err, -ENOMEM, "out of memory");
	}
	int r = fill(git, settings, err);
	if (r < 0) {
		git_close(git);
		return r;
	}
	*ret_git = git;
	return 0;
}

void git_close(struct git *git)
{
	if (git == NULL) {
		return;
	}
	if (git->status != git->source) {
		repository_close(git->status);
	}
	repository_close(git->source);
	free(git->repository);
	free(git->branch);
	free(git->revision);
	free(git->path);
	free(git->status_branch);
	free(git->status_ref);
	free(git->ref);
	free(git->source_url);
	free(git->status_url);
	free(git);
}

bool git_is_remote(const struct git *git)
{
	return git->source_url != NULL;
}

const char *git_directory(const struct git *git)
{
	return git_is_remote(git) ? NULL : git->source->directory;
}

const char *git_head_directory(const struct git *git)
{
	return git_is_remote(git) ? NULL : git->source->head_directory;
}

const char *git_ref(const struct git *git)
{
	return git->revision != NULL ? NULL : git->ref;
}

int git_find_ref(struct git *git, struct git_repository *inside, struct error *err)
{
	if (git->branch != NULL || git->revision != NULL) {
		return 0;
	}
	OWNED(git_reference) head = NULL;
	int r = git_reference_lookup(&head, inside, "HEAD");
	if (r < 0) {
		return repository_error(err, r, "%s", git->repository);
	}
	const char *target = git_reference_symbolic_target(head);
	char *ref = NULL;
	r = copy_text(target == NULL ? "HEAD" : target, &ref, err);
	if (r < 0) {
		return r;
	}
	free(git->ref);
	git->ref = ref;
	if (strcmp(ref, git->status_ref) == 0) {
		return error_set(err, -EINVAL,
		                 "%s: HEAD names the status branch %s: name the branch that is to be read",
		                 git->repository, git->status_branch);
	}
	return 0;
}

static int peel_revision(const struct git *git, git_repository *inside, git_oid *ret_id, struct error *err)
{
	OWNED(git_object) object = NULL;
	OWNED(git_object) commit = NULL;
	cleanup_arena struct arena *arena = arena_create();
	int r = git_revparse_single(&object, inside, git->revision);
	if (r == GIT_ENOTFOUND && git->source_url != NULL) {
		r = git_revparse_single(&object, inside, arena_print(arena, REF_REVISION "%s", git->revision));
	}
	if (r == GIT_ENOTFOUND) {
		return error_set(err, -ENOENT, "%s: no revision %s", git->repository, git->revision);
	}
	if (r == 0) {
		r = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
	}
	if (r < 0) {
		return repository_error(err, r, "%s: revision %s", git->repository, git->revision);
	}
	git_oid_cpy(ret_id, git_object_id(commit));
	return 0;
}

int git_find_commit(struct git *git, struct git_repository *inside, struct git_oid *ret_id, struct error *err)
{
	int r = git_find_ref(git, inside, err);
	if (r < 0) {
		return r;
	}
	if (git->revision != NULL) {
		return peel_revision(git, inside, ret_id, err);
	}
	r = repository_ref(inside, git->ref, ret_id, err);
	if (r == -ENOENT) {
		bool branch = strncmp(git->ref, "refs/heads/", 11) == 0;
		return error_set(err, r, "%s: no branch %s", git->repository, branch ? git->ref + 11 : git->ref);
	}
	return r;
}

struct tip {
	struct git *git;
	struct arena *arena;
	const char *commit;
};

static int find_tip(struct git_repository *inside, void *argument, struct error *err)
{
	struct tip *tip = argument;
	git_oid id;
	char hex[GIT_OID_HEXSZ + 1];
	int r = git_find_commit(tip->git, inside, &id, err);
	if (r == 0) {
		tip->commit = arena_copy(tip->arena, git_oid_tostr(hex, sizeof(hex), &id));
	}
	return r;
}

int git_tip(struct git *git, struct arena *arena, const char **ret_commit, struct error *err)
{
	struct tip tip = {.git = git, .arena = arena};
	int r = repository_work(git->source, find_tip, &tip, err);
	if (r == 0) {
		*ret_commit = tip.commit;
	}
	return r;
}
