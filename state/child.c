#include "state/child.h"

#include "state/arena.h"
#include "state/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
	OUTPUT_BYTES = 16 << 20,
	ERROR_BYTES = 16 << 10,
	GRACE_MS = 1000, /* for git to remove its lock files, before it is killed */
};

struct stream {
	struct text text;
	int fd;
	size_t limit;
	bool cut;
};

struct child {
	pid_t pid;
	int pidfd;
	struct stream output;
	struct stream errors;
};

static void close_fd(const int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}
#define cleanup_fd __attribute__((cleanup(close_fd)))

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Userinfo is a secret, unless it is only the user's name for ssh. */
const char *child_mask(struct arena *arena, const char *text)
{
	struct text masked;
	text_init(&masked, arena);
	const char *scheme_end;
	while ((scheme_end = strstr(text, "://")) != NULL) {
		const char *user = scheme_end + 3;
		const char *at = memrchr(user, '@', strcspn(user, "/ \t\r\n'\"?#"));
		size_t length = at == NULL ? 0 : (size_t)(at - user);
		bool is_ssh = scheme_end - text >= 3 && strncmp(scheme_end - 3, "ssh", 3) == 0;
		text_add_n(&masked, text, (size_t)(user - text));
		if (length > 0 && !(is_ssh && memchr(user, ':', length) == NULL)) {
			text_add(&masked, "***");
		} else {
			text_add_n(&masked, user, length);
		}
		text = user + length;
	}
	text_add(&masked, text);
	return text_string(&masked);
}

/* The caller's environment, less what would point git at another repository, plus what keeps it from asking. */
static char *const *make_environment(struct arena *arena)
{
	static const char *const without[] = {
	        "GIT_DIR=",       "GIT_WORK_TREE=", "GIT_INDEX_FILE=",   "GIT_OBJECT_DIRECTORY=",
	        "GIT_NAMESPACE=", "GIT_PREFIX=",    "GIT_SHALLOW_FILE=", "GIT_ALTERNATE_OBJECT_DIRECTORIES=",
	        "GIT_TRACE",      "GIT_COMMON_DIR", "GIT_QUARANTINE",    "GIT_TERMINAL_PROMPT=",
	        "LC_ALL=",        "LANGUAGE=",      "SSH_ASKPASS_REQ",   "GIT_ALLOW_PROTOCOL=",
	};
	static const char *const with[] = {
	        "GIT_TERMINAL_PROMPT=0",
	        "SSH_ASKPASS_REQUIRE=never", /* with no terminal: what BatchMode does, but ssh's command stays the
	                                        user's */
	        "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh",
	        "LC_ALL=C.UTF-8",
	};
	char **variables = NULL;
	size_t count = 0;
	for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
		bool dropped = false;
		for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
			dropped = dropped || strncmp(*variable, without[i], strlen(without[i])) == 0;
		}
		if (!dropped) {
			ARENA_ADD(arena, variables, count) = *variable;
		}
	}
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		ARENA_ADD(arena, variables, count) = arena_copy(arena, with[i]);
	}
	ARENA_ADD(arena, variables, count) = NULL;
	return variables;
}

