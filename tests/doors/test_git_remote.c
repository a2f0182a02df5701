#include "tests/doors/folder.h"
#include "tests/doors/remote.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_fetches_what_moved(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	struct placement placement;
	const char *before = NULL;
	const char *after = NULL;
	make_remote(folder);
	cleanup_git struct git *git = open_remote(arena, folder, "copy");
	assert_true(git_is_remote(git));
	assert_null(git_directory(git));
	assert_int_equal(git_tip(git, arena, &before, NULL), -ENOENT);
	must(git_fetch(git, &failure));
	assert_string_equal(git_ref(git), "refs/heads/main");
	must(git_tip(git, arena, &before, &failure));
	must(git_read(git, arena, &placement, &failure));
	assert_int_equal(placement.file_count, 1);
	assert_string_equal(placement.files[0].name, "hosts.yaml");
	shell(folder, "cd work && echo 'vms: {}' > site/vms.yaml && git add . && git commit -q -m two && git push -q "
	              "origin main");
	must(git_fetch(git, &failure));
	must(git_fetch(git, &failure));
	must(git_tip(git, arena, &after, &failure));
	assert_string_not_equal(before, after);
	must(git_read(git, arena, &placement, &failure));
	assert_int_equal(placement.file_count, 2);
	/* The remote's HEAD is followed, and a rewritten branch taken as it is. */
	shell(folder, "cd work && git checkout -q --orphan next && git commit -q -m other && git push -q origin next &&"
	              "git -C ../remote.git symbolic-ref HEAD refs/heads/next");
	must(git_fetch(git, &failure));
	assert_string_equal(git_ref(git), "refs/heads/next");
	cleanup_git struct git *again = open_remote(arena, folder, "copy");
	assert_string_equal(git_ref(again), "refs/heads/next");
	must(git_tip(again, arena, &after, &failure));
}

static void test_fixed_revisions_of_a_remote(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_remote(folder);
	shell(folder,
	      "cd work && git tag -a -m one v1 && git commit -q --allow-empty -m two &&"
	      "git checkout -q -b side && git commit -q --allow-empty -m side && git push -q origin main side v1");
	char *expected = shell_output(folder, "cd work && git rev-parse v1^{} main~1 side $(git rev-parse side)");
	const char *rest = expected;
	const char *const revisions[] = {"v1", "main~1", "side", strrchr(expected, '\n') + 1};
	for (size_t i = 0; i < 4; i++, rest = strchr(rest, '\n') == NULL ? rest : strchr(rest, '\n') + 1) {
		struct git_settings settings = settings_of(arena, folder, "copy");
		settings.revision = revisions[i];
		cleanup_git struct git *git = open_with(&settings);
		const char *commit = NULL;
		must(git_fetch(git, &failure));
		must(git_tip(git, arena, &commit, &failure));
		assert_memory_equal(commit, rest, 40);
		assert_null(git_ref(git));
	}
	free(expected);
	struct git_settings settings = settings_of(arena, folder, "copy");
	settings.revision = "gone";
	cleanup_git struct git *git = open_with(&settings);
	struct error err = {{0}};
	assert_int_equal(git_fetch(git, &err), -ENOENT);
	assert_non_null(strstr(err.message, "no revision gone"));
}

