#include "state/child.h"
#include "tests/doors/folder.h"
#include "tests/doors/remote.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_a_url_runs_no_program(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	const char *const urls[] = {
	        arena_print(arena, "ext::sh -c touch%% %s/ran", folder),
	        arena_print(arena, "ext://sh -c touch%% %s/ran", folder),
	        "fd::17/x",
	        "-oProxyCommand=x:y",
	        "--upload-pack=touch:x",
	        "http+unix://x/y",
	        "https://exa\nmple.net/x",
	        arena_print(arena, "ssh://-oProxyCommand=touch%%20%s%%2Fran/x", folder),
	        arena_print(arena, "none:%s/remote.git", folder),
	};
	make_remote(folder);
	shell(folder,
	      "printf '[url \"ext::sh -c touch%%%% %s/ran \"]\\n insteadOf = none:\\n[protocol \"ext\"]\\n allow = "
	      "always\\n' > config",
	      folder);
	setenv("GIT_CONFIG_GLOBAL", arena_print(arena, "%s/config", folder), 1);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct git *git = NULL;
		struct error err = {{0}};
		struct git_settings settings = settings_of(arena, folder, "copy");
		settings.repository = urls[i];
		settings.branch = "main";
		int r = git_open(&settings, &git, &err);
		if ((i < 7 && r != -EINVAL) || (i >= 7 && (r != 0 || git_fetch(git, &err) != -EIO))) {
			fail_msg("%s: %d: %s", urls[i], r, err.message);
		}
		git_close(git);
	}
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	char *ran = shell_output(folder, "ls ran 2>/dev/null || true");
	assert_string_equal(ran, "");
	free(ran);
}

