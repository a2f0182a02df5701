#include "state/arena.h"
#include "state/child.h"
#include "state/git.h"
#include "tests/doors/folder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* `work` is where people commit, `remote.git` what they push to. */
static void make_remote(const char *folder)
{
	shell(folder, "git init -q -b main work && cd work && mkdir site && echo 'hosts: {}' > site/hosts.yaml &&"
	              "git add . && git commit -q -m first && git clone -q --bare . ../remote.git &&"
	              "git remote add origin ../remote.git");
}

static struct git_settings settings_of(struct arena *arena, const char *folder, const char *copy)
{
	return (struct git_settings){
	        .repository = arena_print(arena, "file://%s/remote.git", folder),
	        .path = "site",
	        .copy_path = arena_print(arena, "%s/%s", folder, copy),
	};
}

static struct git *open_with(const struct git_settings *settings)
{
	struct git *git = NULL;
	struct error err = {{0}};
	if (git_open(settings, &git, &err) < 0) {
		fail_msg("%s", err.message);
	}
	return git;
}

static struct git *open_remote(struct arena *arena, const char *folder, const char *copy)
{
	struct git_settings settings = settings_of(arena, folder, copy);
	return open_with(&settings);
}

#define must(call)                                                                                                     \
	do {                                                                                                           \
		struct error err = {{0}};                                                                              \
		if ((call) < 0) {                                                                                      \
			fail_msg("%s: %s", #call, err.message);                                                        \
		}                                                                                                      \
	} while (0)

static void commit_text(struct git *git, const char *text)
{
	cleanup_arena struct arena *arena = arena_create();
	struct status_file file = {"status.yaml", text, strlen(text)};
	const char *trailers[] = {arena_print(arena, "Controller: of-%s", text)};
	struct status_commit commit = {.files = {&file, 1}, .subject = text, .trailers = trailers, .trailer_count = 1};
	bool made = false;
	must(git_commit_status(git, arena, &commit, &made, &err));
	assert_true(made);
}

static void check_log(const char *folder, const char *repository, const char *expected)
{
	char *log = shell_output(folder,
	                         "cd %s && git fsck --strict --no-dangling 2>/dev/null &&"
	                         "git log --format='%%s' berth/status | tr '\\n' ' '",
	                         repository);
	assert_string_equal(log, expected);
	free(log);
}

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
	must(git_fetch(git, &err));
	assert_string_equal(git_ref(git), "refs/heads/main");
	must(git_tip(git, arena, &before, &err));
	must(git_read(git, arena, &placement, &err));
	assert_int_equal(placement.file_count, 1);
	assert_string_equal(placement.files[0].name, "hosts.yaml");
	shell(folder, "cd work && echo 'vms: {}' > site/vms.yaml && git add . && git commit -q -m two && git push -q "
	              "origin main");
	must(git_fetch(git, &err));
	must(git_fetch(git, &err));
	must(git_tip(git, arena, &after, &err));
	assert_string_not_equal(before, after);
	must(git_read(git, arena, &placement, &err));
	assert_int_equal(placement.file_count, 2);
	/* The remote's HEAD is followed, and a rewritten branch taken as it is. */
	shell(folder, "cd work && git checkout -q --orphan next && git commit -q -m other && git push -q origin next &&"
	              "git -C ../remote.git symbolic-ref HEAD refs/heads/next");
	must(git_fetch(git, &err));
	assert_string_equal(git_ref(git), "refs/heads/next");
	cleanup_git struct git *again = open_remote(arena, folder, "copy");
	assert_string_equal(git_ref(again), "refs/heads/next");
	must(git_tip(again, arena, &after, &err));
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
		must(git_fetch(git, &err));
		must(git_tip(git, arena, &commit, &err));
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
	must(git_fetch(git, &err));
	must(git_push_status(git, &err));
	assert_int_equal(git_status_tip(git, arena, &tip, NULL), -ENOENT);
	commit_text(git, "one");
	commit_text(git, "two");
	assert_int_equal(git_status_tip(git, arena, &tip, NULL), -ENOENT);
	must(git_push_status(git, &err));
	must(git_push_status(git, &err));
	must(git_status_tip(git, arena, &tip, &err));
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
	must(git_fetch(one, &err));
	must(git_fetch(two, &err));
	commit_text(one, "a");
	must(git_push_status(one, &err));
	commit_text(two, "b"); /* on nothing: it has not seen a */
	commit_text(two, "c");
	must(git_push_status(two, &err));
	check_log(folder, "remote.git", "c b a ");
	commit_text(one, "d");
	commit_text(one, "e");
	must(git_fetch(one, &err)); /* a fetch puts them on top as well */
	check_log(folder, "one", "e d c b a ");
	struct status_tip tip;
	must(git_status_tip(one, arena, &tip, &err));
	assert_string_equal(tip.controller, "of-c");
	must(git_push_status(one, &err));
	check_log(folder, "remote.git", "e d c b a ");
	const char *bytes = NULL;
	size_t length = 0;
	must(git_fetch(two, &err));
	must(git_read_status(two, arena, "status.yaml", &bytes, &length, &err));
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
	must(git_fetch(git, &err));
	commit_text(git, "a");
	must(git_push_status(git, &err));
	shell(folder, "git -C remote.git update-ref -d refs/heads/berth/status");
	commit_text(git, "b");
	must(git_fetch(git, &err));
	must(git_push_status(git, &err));
	check_log(folder, "remote.git", "b ");
	shell(folder, "git -C remote.git update-ref -d refs/heads/berth/status");
	must(git_fetch(other, &err));
	commit_text(other, "x");
	must(git_push_status(other, &err));
	commit_text(git, "c");
	must(git_push_status(git, &err));
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
	must(git_fetch(git, &err));
	shell(folder, "mv remote.git away");
	commit_text(git, "a");
	assert_int_equal(git_push_status(git, &err), -EIO);
	assert_non_null(strstr(err.message, "does not appear to be a git repository"));
	commit_text(git, "b");
	assert_int_equal(git_fetch(git, &err), -EIO);
	must(git_tip(git, arena, &commit, &err));
	shell(folder, "mv away remote.git");
	must(git_push_status(git, &err));
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
	must(git_fetch(git, &err));
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
	shell(folder, "printf '[url \"ext::sh -c touch%%%% %s/ran \"]\\n insteadOf = none:\\n' > config", folder);
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
	shell(folder,
	      "printf '#!/bin/sh\\necho begun > %s/begun; sleep 98765\\n' > remote.git/hooks/pre-receive &&"
	      "chmod +x remote.git/hooks/pre-receive",
	      folder);
	struct git_settings settings = settings_of(arena, folder, "copy");
	cleanup_git struct git *git = open_with(&settings);
	must(git_fetch(git, &err));
	commit_text(git, "a");
	settings.deadline_ms = 3000;
	cleanup_git struct git *hasty = open_with(&settings);
	assert_int_equal(git_push_status(hasty, &err), -ETIMEDOUT);
	shell(folder, "test -e begun && rm remote.git/hooks/pre-receive");
	check_no_children(folder, "[s]leep 98765");
	must(git_push_status(git, &err));
	check_log(folder, "remote.git", "a ");
}

