#include "state/arena.h"
#include "state/git.h"
#include "tests/doors/folder.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct git *open_at(struct arena *arena, const char *folder, const char *name)
{
	struct git_settings settings = {.repository = arena_print(arena, "%s/%s", folder, name), .branch = "main"};
	struct git *git = NULL;
	struct error err = {{0}};
	if (git_open(&settings, &git, &err) < 0) {
		fail_msg("%s", err.message);
	}
	return git;
}

/* One file, with the text given. */
static struct status_commit status_of(struct arena *arena, const char *text)
{
	struct status_commit commit = {.subject = text};
	commit.files.items = arena_array(arena, 2, sizeof(*commit.files.items));
	commit.files.items[0] = (struct status_file){"status.yaml", text, strlen(text)};
	commit.files.items[1] = (struct status_file){"inventory/node1.yaml", "berth: 1\n", 9};
	commit.files.count = 2;
	return commit;
}

static void make_repository(const char *folder)
{
	shell(folder, "git init -q -b main work && cd work && mkdir -p site/deep/er site/.hidden &&"
	              "echo 'hosts: {}' > site/hosts.yaml && echo 'vms: {}' > site/deep/er/vms.yml &&"
	              "echo no > site/readme.md && echo no > site/.dot.yaml && echo no > site/.hidden/a.yaml &&"
	              "echo no > outside.yaml && git add . && git commit -q -m first");
}

static void test_reads_a_folder_at_any_depth(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	cleanup_git struct git *git = NULL;
	struct placement placement;
	struct error err = {{0}};
	make_repository(folder);
	struct git_settings settings = {.repository = arena_print(arena, "%s/work", folder), .path = "./site/"};
	assert_int_equal(git_open(&settings, &git, &err), 0);
	assert_string_equal(git_ref(git), "refs/heads/main");
	assert_false(git_is_remote(git));
	assert_int_equal(git_read(git, arena, &placement, &err), 0);
	assert_int_equal(placement.problems.count, 0);
	assert_int_equal(placement.file_count, 2);
	assert_string_equal(placement.files[0].name, "deep/er/vms.yml");
	assert_string_equal(placement.files[1].name, "hosts.yaml");
	assert_string_equal(placement.files[1].bytes, "hosts: {}\n");
	assert_int_equal(placement.files[1].length, 10);
	char *head = shell_output(folder, "git -C work rev-parse HEAD");
	assert_string_equal(placement.commit, head);
	free(head);
}

static void test_reads_bare_linked_and_fixed_revisions(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	static const struct {
		const char *repository;
		const char *revision;
		size_t files;
	} cases[] = {{"bare.git", NULL, 2}, {"linked", NULL, 3}, {"work", "v1", 2}, {"bare.git", "HEAD~0", 2}};
	make_repository(folder);
	shell(folder, "git clone -q --bare work bare.git && cd work && git tag -a v1 -m one &&"
	              "git worktree add -q -b next ../linked && cd ../linked && echo '{}' > site/more.yaml &&"
	              "git add . && git commit -q -m more && git config extensions.worktreeConfig true");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_git struct git *git = NULL;
		struct placement placement;
		struct error err = {{0}};
		struct git_settings settings = {.repository = arena_print(arena, "%s/%s", folder, cases[i].repository),
		                                .revision = cases[i].revision,
		                                .path = "site"};
		assert_int_equal(git_open(&settings, &git, &err), 0);
		assert_int_equal(git_read(git, arena, &placement, &err), 0);
		assert_int_equal(placement.file_count, cases[i].files);
		assert_true((git_ref(git) == NULL) == (cases[i].revision != NULL));
	}
}

