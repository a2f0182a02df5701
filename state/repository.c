#include "state/repository.h"

#include <assert.h>
#include <errno.h>
#include <git2.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

REPOSITORY_OWNED(git_repository, git_repository_free)
REPOSITORY_OWNED(git_config, git_config_free)
REPOSITORY_OWNED(git_reference, git_reference_free)
REPOSITORY_OWNED(git_reference_iterator, git_reference_iterator_free)
REPOSITORY_OWNED(git_signature, git_signature_free)
REPOSITORY_OWNED(git_transaction, git_transaction_free)

static int errno_of(int code)
{
	switch (code) {
	case GIT_ENOTFOUND:
		return -ENOENT;
	case GIT_EEXISTS:
		return -EEXIST;
	case GIT_ELOCKED:
	case GIT_EMODIFIED:
		return -EAGAIN;
	case GIT_EAMBIGUOUS:
	case GIT_EINVALIDSPEC:
	case GIT_EPEEL:
		return -EINVAL;
	default:
		return -EIO;
	}
}

int repository_error(struct error *err, int code, const char *format, ...)
{
	const git_error *last = git_error_last();
	char what[512];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args); /* NOLINT(clang-analyzer-valist.Uninitialized): it is, above */
	va_end(args);
	return error_set(err, errno_of(code), "%s: %s", what, last == NULL ? "no reason given" : last->message);
}

static void set_up_library(void)
{
	static const char *extensions[] = {"worktreeconfig", "preciousobjects"}; /* speak of what is left alone here */
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
	                             GIT_CONFIG_LEVEL_GLOBAL};
	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0); /* why this is safe: see the header */
	git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, sizeof(extensions) / sizeof(extensions[0]));
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		/* what berth's user or the machine configures for git is not the repository's, nor readable by its
		   owner */
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	}
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1); /* a power cut must not leave an empty ref or object */
}

void repository_library(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, set_up_library);
}

struct call {
	const struct repository *repository;
	bool make;
	int (*work)(struct git_repository *inside, void *argument, struct error *err);
	void *argument;
	struct error *err;
	int result;
};

/* What follows changes this thread only: Linux keeps these identities, and after unshare the umask, by thread. */
static int become_owner(const struct repository *repository, struct error *err)
{
	if (repository->mask >= 0) {
		if (unshare(CLONE_FS) < 0) {
			return error_set(err, -errno, "%s: cannot take the umask of a shared repository: %s",
			                 repository->path, strerror(errno));
		}
		umask((mode_t)repository->mask);
	}
	if (geteuid() != 0) {
		return 0;
	}
	setfsgid(repository->gid);
	setfsuid(repository->uid);
	if ((gid_t)setfsgid((gid_t)-1) != repository->gid || (uid_t)setfsuid((uid_t)-1) != repository->uid) {
		return error_set(err, -EPERM, "%s: cannot act as its owner (user %u, group %u)", repository->path,
		                 repository->uid, repository->gid);
	}
	return 0;
}

static int open_and_work(const struct call *call)
{
	const struct repository *repository = call->repository;
	OWNED(git_repository) inside = NULL;
	int r;
	if (call->make) {
		git_repository_init_options options;
		git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
		options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
		r = git_repository_init_ext(&inside, repository->path, &options);
	} else {
		r = git_repository_open_ext(&inside, repository->path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
	}
	if (r == GIT_ENOTFOUND) {
		return error_set(call->err, -EINVAL, "%s: not a git repository", repository->path);
	}
	if (r < 0) {
		return repository_error(call->err, r, "%s", repository->path);
	}
	return call->work(inside, call->argument, call->err);
}

static void *run_call(void *argument)
{
	struct call *call = argument;
	call->result = become_owner(call->repository, call->err);
	if (call->result == 0) {
		call->result = open_and_work(call);
	}
	return NULL;
}

static int run_in_thread(struct call *call)
{
	repository_library();

	/* Signals are the main loop's: none may be handled under the owner's identity. */
	pthread_t thread;
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&thread, NULL, run_call, call);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0) {
		return error_set(call->err, -r, "cannot start a thread: %s", strerror(r));
	}
	pthread_join(thread, NULL);
	return call->result;
}

int repository_work(const struct repository *repository,
                    int (*work)(struct git_repository *inside, void *argument, struct error *err), void *argument,
                    struct error *err)
{
	struct call call = {.repository = repository, .work = work, .argument = argument, .err = err};
	return run_in_thread(&call);
}

/* The words and numbers that `git init --shared` and git-config(1) know. */
static int shared_mask(git_repository *inside)
{
	OWNED(git_config) config = NULL;
	OWNED(git_config) snapshot = NULL;
	const char *value = NULL;
	if (git_repository_config(&config, inside) < 0 || git_config_snapshot(&snapshot, config) < 0 ||
	    git_config_get_string(&value, snapshot, "core.sharedrepository") < 0) {
		return -1;
	}
	static const char *const shared[] = {"group", "true", "1", "all", "world", "everybody", "2"};
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		if (strcmp(value, shared[i]) == 0) {
			return 0002;
		}
	}
	char *end = NULL;
	unsigned long mode = strtoul(value, &end, 8);
	return *end == '\0' && mode > 2 && mode <= 0777 ? (int)(~mode & 0077) : -1;
}

static char *without_slash(const char *path)
{
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/') {
		length--;
	}
	return strndup(path, length);
}