static void test_a_copy_survives_a_crash(void **state)
{
	const char *folder = *state;
	cleanup_arena struct arena *arena = arena_create();
	const char *commit = NULL;
	make_remote(folder);
	shell(folder, "mkdir -p copy.new/objects copy.new/refs && mkdir copy"); /* half-made */
	cleanup_git struct git *git = open_remote(arena, folder, "copy");
	must(git_fetch(git, &err));
	commit_text(git, "a");
	shell(folder,
	      "cd work && git commit -q --allow-empty -m two && git push -q origin main &&"
	      "cd ../copy && touch -d '1 hour ago' refs/heads/main.lock refs/heads/berth/status.lock HEAD.lock");
	must(git_fetch(git, &err));
	must(git_push_status(git, &err));
	must(git_tip(git, arena, &commit, &err));
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
		must(git_fetch(git, &err));
		must(git_fetch_status(git, &err));
		must(git_read(git, arena, &placement, &err));
		assert_int_equal(placement.file_count, 1);
		commit_text(git, arena_print(arena, "%zu", i));
		must(git_push_status(git, &err));
		check_log(folder, cases[i].at,
		          i % 2 == 0 ? arena_print(arena, "%zu ", i) : arena_print(arena, "%zu %zu ", i, i - 1));
	}
	char *after = shell_output(folder, "git -C work for-each-ref; git -C remote.git for-each-ref");
	assert_string_equal(before, after);
	free(before);
	free(after);
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
	must(git_fetch(git, &err));
	commit_text(git, "a");
	must(git_push_status(git, &err));
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
	must(git_fetch(git, &err));
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
	        IN_FOLDER(test_fetches_what_moved),
	        IN_FOLDER(test_fixed_revisions_of_a_remote),
	        IN_FOLDER(test_pushes_and_touches_nothing_else),
	        IN_FOLDER(test_commits_travel_on_top_of_a_moved_tip),
	        IN_FOLDER(test_two_who_push_lose_nothing),
	        IN_FOLDER(test_a_removed_or_rewritten_status_branch),
	        IN_FOLDER(test_a_remote_that_is_away_gets_it_later),
	        IN_FOLDER(test_a_hooks_refusal_is_told),
	        IN_FOLDER(test_what_is_not_there_is_told),
	        IN_FOLDER(test_a_url_runs_no_program),
	        IN_FOLDER(test_a_silent_server_ends_at_the_deadline),
	        IN_FOLDER(test_a_hanging_push_leaves_no_process),
	        IN_FOLDER(test_a_copy_survives_a_crash),
	        IN_FOLDER(test_status_may_live_elsewhere),
	        IN_FOLDER(test_over_http_with_a_password),
	        IN_FOLDER(test_the_users_ssh_command_is_used),
	        cmocka_unit_test(test_secrets_are_masked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