static void test_what_is_not_there_is_told(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_repository(folder);
	shell(folder, "mkdir empty && ln -s site work/link && cd work && git add . && git commit -q -m link");
	static const struct {
		const char *repository;
		const char *branch;
		const char *revision;
		const char *path;
		const char *status_branch;
		int code;
		const char *message;
	} cases[] = {
	        {"nowhere", NULL, NULL, NULL, NULL, -ENOENT, "nowhere: No such file or directory"},
	        {"empty", NULL, NULL, NULL, NULL, -EINVAL, "empty: not a git repository"},
	        {"work/site", NULL, NULL, NULL, NULL, -EINVAL, "work/site: not a git repository"},
	        {"work", "gone", NULL, NULL, NULL, -ENOENT, "work: no branch gone"},
	        {"work", NULL, "gone", NULL, NULL, -ENOENT, "work: no revision gone"},
	        {"work", NULL, NULL, "gone", NULL, -ENOENT, "work: no folder gone in commit"},
	        {"work", NULL, NULL, "link", NULL, -ENOTDIR, "work: link is not a folder in commit"},
	        {"work", NULL, NULL, "site/../..", NULL, -EINVAL, "'..' leads out of the repository"},
	        {"work", NULL, NULL, "/site", NULL, -EINVAL, "relative to the repository's root"},
	        {"work", "main", NULL, NULL, "main", -EINVAL, "cannot be written to the branch that is read"},
	        {"work", NULL, NULL, NULL, "main", -EINVAL, "HEAD names the status branch main"},
	        {"work", NULL, NULL, NULL, "a..b", -EINVAL, "a..b: not a name for a branch"},
	        {"work", NULL, NULL, NULL, "-x", -EINVAL, "-x: not a name for a branch"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_git struct git *git = NULL;
		struct placement placement;
		struct error err = {{0}};
		struct git_settings settings = {.repository = arena_print(arena, "%s/%s", folder, cases[i].repository),
		                                .branch = cases[i].branch,
		                                .revision = cases[i].revision,
		                                .path = cases[i].path,
		                                .status_branch = cases[i].status_branch};
		int r = git_open(&settings, &git, &err);
		r = r == 0 ? git_read(git, arena, &placement, &err) : r;
		if (r != cases[i].code || strstr(err.message, cases[i].message) == NULL) {
			fail_msg("case %zu: %d: %s", i, r, err.message);
		}
	}
}

static void test_what_may_not_be_there_is_named(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	cleanup_git struct git *git = NULL;
	struct placement placement;
	struct error err = {{0}};
	make_repository(folder);
	shell(folder, "cd work && git rm -q -r . && ln -s /etc/passwd pw.yaml && ln -s .. dir && echo > ok.yaml &&"
	              "ln -s x .skipped && head -c 4194305 /dev/zero | tr '\\0' '#' > big.yaml &&"
	              "head -c 4194304 /dev/zero | tr '\\0' '#' > just.yaml &&"
	              "echo > \"$(printf 'two\\nlines.yaml')\" && echo > \"$(printf 'bad\\377.yaml')\" &&"
	              "d=deep; for i in $(seq 31); do d=$d/x; done; mkdir -p $d/y && echo > $d/y/a.yaml &&"
	              "echo > $d/last.yaml && git add . &&"
	              "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),module && git commit -q -m odd");
	git = open_at(arena, folder, "work");
	assert_int_equal(git_read(git, arena, &placement, &err), 0);
	/* 32 folders deep is read, one more is not. */
	assert_int_equal(placement.file_count, 3);
	assert_non_null(strstr(placement.files[0].name, "x/last.yaml"));
	assert_string_equal(placement.files[1].name, "just.yaml");
	assert_string_equal(placement.files[2].name, "ok.yaml");
	const char *text = "";
	for (size_t i = 0; i < placement.problems.count; i++) {
		text = arena_print(arena, "%s%.30s|%s\n", text, placement.problems.lines[i],
		                   strstr(placement.problems.lines[i], ":1:1: "));
	}
	assert_string_equal(text,
	                    "bad?.yaml:1:1: its name is not|:1:1: its name is not UTF-8 or has control characters\n"
	                    "big.yaml:1:1: larger than 4 Mi|:1:1: larger than 4 MiB\n"
	                    "deep/x/x/x/x/x/x/x/x/x/x/x/x/x|:1:1: more than 32 folders deep\n"
	                    "dir:1:1: is a symbolic link; p|:1:1: is a symbolic link; put the file itself here\n"
	                    "module:1:1: is a sub-module; p|:1:1: is a sub-module; put the files themselves here\n"
	                    "pw.yaml:1:1: is a symbolic lin|:1:1: is a symbolic link; put the file itself here\n"
	                    "two?lines.yaml:1:1: its name i|:1:1: its name is not UTF-8 or has control characters\n");
}

/* Everything of a repository that is not the status branch or an object. */
static char *fingerprint(const char *folder)
{
	return shell_output(folder, "cd work && export GIT_OPTIONAL_LOCKS=0; git for-each-ref | grep -v berth/ ; cat "
	                            ".git/HEAD .git/config &&"
	                            "stat -c '%%y %%s' .git/index && git status --porcelain && ls -A && ls .git &&"
	                            "git stash list && cat .git/logs/HEAD .git/logs/refs/heads/main");
}

static void commit_text(struct arena *arena, struct git *git, const char *text, bool made)
{
	struct status_commit commit = status_of(arena, text);
	struct error err = {{0}};
	bool was_made = !made;
	if (git_commit_status(git, arena, &commit, &was_made, &err) < 0) {
		fail_msg("%s", err.message);
	}
	assert_int_equal(was_made, made);
}

static void test_status_begins_an_orphan_and_touches_nothing_else(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_repository(folder);
	shell(folder, "cd work && echo changed >> outside.yaml && echo new > new && git add new");
	cleanup_git struct git *git = open_at(arena, folder, "work");
	char *before = fingerprint(folder);
	commit_text(arena, git, "one\n", true);
	commit_text(arena, git, "one\n", false);
	commit_text(arena, git, "two\n", true);
	char *after = fingerprint(folder);
	assert_string_equal(before, after);
	char *log = shell_output(
	        folder, "cd work && git fsck --strict --no-dangling 2>&1 && git log --format='%%an %%ae %%ad %%cn %%s' "
	                "--date=format:%%z berth/status | sed s/@$(hostname)/@HOST/ &&"
	                "git ls-tree -r --name-only berth/status");
	assert_string_equal(log, "berth berth@HOST +0000 berth two?\nberth berth@HOST +0000 berth one?\n"
	                         "inventory/node1.yaml\nstatus.yaml");
	free(before);
	free(after);
	free(log);
}

static void test_message_cannot_be_forged(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	struct error err = {{0}};
	bool made = false;
	make_repository(folder);
	cleanup_git struct git *git = open_at(arena, folder, "work");
	struct status_commit commit = status_of(arena, "x\n");
	const char *trailers[] = {"Plan: sha256:1\nDesired: forged", "Controller: node1\n\nController: other"};
	commit.trailers = trailers;
	commit.trailer_count = 2;
	char subject[500] = "";
	for (size_t i = 0; i < 130; i++) {
		strcat(subject, "→");
	}
	commit.subject = subject;
	assert_int_equal(git_commit_status(git, arena, &commit, &made, &err), 0);
	char *message = shell_output(folder, "git -C work log -1 --format=%%B berth/status | tail -n +2;"
	                                     "git -C work log -1 --format=%%s berth/status | wc -m");
	assert_string_equal(message, "\nPlan: sha256:1?Desired: forged\nController: node1??Controller: other\n\n"
	                             "121");
	free(message);
	struct status_tip tip;
	assert_int_equal(git_status_tip(git, arena, &tip, &err), 0);
	assert_string_equal(tip.controller, "node1??Controller: other");
	const char *bytes = NULL;
	size_t length = 0;
	assert_int_equal(git_read_status(git, arena, "inventory/node1.yaml", &bytes, &length, &err), 0);
	assert_string_equal(bytes, "berth: 1\n");
	assert_int_equal(git_read_status(git, arena, "inventory/node2.yaml", &bytes, &length, &err), -ENOENT);
}

static void test_status_branch_checked_out_only_moves(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_repository(folder);
	cleanup_git struct git *git = open_at(arena, folder, "work");
	commit_text(arena, git, "one\n", true);
	shell(folder, "git -C work checkout -q berth/status");
	commit_text(arena, git, "two\n", true);
	char *text = shell_output(folder, "cat work/status.yaml && git -C work show HEAD:status.yaml");
	assert_string_equal(text, "one\ntwo");
	free(text);
}

static void test_somebodys_branch_is_not_written(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	static const struct {
		const char *branch;
		const char *message;
	} cases[] = {
	        {"theirs", "branch theirs holds something else than a status"},
	        {"theirs/status", "refs/heads/theirs is in its way"},
	        {"packed", "refs/heads/packed/x is in its way"},
	        {"alias", "is a symbolic ref"},
	};
	make_repository(folder);
	shell(folder, "cd work && git branch packed/x && git pack-refs --all && git branch theirs &&"
	              "git commit -q --allow-empty -m x && git symbolic-ref refs/heads/alias refs/heads/aim &&"
	              "git checkout -q --orphan aim && git rm -q -rf . && echo > status.yaml && git add . &&"
	              "git commit -q -m aim");
	char *before = shell_output(folder, "git -C work for-each-ref");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_git struct git *git = NULL;
		struct error err = {{0}};
		bool made = false;
		struct git_settings settings = {.repository = arena_print(arena, "%s/work", folder),
		                                .branch = "main",
		                                .status_branch = cases[i].branch};
		struct status_commit commit = status_of(arena, "x\n");
		assert_int_equal(git_open(&settings, &git, &err), 0);
		assert_int_equal(git_commit_status(git, arena, &commit, &made, &err), -EINVAL);
		if (strstr(err.message, cases[i].message) == NULL) {
			fail_msg("case %zu: %s", i, err.message);
		}
	}
	char *after = shell_output(folder, "git -C work for-each-ref");
	assert_string_equal(before, after);
	free(before);
	free(after);
}