static int spawn(struct child *child, struct arena *arena, const char *const words[], int output, int errors)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t all;
	size_t count = 0;
	assert(words[0] != NULL);
	while (words[count] != NULL) {
		count++;
	}
	char **arguments = arena_array(arena, count + 1, sizeof(*arguments));
	for (size_t i = 0; i < count; i++) {
		arguments[i] = arena_copy(arena, words[i]);
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	int r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0) {
		r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	}
	if (r == 0) {
		r = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	}
	if (r == 0) {
		r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	}
	if (r == 0) {
		posix_spawnattr_setsigmask(&attributes, &none);
		posix_spawnattr_setsigdefault(&attributes, &all);
		posix_spawnattr_setflags(&attributes,
		                         POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
		r = posix_spawnp(&child->pid, words[0], &actions, &attributes, arguments, make_environment(arena));
	}
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Takes what is there. Returns false at the end. */
static bool read_stream(struct stream *stream)
{
	char bytes[8192];
	ssize_t n;
	while ((n = read(stream->fd, bytes, sizeof(bytes))) > 0) {
		size_t room = stream->limit - stream->text.length;
		size_t taken = (size_t)n < room ? (size_t)n : room;
		stream->cut = stream->cut || taken < (size_t)n;
		text_add_n(&stream->text, bytes, taken);
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Reads until the child has exited (true) or the time has come. Others may hold the pipes open for longer. */
static bool wait_until(struct child *child, int64_t end_ms)
{
	for (;;) {
		struct pollfd fds[] = {
		        {.fd = child->pidfd, .events = POLLIN},
		        {.fd = child->output.fd, .events = POLLIN},
		        {.fd = child->errors.fd, .events = POLLIN},
		};
		int64_t left = end_ms - now_ms();
		int r = left <= 0 ? 0 : poll(fds, 3, (int)(left < 60000 ? left : 60000));
		bool exited = r > 0 && fds[0].revents != 0;
		struct stream *streams[] = {&child->output, &child->errors};
		for (int i = 0; i < 2; i++) {
			if (streams[i]->fd >= 0 && !read_stream(streams[i])) {
				close(streams[i]->fd);
				streams[i]->fd = -1;
			}
		}
		if (exited || left <= 0) {
			return exited;
		}
	}
}

/* The child is waited for last: until then no other process group can get its number. */
static void end_group(struct child *child)
{
	kill(-child->pid, SIGTERM);
	wait_until(child, now_ms() + GRACE_MS);
	kill(-child->pid, SIGKILL);
	struct pollfd fd = {.fd = child->pidfd, .events = POLLIN};
	while (poll(&fd, 1, -1) < 0 && errno == EINTR) {
	}
}

/* What git said, in one line, without its advice. */
static const char *tell_errors(struct arena *arena, const char *errors)
{
	static const char *const advice[] = {"hint:",
	                                     "Please make sure you have the correct access rights",
	                                     "and the repository exists.",
	                                     "To http",
	                                     "To ssh",
	                                     "To file"};
	struct text line;
	text_init(&line, arena);
	for (const char *from = errors; *from != '\0';) {
		size_t n = strcspn(from, "\r\n");
		bool wanted = n > 0;
		for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
			wanted = wanted && strncmp(from, advice[i], strlen(advice[i])) != 0;
		}
		if (wanted) {
			text_add(&line, line.length > 0 ? "; " : "");
			text_add_n(&line, from, n);
		}
		from += n + (from[n] != '\0');
	}
	return line.length == 0 ? "no reason given" : text_printable(arena, child_mask(arena, text_string(&line)));
}

static int judge(const struct child *child, struct arena *arena, const char *const words[], const siginfo_t *info,
                 struct error *err)
{
	if (child->output.cut) {
		return error_set(err, -EFBIG, "%s printed more than can be right", words[0]);
	}
	if (info->si_code == CLD_EXITED && info->si_status == 0) {
		return 0;
	}
	if (info->si_code != CLD_EXITED) {
		return error_set(err, -EIO, "%s was ended by signal %d: %s", words[0], info->si_status,
		                 tell_errors(arena, text_string(&child->errors.text)));
	}
	return error_set(err, -EIO, "%s", tell_errors(arena, text_string(&child->errors.text)));
}

static int start(struct child *child, struct arena *arena, const char *const words[], struct error *err)
{
	int output[2] = {-1, -1};
	int errors[2] = {-1, -1};
	if (pipe2(output, O_CLOEXEC) < 0) {
		return error_set(err, -errno, "pipe: %s", strerror(errno));
	}
	child->output = (struct stream){.fd = output[0], .limit = OUTPUT_BYTES};
	cleanup_fd int output_end = output[1];
	if (pipe2(errors, O_CLOEXEC) < 0) {
		return error_set(err, -errno, "pipe: %s", strerror(errno));
	}
	child->errors = (struct stream){.fd = errors[0], .limit = ERROR_BYTES};
	cleanup_fd int errors_end = errors[1];
	text_init(&child->output.text, arena);
	text_init(&child->errors.text, arena);
	if (fcntl(output[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(errors[0], F_SETFL, O_NONBLOCK) < 0) {
		return error_set(err, -errno, "pipe: %s", strerror(errno));
	}
	int r = spawn(child, arena, words, output_end, errors_end);
	if (r < 0) {
		return error_set(err, r, "cannot start %s: %s", words[0], strerror(-r));
	}
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd < 0) {
		r = error_set(err, -errno, "pidfd_open: %s", strerror(errno));
		kill(-child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
		return r;
	}
	return 0;
}

static void finish(const struct child *child)
{
	close_fd(&child->pidfd);
	close_fd(&child->output.fd);
	close_fd(&child->errors.fd);
}

int child_run(struct arena *arena, const char *const words[], unsigned int deadline_ms, const char **ret_output,
              struct error *err)
{
	__attribute__((cleanup(finish))) struct child child = {.pidfd = -1, .output = {.fd = -1}, .errors = {.fd = -1}};
	int64_t end_ms = now_ms() + deadline_ms;
	int r = start(&child, arena, words, err);
	if (r < 0) {
		return r;
	}
	bool exited = wait_until(&child, end_ms);
	if (!exited) {
		end_group(&child);
	}
	siginfo_t info = {0};
	while (waitid(P_PID, (id_t)child.pid, &info, WEXITED) < 0 && errno == EINTR) {
	}
	if (!exited) {
		return error_set(err, -ETIMEDOUT, "no answer within %u ms", deadline_ms);
	}
	r = judge(&child, arena, words, &info, err);
	if (ret_output != NULL && (r == 0 || r == -EIO)) {
		*ret_output = text_string(&child.output.text);
	}
	return r;
}