static void test_pushes_and_touches_nothing_else(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_remote(folder);
	cleanup_git struct git *git = open_remote(arena, folder, "copy");
	char *before = shell_output(folder, "cd remote.git && git for-each-ref && cat HEAD config");
	struct status_tip tip;
	must(git_fetch(git, &failure));
	must(git_push_status(git, &failure));
	assert_int_equal(git_status_tip(git, arena, &tip, NULL), -ENOENT);
	commit_text(git, "one");
	commit_text(git, "two");
	assert_int_equal(git_status_tip(git, arena, &tip, NULL), -ENOENT);
	must(git_push_status(git, &failure));
	must(git_push_status(git, &failure));
	must(git_status_tip(git, arena, &tip, &failure));
	assert_string_equal(tip.controller, "of-two");
	check_log(folder, "remote.git", "two one ");
	char *after =
	        shell_output(folder, "cd remote.git && git for-each-ref | grep -v berth/status && cat HEAD config");
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void test_commits_travel_on_top_of_a_moved_tip(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_remote(folder);
	cleanup_git struct git *one = open_remote(arena, folder, "one");
	cleanup_git struct git *two = open_remote(arena, folder, "two");
	must(git_fetch(one, &failure));
	must(git_fetch(two, &failure));
	commit_text(one, "a");
	must(git_push_status(one, &failure));
	commit_text(two, "b"); /* on nothing: it has not seen a */
	commit_text(two, "c");
	must(git_push_status(two, &failure));
	check_log(folder, "remote.git", "c b a ");
	commit_text(one, "d");
	commit_text(one, "e");
	must(git_fetch(one, &failure)); /* a fetch puts them on top as well */
	check_log(folder, "one", "e d c b a ");
	struct status_tip tip;
	must(git_status_tip(one, arena, &tip, &failure));
	assert_string_equal(tip.controller, "of-c");
	must(git_push_status(one, &failure));
	check_log(folder, "remote.git", "e d c b a ");
	const char *bytes = NULL;
	size_t length = 0;
	must(git_fetch(two, &failure));
	must(git_read_status(two, arena, "status.yaml", &bytes, &length, &failure));
	assert_string_equal(bytes, "e");
}

struct pusher {
	const char *folder;
	const char *copy;
};

static void *push_many(void *argument)
{
	const struct pusher *pusher = argument;
	cleanup_arena struct arena *arena = arena_create();
	cleanup_git struct git *git = open_remote(arena, pusher->folder, pusher->copy);
	if (git_fetch(git, NULL) < 0) {
		return argument;
	}
	for (int i = 0; i < 5; i++) {
		commit_text(git, arena_print(arena, "%s-%d", pusher->copy, i));
		git_push_status(git, NULL); /* what is refused too often travels with the next one */
	}
	return git_push_status(git, NULL) < 0 ? argument : NULL;
}

static void test_two_who_push_lose_nothing(void **state)
{
	struct pusher pushers[] = {{*state, "one"}, {*state, "two"}};
	pthread_t threads[2];
	make_remote(*state);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, push_many, &pushers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		void *result = NULL;
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	char *counted = shell_output(*state, "git -C remote.git log --format=%%s berth/status | sort -u | wc -l &&"
	                                     "git -C remote.git log --format=%%s berth/status | wc -l");
	assert_string_equal(counted, "10\n10");
	free(counted);
}

static void test_a_removed_or_rewritten_status_branch(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_remote(folder);
	cleanup_git struct git *git = open_remote(arena, folder, "copy");
	cleanup_git struct git *other = open_remote(arena, folder, "other");
	must(git_fetch(git, &failure));
	commit_text(git, "a");
	must(git_push_status(git, &failure));
	shell(folder, "git -C remote.git update-ref -d refs/heads/berth/status");
	commit_text(git, "b");
	must(git_fetch(git, &failure));
	must(git_push_status(git, &failure));
	check_log(folder, "remote.git", "b ");
	shell(folder, "git -C remote.git update-ref -d refs/heads/berth/status");
	must(git_fetch(other, &failure));
	commit_text(other, "x");
	must(git_push_status(other, &failure));
	commit_text(git, "c");
	must(git_push_status(git, &failure));
	check_log(folder, "remote.git", "c x ");
}

static void test_a_remote_that_is_away_gets_it_later(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	struct error err = {{0}};
	const char *commit = NULL;
	make_remote(folder);
	cleanup_git struct git *git = open_remote(arena, folder, "copy");
	must(git_fetch(git, &failure));
	shell(folder, "mv remote.git away");
	commit_text(git, "a");
	assert_int_equal(git_push_status(git, &err), -EIO);
	assert_non_null(strstr(err.message, "does not appear to be a git repository"));
	commit_text(git, "b");
	assert_int_equal(git_fetch(git, &err), -EIO);
	must(git_tip(git, arena, &commit, &failure));
	shell(folder, "mv away remote.git");
	must(git_push_status(git, &failure));
	check_log(folder, "remote.git", "b a ");
}

static void test_a_hooks_refusal_is_told(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	struct error err = {{0}};
	make_remote(folder);
	shell(folder, "printf '#!/bin/sh\\necho x >> \"$GIT_DIR/calls\"; echo not on fridays >&2; exit 1\\n' >"
	              "remote.git/hooks/pre-receive && chmod +x remote.git/hooks/pre-receive");
	cleanup_git struct git *git = open_remote(arena, folder, "copy");
	must(git_fetch(git, &failure));
	commit_text(git, "a");
	assert_int_equal(git_push_status(git, &err), -EIO);
	assert_non_null(strstr(err.message, "not on fridays"));
	assert_non_null(strstr(err.message, "pre-receive hook declined"));
	char *calls = shell_output(folder, "wc -l < remote.git/calls");
	assert_string_equal(calls, "1");
	free(calls);
}

static void test_what_is_not_there_is_told(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	struct error err = {{0}};
	make_remote(folder);
	struct git_settings settings = settings_of(arena, folder, "copy");
	settings.branch = "gone";
	cleanup_git struct git *git = open_with(&settings);
	assert_int_equal(git_fetch(git, &err), -ENOENT);
	assert_non_null(strstr(err.message, "remote.git: no branch gone"));
	settings.branch = NULL;
	settings.status_branch = "main";
	cleanup_git struct git *same = open_with(&settings);
	assert_int_equal(git_fetch(same, &err), -EINVAL);
	assert_non_null(strstr(err.message, "HEAD names the status branch main"));
	shell(folder, "git init -q --bare -b main empty.git");
	settings = settings_of(arena, folder, "copy2");
	settings.repository = arena_print(arena, "file://%s/empty.git", folder);
	cleanup_git struct git *empty = open_with(&settings);
	assert_int_equal(git_fetch(empty, &err), -ENOENT);
}

static void test_a_copy_survives_a_crash(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	const char *commit = NULL;
	make_remote(folder);
	shell(folder, "mkdir -p copy.new/objects copy.new/refs && mkdir copy"); /* half-made */
	cleanup_git struct git *git = open_remote(arena, folder, "copy");
	must(git_fetch(git, &failure));
	commit_text(git, "a");
	shell(folder,
	      "cd work && git commit -q --allow-empty -m two && git push -q origin main &&"
	      "cd ../copy && touch -d '1 hour ago' refs/heads/main.lock refs/heads/berth/status.lock HEAD.lock");
	must(git_fetch(git, &failure));
	must(git_push_status(git, &failure));
	must(git_tip(git, arena, &commit, &failure));
	char *tip = shell_output(folder, "git -C work rev-parse main; stat -c %%a copy");
	assert_string_equal(tip, arena_print(arena, "%s\n700", commit));
	free(tip);
	check_log(folder, "remote.git", "a ");
	/* Something else that lies there is not taken for a copy. */
	shell(folder, "mkdir full && touch full/file");
	struct git_settings settings = settings_of(arena, folder, "full");
	struct git *none = NULL;
	struct error err = {{0}};
	assert_int_equal(git_open(&settings, &none, &err), -EINVAL);
	assert_non_null(strstr(err.message, "full: not a git repository"));
}

static void test_status_may_live_elsewhere(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_remote(folder);
	shell(folder, "git init -q --bare -b main audit.git && git init -q --bare -b main url.git");
	char *before = shell_output(folder, "git -C work for-each-ref; git -C remote.git for-each-ref");
	struct {
		const char *repository;
		const char *remote;
		const char *at;
	} cases[] = {
	        {"work", "audit.git", "audit.git"},
	        {"file:remote.git", "audit.git", "audit.git"},
	        {"work", "file:url.git", "url.git"},
	        {"file:remote.git", "file:url.git", "url.git"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct git_settings settings = settings_of(arena, folder, arena_print(arena, "copy%zu", i));
		const char **names[] = {&settings.repository, &settings.status_remote};
		const char *const values[] = {cases[i].repository, cases[i].remote};
		for (int j = 0; j < 2; j++) {
			bool url = strncmp(values[j], "file:", 5) == 0;
			*names[j] =
			        arena_print(arena, "%s%s/%s", url ? "file://" : "", folder, values[j] + (url ? 5 : 0));
		}
		cleanup_git struct git *git = open_with(&settings);
		struct placement placement;
		must(git_fetch(git, &failure));
		must(git_fetch_status(git, &failure));
		must(git_read(git, arena, &placement, &failure));
		assert_int_equal(placement.file_count, 1);
		commit_text(git, arena_print(arena, "%zu", i));
		must(git_push_status(git, &failure));
		check_log(folder, cases[i].at,
		          i % 2 == 0 ? arena_print(arena, "%zu ", i) : arena_print(arena, "%zu %zu ", i, i - 1));
	}
	char *after = shell_output(folder, "git -C work for-each-ref; git -C remote.git for-each-ref");
	assert_string_equal(before, after);
	free(before);
	free(after);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
	        IN_FOLDER(test_fetches_what_moved),
	        IN_FOLDER(test_fixed_revisions_of_a_remote),
	        IN_FOLDER(test_pushes_and_touches_nothing_else),
	        IN_FOLDER(test_commits_travel_on_top_of_a_moved_tip),
	        IN_FOLDER(test_two_who_push_lose_nothing),
	        IN_FOLDER(test_a_removed_or_rewritten_status_branch),
	        IN_FOLDER(test_a_remote_that_is_away_gets_it_later),
	        IN_FOLDER(test_a_hooks_refusal_is_told),
	        IN_FOLDER(test_what_is_not_there_is_told),
	        IN_FOLDER(test_a_copy_survives_a_crash),
	        IN_FOLDER(test_status_may_live_elsewhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
