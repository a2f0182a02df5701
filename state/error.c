#include "state/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void make_one_line(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
		if (*c < 0x20 || *c == 0x7f) {
			*c = ' ';
		}
	}
	for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--) {
		text[n - 1] = '\0';
	}
}

int error_set(struct error *err, int code, const char *format, ...)
{
	assert(code < 0);
	if (err == NULL) {
		return code;
	}
	va_list args;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	make_one_line(err->message);
	return code;
}

int error_prefix(struct error *err, int code, const char *format, ...)
{
	assert(code < 0);
	if (err == NULL) {
		return code;
	}
	struct error old = *err;
	va_list args;
	va_start(args, format);
	int used = vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	if (used >= 0 && (size_t)used < sizeof(err->message)) {
		size_t room = sizeof(err->message) - (size_t)used;
		int more = snprintf(err->message + used, room, ": %s", old.message);
		(void)more; /* a message that is too long ends early */
	}
	make_one_line(err->message);
	return code;
}
