#include "tests/doors/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int make_in(const char *where, void **state)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/berth-test-XXXXXX", where);
	if (mkdtemp(path) == NULL || chmod(path, 0755) < 0) {
		return -1;
	}
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_AUTHOR_NAME", "Anna", 1);
	setenv("GIT_AUTHOR_EMAIL", "anna@example.net", 1);
	setenv("GIT_COMMITTER_NAME", "Anna", 1);
	setenv("GIT_COMMITTER_EMAIL", "anna@example.net", 1);
	*state = strdup(path);
	return *state == NULL ? -1 : 0;
}

int folder_make(void **state)
{
	return make_in("/tmp", state);
}

int folder_make_in_memory(void **state)
{
	return make_in(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", state);
}

int folder_remove(void **state)
{
	char *line = NULL;
	int r = asprintf(&line, "rm -rf '%s'", (const char *)*state) < 0 ? -1 : system(line);
	free(line);
	free(*state);
	return r;
}

__attribute__((format(printf, 2, 0))) static char *run(const char *folder, const char *format, va_list args)
{
	char *command = NULL;
	char *line = NULL;
	assert_true(vasprintf(&command, format, args) >= 0);
	assert_true(asprintf(&line, "cd '%s' && { %s\n}", folder, command) >= 0);
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	char *output = calloc(1, 1 << 20);
	assert_non_null(output);
	size_t length = fread(output, 1, (1 << 20) - 1, pipe);
	while (length > 0 && output[length - 1] == '\n') {
		output[--length] = '\0';
	}
	if (pclose(pipe) != 0) {
		fail_msg("failed: %s", command);
	}
	free(command);
	free(line);
	return output;
}

void shell(const char *folder, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	free(run(folder, format, args));
	va_end(args);
}

char *shell_output(const char *folder, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *output = run(folder, format, args);
	va_end(args);
	return output;
}
