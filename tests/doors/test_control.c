/*
 * The control socket: whoever hangs, floods or goes away holds up nobody.
 */
#include "state/arena.h"
#include "state/control.h"
#include "tests/doors/folder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct control *open_in(const char *folder, const char *id)
{
	struct control *control = NULL;
	struct error err = {{0}};
	if (control_open(folder, id, &control, &err) < 0) {
		fail_msg("%s", err.message);
	}
	return control;
}

static int connect_to(const struct control *control)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", control_path(control));
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What has been said to the client by now; "" at its end. */
static const char *heard(struct arena *arena, int fd)
{
	char bytes[4096];
	ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	return got < 0 ? NULL : arena_copy_n(arena, bytes, (size_t)got);
}

static const char TRIGGER[] = "{\"berth\": 1, \"verb\": \"trigger\"}\n";

static void test_a_request_and_its_reply(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct control *control = open_in(*state, "1");
	struct control_request request;
	struct stat info;
	int fd = connect_to(control);
	assert_int_equal(stat(control_path(control), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0660);
	assert_false(control_take(control, arena, &request));
	say(fd, "{\"berth\": 1, \"verb\": \"can");
	assert_false(control_take(control, arena, &request));
	say(fd, "cel\", \"vm\": \"web-1\"}\n");
	assert_true(control_take(control, arena, &request));
	assert_int_equal(request.verb, CONTROL_CANCEL);
	assert_string_equal(request.vm, "web-1");
	assert_int_equal(request.uid, getuid());
	assert_null(heard(arena, fd)); /* it waits */
	assert_false(control_take(control, arena, &request));
	control_reply(control, request.client, &(const struct control_reply){CONTROL_TOO_LATE, "a\n\"b\""});
	assert_string_equal(heard(arena, fd), "{\"berth\": 1, \"result\": \"too-late\", \"text\": \"a?\\\"b\\\"\"}\n");
	say(fd, TRIGGER); /* another one on the same connection */
	assert_true(control_take(control, arena, &request));
	close(fd); /* gone before its reply */
	assert_false(control_take(control, arena, &request));
	control_reply(control, request.client, &(const struct control_reply){CONTROL_DONE, "a"});
	control_close(control);
	assert_int_equal(stat(arena_print(arena, "%s/control", (const char *)*state), &info), -1);
}

static void test_what_is_no_request_is_answered(void **state)
{
	static const char *const wrong[] = {"nonsense\n",
	                                    "{}\n",
	                                    "[1]\n",
	                                    "{\"berth\": 1, \"verb\": \"tigger\"}\n",
	                                    "{\"berth\": 1, \"verb\": \"cancel\"}\n",
	                                    "{\"berth\": 1, \"verb\": \"hold\", \"vm\": \"\"}\n"};
	cleanup_arena struct arena *arena = arena_create();
	struct control *control = open_in(*state, "1");
	struct control_request request;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int fd = connect_to(control);
		say(fd, wrong[i]);
		assert_false(control_take(control, arena, &request));
		assert_non_null(strstr(heard(arena, fd), "refused"));
		close(fd);
	}
	control_close(control);
}

/* Its end ends a line as well. */
static void test_a_client_that_says_no_more(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct control *control = open_in(*state, "1");
	struct control_request request;
	int fd = connect_to(control);
	send(fd, TRIGGER, strlen(TRIGGER) - 1, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	bool came = control_take(control, arena, &request) || control_take(control, arena, &request);
	assert_true(came);
	control_reply(control, request.client, &(const struct control_reply){CONTROL_DONE, "a"});
	assert_non_null(strstr(heard(arena, fd), "done"));
	close(fd);
	control_close(control);
}

static void test_many_that_hang_hold_up_nobody(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct control *control = open_in(*state, "1");
	struct control_request request;
	int fds[100];
	for (size_t i = 0; i < 100; i++) {
		fds[i] = connect_to(control);
		say(fds[i], i % 2 == 0 ? "{" : "");
		control_take(control, arena, &request);
	}
	int fd = connect_to(control);
	say(fd, TRIGGER);
	assert_true(control_take(control, arena, &request));
	control_reply(control, request.client, &(const struct control_reply){CONTROL_DONE, "a"});
	assert_non_null(strstr(heard(arena, fd), "done"));
	assert_string_equal(heard(arena, fds[0]), ""); /* the oldest have made room */
	for (size_t i = 0; i < 100; i++) {
		close(fds[i]);
	}
	close(fd);
	control_close(control);
}

/* One that says much is left, and one that says a line without end. */
static void test_a_flood_ends(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct control *control = open_in(*state, "1");
	struct control_request request;
	int fd = connect_to(control);
	unsigned int taken = 0;
	for (unsigned int i = 0; i < 1000 && send(fd, TRIGGER, strlen(TRIGGER), MSG_NOSIGNAL | MSG_DONTWAIT) > 0; i++) {
		while (control_take(control, arena, &request)) {
			control_reply(control, request.client, &(const struct control_reply){CONTROL_DONE, "a"});
			taken++;
		}
	}
	assert_int_equal(taken, 100);
	close(fd);
	fd = connect_to(control);
	for (int i = 0; i < 10; i++) {
		char bytes[1000];
		memset(bytes, 'x', sizeof(bytes));
		send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
		assert_false(control_take(control, arena, &request));
	}
	assert_non_null(strstr(heard(arena, fd), "4096"));
	close(fd);
	control_close(control);
}

static void test_a_second_one_and_one_that_was_killed(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct control *first = open_in(*state, "1");
	struct control *second = open_in(*state, "2");
	assert_string_equal(control_path(first), arena_print(arena, "%s/control", (const char *)*state));
	assert_string_equal(control_path(second), arena_print(arena, "%s/control-2", (const char *)*state));
	control_close(second);
	control_close(first);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", (const char *)*state);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd); /* its socket is left */
	first = open_in(*state, "1");
	assert_string_equal(control_path(first), address.sun_path);
	control_close(first);
	/* What is no socket stays. */
	FILE *file = fopen(address.sun_path, "w");
	fclose(file);
	first = open_in(*state, "1");
	assert_string_equal(control_path(first), arena_print(arena, "%s/control-1", (const char *)*state));
	control_close(first);
	assert_int_equal(unlink(address.sun_path), 0);
}

/* A folder whose name is longer than a socket's may be, and nobody there. */
static void test_asking(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	char name[121] = {0};
	memset(name, 'f', 120);
	const char *folder = arena_print(arena, "%s/%s", (const char *)*state, name);
	const struct control_request request = {.verb = CONTROL_TRIGGER};
	struct control_reply reply;
	struct error err = {{0}};
	struct control *control = open_in(folder, "1");
	assert_int_equal(control_ask(arena, *state, NULL, &request, 100, &reply, &err), -ENOENT);
	assert_int_equal(control_ask(arena, folder, NULL, &request, 100, &reply, &err), -ETIMEDOUT);
	control_close(control);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_request_and_its_reply),
	        cmocka_unit_test(test_what_is_no_request_is_answered),
	        cmocka_unit_test(test_a_client_that_says_no_more),
	        cmocka_unit_test(test_many_that_hang_hold_up_nobody),
	        cmocka_unit_test(test_a_flood_ends),
	        cmocka_unit_test(test_a_second_one_and_one_that_was_killed),
	        cmocka_unit_test(test_asking),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
