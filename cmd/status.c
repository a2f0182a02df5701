#include "cmd/source.h"
#include "state/arena.h"
#include "state/status_read.h"
#include "state/text.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum { LOOK_EVERY_S = 1, FETCH_EVERY = 10 };

static enum exit_code print_status(struct arena *arena, const struct setting *setting, const char *bytes, size_t length)
{
	struct desired_file file = {.name = "status.yaml", .bytes = bytes, .length = length};
	const struct status *status = NULL;
	struct error err = {0};
	if (status_read(arena, &file, &status, &err) < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	fputs(setting->output == OUTPUT_JSON ? status_json(arena, status)
	                                     : status_text(arena, status, setting->columns, setting->colour),
	      stdout);
	return EXIT_DONE;
}

static int read_status(struct arena *arena, struct git *git, const char **ret_bytes, size_t *ret_length,
                       struct error *err)
{
	int r = git_read_status(git, arena, "status.yaml", ret_bytes, ret_length, err);
	return r == -ENOENT ? error_set(err, r,
	                                "no status has been written yet: neither `berth apply` nor `berth run` "
	                                "has been at work on this repository")
	                    : r;
}

/* One look; prints when it differs from what `last` holds, which is then replaced by an arena with the new text. */
static enum exit_code look_again(struct git *git, const struct setting *setting, struct arena **last, const char **text)
{
	struct arena *arena = arena_create();
	struct error err = {0};
	const char *bytes;
	size_t length;
	enum exit_code code = EXIT_DONE;
	if (read_status(arena, git, &bytes, &length, &err) < 0) {
		complain("%s", err.message);
		code = EXIT_UNREADABLE;
	} else if (!text_equal(bytes, *text)) {
		printf("\n");
		code = print_status(arena, setting, bytes, length);
		arena_destroy(*last);
		*last = arena;
		*text = bytes;
		return code;
	}
	arena_destroy(arena);
	return code;
}

static enum exit_code watch(struct git *git, const struct setting *setting, const char *text)
{
	struct arena *last = arena_create();
	enum exit_code code = EXIT_DONE;
	for (unsigned int round = 1; code == EXIT_DONE && fflush(stdout) == 0; round++) {
		struct timespec pause = {.tv_sec = LOOK_EVERY_S};
		struct error err = {0};
		nanosleep(&pause, NULL);
		if (git_is_remote(git) && round % FETCH_EVERY == 0 &&
		    (git_fetch(git, &err) < 0 || git_fetch_status(git, &err) < 0)) {
			complain("%s", err.message);
		}
		code = look_again(git, setting, &last, &text);
	}
	arena_destroy(last);
	return code;
}

enum exit_code verb_status(struct arena *arena, const struct setting *setting)
{
	cleanup_git struct git *git = NULL;
	enum exit_code code = source_open(arena, setting, &git);
	if (code != EXIT_DONE) {
		return code;
	}
	struct error err = {0};
	if (git_fetch_status(git, &err) < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	const char *bytes;
	size_t length;
	if (read_status(arena, git, &bytes, &length, &err) < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	code = print_status(arena, setting, bytes, length);
	return code == EXIT_DONE && setting->options.watch ? watch(git, setting, bytes) : code;
}