static int look_around(git_repository *inside, void *argument, struct error *err)
{
	struct repository *repository = argument;
	struct stat about;
	repository->directory = without_slash(git_repository_commondir(inside));
	repository->head_directory = without_slash(git_repository_path(inside));
	if (repository->directory == NULL || repository->head_directory == NULL) {
		return error_set(err, -ENOMEM, "out of memory");
	}
	if (stat(repository->directory, &about) < 0) {
		return error_set(err, -errno, "%s: %s", repository->directory, strerror(errno));
	}
	repository->uid = about.st_uid;
	repository->gid = about.st_gid;
	repository->mask = shared_mask(inside);
	return 0;
}

static int begin(struct repository *repository, const char *path, bool make, struct error *err)
{
	struct stat about = {.st_uid = geteuid(), .st_gid = getegid()};
	if (!make && stat(path, &about) < 0) {
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	repository->path = strdup(path);
	if (repository->path == NULL) {
		return error_set(err, -ENOMEM, "out of memory");
	}
	repository->uid = about.st_uid;
	repository->gid = about.st_gid;
	repository->mask = -1;
	struct call call = {
	        .repository = repository, .make = make, .work = look_around, .argument = repository, .err = err};
	int r = run_in_thread(&call);
	if (r == 0 && make && chmod(path, 0700) < 0) {
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	return r;
}

static int open_or_make(const char *path, bool make, struct repository **ret_repository, struct error *err)
{
	struct repository *repository = calloc(1, sizeof(*repository));
	if (repository == NULL) {
		return error_set(err, -ENOMEM, "out of memory");
	}
	int r = begin(repository, path, make, err);
	if (r < 0) {
		repository_close(repository);
		return r;
	}
	*ret_repository = repository;
	return 0;
}

int repository_open(const char *path, struct repository **ret_repository, struct error *err)
{
	return open_or_make(path, false, ret_repository, err);
}

int repository_make(const char *path, struct repository **ret_repository, struct error *err)
{
	return open_or_make(path, true, ret_repository, err);
}

void repository_close(struct repository *repository)
{
	if (repository == NULL) {
		return;
	}
	free(repository->path);
	free(repository->directory);
	free(repository->head_directory);
	free(repository);
}

int repository_signature(struct git_signature **ret_signature, struct error *err)
{
	char host[HOST_NAME_MAX + 1] = "";
	char address[sizeof(host) + sizeof("berth@")];
	if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0') {
		snprintf(host, sizeof(host), "localhost");
	}
	snprintf(address, sizeof(address), "berth@%s", host);
	int r = git_signature_new(ret_signature, "berth", address, time(NULL), 0);
	return r < 0 ? repository_error(err, r, "%s", address) : 0;
}

int repository_ref(struct git_repository *inside, const char *ref, struct git_oid *ret_id, struct error *err)
{
	int r = git_reference_name_to_id(ret_id, inside, ref);
	if (r == GIT_ENOTFOUND) {
		return -ENOENT;
	}
	return r < 0 ? repository_error(err, r, "%s", ref) : 0;
}

/* Neither `berth` beside a new `berth/status`, nor the other way round: git could show only one of the two. */
static int check_room_for(git_repository *inside, const char *ref, struct error *err)
{
	OWNED(git_reference_iterator) iterator = NULL;
	const char *other;
	int r = git_reference_iterator_new(&iterator, inside);
	size_t length = strlen(ref);
	while (r == 0 && (r = git_reference_next_name(&other, iterator)) == 0) {
		size_t other_length = strlen(other);
		size_t shorter = length < other_length ? length : other_length;
		const char *longer = length < other_length ? other : ref;
		if (length != other_length && strncmp(ref, other, shorter) == 0 && longer[shorter] == '/') {
			return error_set(err, -EINVAL, "%s: %s is in its way", ref, other);
		}
	}
	return r == GIT_ITEROVER ? 0 : repository_error(err, r, "%s", ref);
}

/* Under the ref's lock: is it where the caller saw it? */
static int compare_ref(git_repository *inside, const char *ref, const git_oid *from, struct error *err)
{
	OWNED(git_reference) now = NULL;
	int r = git_reference_lookup(&now, inside, ref);
	if (r == GIT_ENOTFOUND) {
		return from == NULL ? 0 : error_set(err, -EAGAIN, "%s: was removed meanwhile", ref);
	}
	if (r < 0) {
		return repository_error(err, r, "%s", ref);
	}
	if (git_reference_type(now) != GIT_REFERENCE_DIRECT) {
		return error_set(err, -EINVAL, "%s: is a symbolic ref; berth writes none", ref);
	}
	if (from == NULL || !git_oid_equal(git_reference_target(now), from)) {
		return error_set(err, -EAGAIN, "%s: was moved meanwhile", ref);
	}
	return 0;
}

int repository_move_ref(struct git_repository *inside, const char *ref, const struct git_oid *from,
                        const struct git_oid *to, const char *log, struct error *err)
{
	OWNED(git_transaction) transaction = NULL;
	OWNED(git_signature) who = NULL;
	assert(from != NULL || to != NULL);
	int room = from == NULL ? check_room_for(inside, ref, err) : 0;
	if (room < 0) {
		return room;
	}
	int r = git_transaction_new(&transaction, inside);
	if (r < 0) {
		return repository_error(err, r, "%s", ref);
	}
	r = git_transaction_lock_ref(transaction, ref); /* the same REF.lock that git itself takes */
	if (r < 0) {
		return repository_error(err, r, "%s", ref);
	}
	int compared = compare_ref(inside, ref, from, err);
	if (compared < 0) {
		return compared;
	}
	int signature = repository_signature(&who, err);
	if (signature < 0) {
		return signature;
	}
	r = to == NULL ? git_transaction_remove(transaction, ref)
	               : git_transaction_set_target(transaction, ref, to, who, log);
	if (r == 0) {
		r = git_transaction_commit(transaction);
	}
	return r < 0 ? repository_error(err, r, "%s", ref) : 0;
}