struct writer {
	const char *folder;
	int number;
};

enum { COMMITS = 25 };

static void *write_many(void *argument)
{
	const struct writer *writer = argument;
	cleanup_arena struct arena *arena = arena_create();
	cleanup_git struct git *git = open_at(arena, writer->folder, "work");
	for (int i = 0; i < COMMITS; i++) {
		bool made = false;
		struct status_commit commit = status_of(arena, arena_print(arena, "%d: %d\n", writer->number, i));
		if (git_commit_status(git, arena, &commit, &made, NULL) < 0 || !made) {
			return argument; /* says that one was not made */
		}
	}
	return NULL;
}

static void test_two_writers_lose_nothing(void **state)
{
	struct writer writers[] = {{*state, 1}, {*state, 2}};
	pthread_t threads[2];
	make_repository(*state);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		void *result = NULL;
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	char *counted = shell_output(
	        *state, "cd work && git fsck --strict --no-dangling 2>&1 && git log --format=%%s berth/status |"
	                "sort -u | wc -l");
	assert_int_equal(atoi(counted), 2 * COMMITS);
	free(counted);
}

static void test_a_held_lock_is_waited_for(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_repository(folder);
	cleanup_git struct git *git = open_at(arena, folder, "work");
	commit_text(arena, git, "one\n", true);
	shell(folder, "touch work/.git/refs/heads/berth/status.lock;"
	              "(sleep 0.2; rm work/.git/refs/heads/berth/status.lock) >/dev/null 2>&1 &");
	commit_text(arena, git, "two\n", true);
}

