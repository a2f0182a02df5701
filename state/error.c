#include "state/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		return code; /* what is there says more than nothing */
	}
	struct error old = *err;
	error_set(err, code, "%s: %s", text, old.message);
	free(text);
	return code;
}
