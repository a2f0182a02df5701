#include "state/git_remote.h"

#include "state/arena.h"
#include "state/child.h"
#include "state/git_door.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum {
	WORDS = 40,
	OLD_LOCK_S = 600,
};

struct words {
	const char *items[WORDS];
	size_t count;
};

static void add_word(struct words *words, const char *word)
{
	words->items[words->count++] = word; /* WORDS is more than any list here */
}

/* `git` in the copy, with settings that a crash or a network of strangers makes wise. */
static void begin_words(struct words *words, const struct repository *copy)
{
	static const char *const begin[] = {"-c", "core.fsync=all",     "-c", "gc.autoDetach=false",
	                                    "-c", "fetch.unpackLimit=1"};
	*words = (struct words){0};
	add_word(words, "git");
	add_word(words, "--git-dir");
	add_word(words, copy->directory);
	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++) {
		add_word(words, begin[i]);
	}
}

/*
 * A machine that goes down in the middle leaves lock files in the copy, and every later fetch would fail. Nothing of
 * ours holds one for long.
 */
static void remove_old_locks(const struct git *git, const struct repository *copy)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *const names[] = {"HEAD",       "packed-refs", git->ref, git->status_ref,
	                             REF_INCOMING, REF_KNOWN,     "config"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct stat about;
		if (names[i] == NULL) {
			continue;
		}
		const char *path = arena_print(arena, "%s/%s.lock", copy->directory, names[i]);
		if (lstat(path, &about) == 0 && about.st_mtime + OLD_LOCK_S < time(NULL)) {
			unlink(path);
		}
	}
}

static int wait_for_lock(int fd, const char *path, unsigned int deadline_ms, struct error *err)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	for (unsigned int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited_ms += 20) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			return error_set(err, -errno, "%s: %s", path, strerror(errno));
		}
		if (waited_ms > deadline_ms) {
			return error_set(err, -EBUSY, "%s: another berth works with this copy", path);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

int remote_lock(const struct git *git, const struct repository *copy, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *path = arena_print(arena, "%s/berth.lock", copy->directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	int r = wait_for_lock(fd, path, git->deadline_ms, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	remove_old_locks(git, copy);
	return fd;
}

static void take_line(struct remote *remote, const struct git *git, const char *line, size_t length)
{
	const char *tab = memchr(line, '\t', length);
	if (tab == NULL) {
		return;
	}
	const char *name = tab + 1;
	size_t name_length = length - (size_t)(name - line);
	bool is_head = name_length == 4 && strncmp(name, "HEAD", 4) == 0;
	if (strncmp(line, "ref: ", 5) == 0) {
		size_t target = (size_t)(tab - line) - 5;
		if (is_head && target < sizeof(remote->head_ref)) {
			memcpy(remote->head_ref, line + 5, target);
			remote->head_ref[target] = '\0';
		}
		return;
	}
	if (tab - line != REMOTE_HEX - 1) {
		return;
	}
	bool is_branch =
	        git->branch != NULL && strlen(git->ref) == name_length && strncmp(name, git->ref, name_length) == 0;
	bool is_status = strlen(git->status_ref) == name_length && strncmp(name, git->status_ref, name_length) == 0;
	char *id = is_head ? remote->head : is_branch ? remote->branch : is_status ? remote->status : NULL;
	if (id != NULL) {
		memcpy(id, line, REMOTE_HEX - 1);
		id[REMOTE_HEX - 1] = '\0';
	}
}

int remote_ask(const struct git *git, struct arena *arena, const struct repository *copy, const char *url,
               struct remote *ret_remote, struct error *err)
{
	struct words words;
	const char *output = "";
	begin_words(&words, copy);
	add_word(&words, "ls-remote");
	add_word(&words, "--symref");
	add_word(&words, "--");
	add_word(&words, url);
	add_word(&words, "HEAD");
	add_word(&words, git->status_ref);
	if (git->branch != NULL) {
		add_word(&words, git->ref);
	}
	add_word(&words, NULL);
	int r = child_run(arena, words.items, git->deadline_ms, &output, err);
	if (r < 0) {
		return error_prefix(err, r, "%s", child_mask(arena, url));
	}
	struct remote remote = {0};
	for (const char *line = output; *line != '\0';) {
		size_t n = strcspn(line, "\n");
		take_line(&remote, git, line, n);
		line += n + (line[n] != '\0');
	}
	*ret_remote = remote;
	return 0;
}

int remote_fetch(const struct git *git, struct arena *arena, const struct repository *copy, const char *url,
                 const char *const specs[], struct error *err)
{
	static const char *const options[] = {
	        "fetch", "--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules",
	        "--"};
	struct words words;
	begin_words(&words, copy);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		add_word(&words, options[i]);
	}
	add_word(&words, url);
	for (size_t i = 0; specs[i] != NULL; i++) {
		add_word(&words, specs[i]);
	}
	add_word(&words, NULL);
	int r = child_run(arena, words.items, git->deadline_ms, NULL, err);
	return r < 0 ? error_prefix(err, r, "%s", child_mask(arena, url)) : 0;
}

int remote_push(const struct git *git, struct arena *arena, const struct repository *copy, const char *id,
                struct error *err)
{
	static const char *const options[] = {"push", "--quiet", "--porcelain", "--no-follow-tags", "--"};
	struct words words;
	begin_words(&words, copy);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		add_word(&words, options[i]);
	}
	add_word(&words, git->status_url);
	add_word(&words, arena_print(arena, "%s:%s", id, git->status_ref)); /* no '+': the server compares */
	add_word(&words, NULL);
	const char *output = "";
	int r = child_run(arena, words.items, git->deadline_ms, &output, err);
	/* A line of --porcelain that begins with '!' is a ref that was refused. */
	const char *refused = strncmp(output, "!\t", 2) == 0 ? output : strstr(output, "\n!\t");
	if (r == -EIO && refused != NULL) {
		refused += strspn(refused, "\n!\t");
		return error_prefix(err, -EAGAIN, "%s: %.*s", child_mask(arena, git->status_url),
		                    (int)strcspn(refused, "\n"), refused);
	}
	return r < 0 ? error_prefix(err, r, "%s", child_mask(arena, git->status_url)) : 0;
}