static void test_what_is_written_is_the_owners(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	if (geteuid() != 0) {
		skip();
	}
	make_repository(folder);
	shell(folder,
	      "chmod 777 . && git clone -q --bare work shared.git &&"
	      "git -C shared.git config core.sharedRepository group && chown -R nobody:nogroup work shared.git");
	cleanup_git struct git *git = open_at(arena, folder, "work");
	commit_text(arena, git, "one\n", true);
	cleanup_git struct git *shared = open_at(arena, folder, "shared.git");
	commit_text(arena, shared, "one\n", true);
	char *others = shell_output(folder, "find work shared.git ! -user nobody -o ! -group nogroup;"
	                                    "find shared.git/refs/heads/berth -type d ! -perm -g=w;"
	                                    "setpriv --reuid=65534 --clear-groups --regid=65534 sh -ec '"
	                                    "export HOME=/; cd work; git gc -q; echo x > x; git add x; git commit -q "
	                                    "-m x; git update-ref -d refs/heads/berth/status' 2>&1");
	assert_string_equal(others, "");
	free(others);
	/* A link that its owner may not write through leads nowhere for berth either. */
	shell(folder,
	      "mkdir aim && rm -rf work/.git/refs/heads/berth && ln -s ../../../../aim work/.git/refs/heads/berth");
	struct status_commit commit = status_of(arena, "two\n");
	bool made = false;
	struct error err = {{0}};
	assert_true(git_commit_status(git, arena, &commit, &made, &err) < 0);
	char *aim = shell_output(folder, "ls aim");
	assert_string_equal(aim, "");
	free(aim);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
	        IN_FOLDER(test_reads_a_folder_at_any_depth),
	        IN_FOLDER(test_reads_bare_linked_and_fixed_revisions),
	        IN_FOLDER(test_what_is_not_there_is_told),
	        IN_FOLDER(test_what_may_not_be_there_is_named),
	        IN_FOLDER(test_status_begins_an_orphan_and_touches_nothing_else),
	        IN_FOLDER(test_message_cannot_be_forged),
	        IN_FOLDER(test_status_branch_checked_out_only_moves),
	        IN_FOLDER(test_somebodys_branch_is_not_written),
	        IN_FOLDER(test_two_writers_lose_nothing),
	        IN_FOLDER(test_a_held_lock_is_waited_for),
	        IN_FOLDER(test_what_is_written_is_the_owners),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
