#include "tests/doors/remote.h"

#include "tests/doors/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void make_remote(const char *folder)
{
	shell(folder, "git init -q -b main work && cd work && mkdir site && echo 'hosts: {}' > site/hosts.yaml &&"
	              "git add . && git commit -q -m first && git clone -q --bare . ../remote.git &&"
	              "git remote add origin ../remote.git");
}

struct git_settings settings_of(struct arena *arena, const char *folder, const char *copy)
{
	return (struct git_settings){
	        .repository = arena_print(arena, "file://%s/remote.git", folder),
	        .path = "site",
	        .copy_path = arena_print(arena, "%s/%s", folder, copy),
	};
}

struct git *open_with(const struct git_settings *settings)
{
	struct git *git = NULL;
	struct error err = {{0}};
	if (git_open(settings, &git, &err) < 0) {
		fail_msg("%s", err.message);
	}
	return git;
}

struct git *open_remote(struct arena *arena, const char *folder, const char *copy)
{
	struct git_settings settings = settings_of(arena, folder, copy);
	return open_with(&settings);
}

void commit_text(struct git *git, const char *text)
{
	cleanup_arena struct arena *arena = arena_create();
	struct status_file file = {"status.yaml", text, strlen(text)};
	const char *trailers[] = {arena_print(arena, "Controller: of-%s", text)};
	struct status_commit commit = {.files = {&file, 1}, .subject = text, .trailers = trailers, .trailer_count = 1};
	bool made = false;
	must(git_commit_status(git, arena, &commit, &made, &failure));
	assert_true(made);
}

void check_log(const char *folder, const char *repository, const char *expected)
{
	char *log = shell_output(folder,
	                         "cd %s && git fsck --strict --no-dangling 2>/dev/null &&"
	                         "git log --format='%%s' berth/status | tr '\\n' ' '",
	                         repository);
	assert_string_equal(log, expected);
	free(log);
}
