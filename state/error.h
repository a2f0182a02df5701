/*
 * One error, one line.
 *
 * A function that can fail returns 0 or a negative errno; its last parameter is a struct error, filled once, where the
 * failure was seen. Callers add only what they alone know (error_prefix). NULL is allowed: the text is then dropped.
 *
 *     return error_set(err, -ENOENT, "%s: no such pool", name);
 *
 * Messages are one line, lower case, without a full stop; line breaks and other control characters in what was
 * formatted become spaces, so that a foreign text can never make two lines of one.
 */
#ifndef BERTH_ERROR_H
#define BERTH_ERROR_H

struct error {
	char message[1024];
};

/* Fills err and returns code, which is a negative errno. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "text: " before the message that is there. Returns code, so that it can stand in a return. */
int error_prefix(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
