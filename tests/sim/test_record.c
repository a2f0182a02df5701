/*
 * The record: an entry is on disk, whole, when it has been written, and one berth at a time has it.
 */
#include "state/arena.h"
#include "state/record.h"
#include "tests/doors/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char events[32];

static void note(char event)
{
	size_t length = strlen(events);
	if (length + 1 < sizeof(events)) {
		events[length] = event;
	}
}

/* In place of libc's, in this program: a file or folder is flushed, one is put in another's place. */
int fsync(int fd)
{
	struct stat status;
	assert_int_equal(fstat(fd, &status), 0);
	note(S_ISDIR(status.st_mode) ? 'd' : 'f');
	return 0;
}

int rename(const char *from, const char *to)
{
	note('r');
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static struct record *open_record(const char *folder, const char *key)
{
	struct record *record = NULL;
	assert_int_equal(record_open(folder, key, "a test", &record, NULL), 0);
	return record;
}

static void test_an_entry_is_flushed(void **state)
{
	cleanup_record struct record *record = open_record(*state, "flushed");
	struct move_entry entry = {
	        .vm = "web-1",
	        .uuid = "5aabf32a-0260-45b5-9d26-cdd71b9fd22f",
	        .from = "node1",
	        .from_uuid = "",
	        .to = "node2",
	        .to_uuid = "",
	        .plan = "sha256:0",
	};
	memset(events, 0, sizeof(events));
	assert_int_equal(record_write_move(record, &entry, NULL), 0);
	assert_string_equal(events, "frd");
	assert_int_equal(record_step(record, &entry, STEP_TRANSFER, NULL), 0);
	assert_string_equal(events, "frdfrd");
	assert_int_equal(record_clear_move(record, &entry, NULL), 0);
	assert_string_equal(events, "frdfrdd");
}

static void test_one_berth_at_a_time_has_it(void **state)
{
	struct record *record = open_record(*state, "https://git.example.net/ops\nmain\nplacement");
	cleanup_record struct record *branch = open_record(*state, "https://git.example.net/ops\ndev\nplacement");
	cleanup_record struct record *path = open_record(*state, "https://git.example.net/ops\nmain\nother");
	struct record *second = NULL;
	struct error err = {{0}};
	assert_string_not_equal(record_folder(record), record_folder(branch));
	assert_string_not_equal(record_folder(record), record_folder(path));
	assert_int_equal(record_open(*state, "https://git.example.net/ops\nmain\nplacement", "a second", &second, &err),
	                 -EBUSY);
	assert_non_null(strstr(err.message, "a test, process "));
	record_close(record);
	second = open_record(*state, "https://git.example.net/ops\nmain\nplacement");
	record_close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_an_entry_is_flushed),
	        cmocka_unit_test(test_one_berth_at_a_time_has_it),
	};
	return cmocka_run_group_tests(tests, folder_make_in_memory, folder_remove);
}