/* A socket that takes connections and says nothing. */
static int listen_silently(unsigned int *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void check_no_children(const char *folder, const char *pattern)
{
	/* What was killed is gone at once, or the next moment. */
	shell(folder, "for i in $(seq 100); do pgrep -f -- '%s' > left || exit 0; sleep 0.1; done; cat left; exit 1",
	      pattern);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_a_silent_server_ends_at_the_deadline(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	unsigned int port = 0;
	int fd = listen_silently(&port);
	static const char *const schemes[] = {"git", "http"};
	for (size_t i = 0; i < 2; i++) {
		struct error err = {{0}};
		struct git_settings settings = settings_of(arena, folder, "copy");
		settings.repository = arena_print(arena, "%s://127.0.0.1:%u/x.git", schemes[i], port);
		settings.deadline_ms = 400;
		cleanup_git struct git *git = open_with(&settings);
		assert_int_equal(git_fetch(git, &err), -ETIMEDOUT);
		assert_non_null(strstr(err.message, "x.git: no answer within 400 ms"));
		check_no_children(folder, arena_print(arena, "[1]27.0.0.1:%u", port));
	}
	close(fd);
}

static void test_a_hanging_push_leaves_no_process(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	struct error err = {{0}};
	make_remote(folder);
	/* It does not listen to SIGTERM. The number tells this test's sleep from any other. */
	shell(folder,
	      "printf '#!/bin/sh\\ntrap \"\" TERM\\necho begun > %s/begun; sleep 98%d\\n' > "
	      "remote.git/hooks/pre-receive"
	      " && chmod +x remote.git/hooks/pre-receive",
	      folder, (int)getpid());
	struct git_settings settings = settings_of(arena, folder, "copy");
	cleanup_git struct git *git = open_with(&settings);
	must(git_fetch(git, &failure));
	commit_text(git, "a");
	settings.deadline_ms = 3000;
	cleanup_git struct git *hasty = open_with(&settings);
	assert_int_equal(git_push_status(hasty, &err), -ETIMEDOUT);
	shell(folder, "test -e begun && rm remote.git/hooks/pre-receive");
	check_no_children(folder, arena_print(arena, "[s]leep 98%d", (int)getpid()));
	must(git_push_status(git, &failure));
	check_log(folder, "remote.git", "a ");
}

static void test_over_http_with_a_password(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	struct error err = {{0}};
	make_remote(folder);
	shell(folder,
	      "git -C remote.git config http.receivepack true && mkfifo stop &&"
	      "(python3 '%s' \"$PWD\" < stop > port 2>/dev/null &) && exec 9> stop &&"
	      "(sleep 120 >&9 2>/dev/null & echo $! > holder) >/dev/null 2>&1;"
	      "for i in $(seq 100); do test -s port && break; sleep 0.1; done; test -s port",
	      HTTP_SERVER);
	char *port = shell_output(folder, "cat port");
	struct git_settings settings = settings_of(arena, folder, "copy");
	settings.repository = arena_print(arena, "http://anna:secret@127.0.0.1:%s/private/remote.git", port);
	cleanup_git struct git *git = open_with(&settings);
	must(git_fetch(git, &failure));
	commit_text(git, "a");
	must(git_push_status(git, &failure));
	check_log(folder, "remote.git", "a ");
	settings.copy_path = arena_print(arena, "%s/copy2", folder);
	settings.repository = arena_print(arena, "http://anna:wrong@127.0.0.1:%s/private/remote.git", port);
	cleanup_git struct git *wrong = open_with(&settings);
	assert_int_equal(git_fetch(wrong, &err), -EIO);
	assert_null(strstr(err.message, "wrong"));
	assert_non_null(strstr(err.message, "http://***@127.0.0.1"));
	/* Asked for a password without a terminal, git gives up at once. */
	settings.repository = arena_print(arena, "http://127.0.0.1:%s/private/remote.git", port);
	cleanup_git struct git *asked = open_with(&settings);
	assert_int_equal(git_fetch(asked, &err), -EIO);
	assert_non_null(strstr(err.message, "terminal prompts disabled"));
	free(port);
	shell(folder, "kill $(cat holder)");
}

static void test_the_users_ssh_command_is_used(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	make_remote(folder);
	shell(folder,
	      "printf '#!/bin/sh\\n{ tty; echo \"$SSH_ASKPASS_REQUIRE\"; cat; } > %s/seen 2>&1 < /dev/null\\n"
	      "for last; do :; done; exec sh -c \"$last\"\\n' > ssh.sh && chmod +x ssh.sh",
	      folder);
	setenv("GIT_SSH_COMMAND", arena_print(arena, "%s/ssh.sh", folder), 1);
	struct git_settings settings = settings_of(arena, folder, "copy");
	settings.repository = arena_print(arena, "anna@example.net:%s/remote.git", folder);
	cleanup_git struct git *git = open_with(&settings);
	must(git_fetch(git, &failure));
	unsetenv("GIT_SSH_COMMAND");
	char *seen = shell_output(folder, "cat seen");
	assert_string_equal(seen, "not a tty\nnever");
	free(seen);
}

static void test_secrets_are_masked(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	static const char *const cases[][2] = {
	        {"https://anna:s3cret@example.net/x", "https://***@example.net/x"},
	        {"fatal: 'https://token@h/x' and http://a:p@ss@h/y.", "fatal: 'https://***@h/x' and http://***@h/y."},
	        {"ssh://git@example.net/x", "ssh://git@example.net/x"},
	        {"ssh://git:pw@example.net/x", "ssh://***@example.net/x"},
	        {"git@example.net:x", "git@example.net:x"},
	        {"https://example.net/a@b", "https://example.net/a@b"},
	        {"https://", "https://"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(child_mask(arena, cases[i][0]), cases[i][1]);
	}
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
	        IN_FOLDER(test_a_url_runs_no_program),
	        IN_FOLDER(test_a_silent_server_ends_at_the_deadline),
	        IN_FOLDER(test_a_hanging_push_leaves_no_process),
	        IN_FOLDER(test_over_http_with_a_password),
	        IN_FOLDER(test_the_users_ssh_command_is_used),
	        cmocka_unit_test(test_secrets_are_masked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
