#include "state/arena.h"
#include "state/watch.h"
#include "tests/doors/folder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct watch *open_watch(const char *folder, const char *name, const char *head)
{
	cleanup_arena struct arena *arena = arena_create();
	struct watch *watch = NULL;
	struct error err = {{0}};
	const char *head_path = head == NULL ? NULL : arena_print(arena, "%s/%s", folder, head);
	if (watch_open(arena_print(arena, "%s/%s", folder, name), head_path, &watch, &err) < 0) {
		fail_msg("%s", err.message);
	}
	return watch;
}

/* inotify queues an event before the call that caused it returns, so that nothing has to be waited for. */
static void test_says_look_again_for_refs_only(void **state)
{
	static const struct {
		const char *line;
		bool look_again;
	} cases[] = {
	        {"git -C work commit -q --allow-empty -m two", true},
	        {"echo x > work/x && git -C work add x && git -C work status -s", false},
	        {"git -C work fetch -q . && touch work/.git/FETCH_HEAD", false},
	        {"git -C work tag v1", false},
	        {"cd work/.git/refs/heads && touch x.lock && rm x.lock", false},
	        {"git -C work branch a/b/c", true},
	        {"git -C work update-ref refs/heads/a/b/c HEAD~1", true},
	        {"git -C work branch a/b/d", true},
	        {"git -C work pack-refs --all --prune", true},
	        {"git -C work branch -D a/b/c", true},
	        {"git -C work branch z/z && git -C work update-ref refs/heads/z/z HEAD~1", true},
	        {"git -C work update-ref refs/heads/z/z HEAD", true},
	        {"git -C work symbolic-ref HEAD refs/heads/z/z", true},
	        {"rm -rf work/.git/refs/heads && mkdir work/.git/refs/heads", true},
	        {"git -C work update-ref refs/heads/new HEAD~0 2>/dev/null || git -C work branch new main", true},
	};
	shell(*state, "git init -q -b main work && git -C work commit -q --allow-empty -m one");
	cleanup_watch struct watch *watch = open_watch(*state, "work/.git", NULL);
	assert_false(watch_drain(watch));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		shell(*state, "%s", cases[i].line);
		if (watch_drain(watch) != cases[i].look_again) {
			fail_msg("%s: expected %d", cases[i].line, cases[i].look_again);
		}
		assert_false(watch_drain(watch));
	}
}

static void test_sees_head_of_a_linked_work_tree(void **state)
{
	shell(*state, "git init -q -b main work && cd work && git commit -q --allow-empty -m one && git branch two &&"
	              "git worktree add -q -b three ../linked");
	cleanup_watch struct watch *watch = open_watch(*state, "work/.git", "work/.git/worktrees/linked");
	shell(*state, "git -C linked checkout -q two");
	assert_true(watch_drain(watch));
}

static void test_an_overflow_means_look_again(void **state)
{
	shell(*state, "git init -q -b main work && git -C work commit -q --allow-empty -m one");
	cleanup_watch struct watch *watch = open_watch(*state, "work/.git", NULL);
	/* Nothing but lock files, which alone say nothing; more than the queue of the machine holds. */
	shell(*state, "cd work/.git/refs/heads && n=$(cat /proc/sys/fs/inotify/max_queued_events) && i=0 &&"
	              "while [ $i -le $n ]; do : > x.lock; : > y.lock; i=$((i + 1)); done");
	assert_true(watch_drain(watch));
	assert_false(watch_drain(watch));
}

/* A file that is being written, or taken away, is no change of one folder; one that has come to its name is. */
static void test_a_folder_changes_by_what_is_put_in_place(void **state)
{
	cleanup_watch struct watch *watch = NULL;
	struct error err = {{0}};
	shell(*state, "mkdir folder");
	cleanup_arena struct arena *arena = arena_create();
	assert_int_equal(watch_open_folder(arena_print(arena, "%s/folder", (const char *)*state), &watch, &err), 0);
	shell(*state, "echo 1 > folder/.a.new");
	assert_false(watch_drain(watch));
	shell(*state, "mv folder/.a.new folder/a");
	assert_true(watch_drain(watch));
	assert_false(watch_drain(watch));
	shell(*state, "echo 2 > folder/.a.new && mv folder/.a.new folder/a");
	assert_true(watch_drain(watch));
	shell(*state, "rm folder/a");
	assert_false(watch_drain(watch));
	assert_int_equal(watch_open_folder("/gone", &watch, &err), -ENOENT);
}

static void test_what_is_not_there_cannot_be_watched(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct watch *watch = NULL;
	struct error err = {{0}};
	const char *path = arena_print(arena, "%s/gone", (const char *)*state);
	assert_int_equal(watch_open(path, NULL, &watch, &err), -ENOENT);
	assert_null(watch);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
	        IN_FOLDER(test_says_look_again_for_refs_only),
	        IN_FOLDER(test_sees_head_of_a_linked_work_tree),
	        IN_FOLDER(test_an_overflow_means_look_again),
	        IN_FOLDER(test_a_folder_changes_by_what_is_put_in_place),
	        IN_FOLDER(test_what_is_not_there_cannot_be_watched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
