/*
 * Text that grows, and what is done to text before somebody else's program shows it.
 *
 * A struct text lives in an arena; text_string() is always a terminated string. Nothing here fails.
 */
#ifndef BERTH_TEXT_H
#define BERTH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct text {
	struct arena *arena;
	char *bytes;
	size_t length;
	size_t room;
};

void text_init(struct text *text, struct arena *arena);
void text_add(struct text *text, const char *string);
void text_add_n(struct text *text, const char *bytes, size_t length);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *text_string(const struct text *text);

/* Well-formed UTF-8 (no overlong forms, no surrogates), 0 bytes not counted as an end. */
bool text_is_utf8(const char *bytes, size_t length);

/* Number of characters (code points) in a UTF-8 string; a malformed byte counts as one. */
size_t text_width(const char *string);

/*
 * A copy that is safe to print on a terminal or in a log line: control characters (C0, DEL, C1), line and paragraph
 * separators, bidirectional controls and malformed bytes each become '?'.
 */
const char *text_printable(struct arena *arena, const char *string);

/* Would text_printable() change nothing but line feeds? */
bool text_is_printable(const char *string);

/*
 * Finished YAML or JSON, where such characters stand between double quotes only: each that text_printable() replaces is
 * written as \uXXXX instead. Line feeds stay.
 */
const char *text_escape_quoted(struct arena *arena, const char *string);

/* The name among candidates that `word` is probably meant to be, or NULL: for "did you mean". */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

/* Names of libvirt and berth compared bytewise; NULL sorts first. */
int text_compare(const char *a, const char *b);
static inline bool text_equal(const char *a, const char *b)
{
	return text_compare(a, b) == 0;
}

#endif
