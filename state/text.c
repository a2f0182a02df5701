#include "state/text.h"

#include "state/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_init(struct text *text, struct arena *arena)
{
	*text = (struct text){.arena = arena};
}

static void make_room(struct text *text, size_t more)
{
	size_t need = text->length + more + 1;
	if (need <= text->room) {
		return;
	}
	size_t room = text->room == 0 ? 128 : text->room * 2;
	if (room < need) {
		room = need;
	}
	text->bytes = arena_grow(text->arena, text->bytes, text->length, room, 1);
	text->room = room;
}

void text_add_n(struct text *text, const char *bytes, size_t length)
{
	make_room(text, length);
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_add_n(text, string, strlen(string));
}

void text_print(struct text *text, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0) {
		abort();
	}
	make_room(text, (size_t)length);
	va_start(args, format);
	vsnprintf(text->bytes + text->length, (size_t)length + 1, format, args);
	va_end(args);
	text->length += (size_t)length;
}

const char *text_string(const struct text *text)
{
	return text->bytes == NULL ? "" : text->bytes;
}

/* Decodes one character; returns its length in bytes, or 0 where the bytes are malformed. */
static size_t decode(const unsigned char *bytes, size_t length, uint32_t *ret_point)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = bytes[0] < 0x80   ? 1
	           : bytes[0] < 0xc2 ? 0
	           : bytes[0] < 0xe0 ? 2
	           : bytes[0] < 0xf0 ? 3
	           : bytes[0] < 0xf5 ? 4
	                             : 0;
	if (n == 0 || n > length) {
		return 0;
	}
	uint32_t point = n == 1 ? bytes[0] : bytes[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80) {
			return 0;
		}
		point = point << 6 | (bytes[i] & 0x3fU);
	}
	if (point < smallest[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
		return 0;
	}
	*ret_point = point;
	return n;
}

bool text_is_utf8(const char *bytes, size_t length)
{
	uint32_t point;
	for (size_t at = 0; at < length;) {
		size_t n = decode((const unsigned char *)bytes + at, length - at, &point);
		if (n == 0) {
			return false;
		}
		at += n;
	}
	return true;
}

size_t text_width(const char *string)
{
	size_t length = strlen(string);
	size_t width = 0;
	uint32_t point;
	for (size_t at = 0; at < length; width++) {
		size_t n = decode((const unsigned char *)string + at, length - at, &point);
		at += n == 0 ? 1 : n;
	}
	return width;
}

static bool is_printable(uint32_t point)
{
	return !(point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x200b && point <= 0x200f) ||
	         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
	         point == 0x061c);
}

const char *text_printable(struct arena *arena, const char *string)
{
	size_t length = strlen(string);
	struct text out;
	text_init(&out, arena);
	for (size_t at = 0; at < length;) {
		uint32_t point;
		size_t n = decode((const unsigned char *)string + at, length - at, &point);
		if (n == 0 || !is_printable(point)) {
			text_add(&out, "?");
		} else {
			text_add_n(&out, string + at, n);
		}
		at += n == 0 ? 1 : n;
	}
	return text_string(&out);
}

/* The length of the character that begins here, and whether it may be shown as it is; malformed bytes may not. */
static size_t look_at(const char *string, size_t length, uint32_t *ret_point, bool *ret_shown)
{
	size_t n = decode((const unsigned char *)string, length, ret_point);
	*ret_shown = n > 0 && (*ret_point == '\n' || is_printable(*ret_point));
	return n == 0 ? 1 : n;
}

bool text_is_printable(const char *string)
{
	size_t length = strlen(string);
	bool shown = true;
	uint32_t point = 0;
	for (size_t at = 0; at < length && shown;) {
		at += look_at(string + at, length - at, &point, &shown);
	}
	return shown;
}

const char *text_escape_quoted(struct arena *arena, const char *string)
{
	if (text_is_printable(string)) {
		return string;
	}
	size_t length = strlen(string);
	struct text out;
	text_init(&out, arena);
	for (size_t at = 0; at < length;) {
		uint32_t point = 0xfffd;
		bool shown;
		size_t n = look_at(string + at, length - at, &point, &shown);
		if (shown) {
			text_add_n(&out, string + at, n);
		} else {
			text_print(&out, "\\u%04X", (unsigned int)point);
		}
		at += n;
	}
	return text_string(&out);
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b; both at most 63 bytes. */
static size_t edit_distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t rows[3][64];
	for (size_t j = 0; j <= lb; j++) {
		rows[0][j] = j;
	}
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3];
		const size_t *up = rows[(i - 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = up[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
			best = up[j] + 1 < best ? up[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
				size_t swapped = rows[(i - 2) % 3][j - 2] + 1;
				best = swapped < best ? swapped : best;
			}
			row[j] = best;
		}
	}
	return rows[la % 3][lb];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
	size_t length = strlen(word);
	const char *nearest = NULL;
	size_t least = length <= 3 ? 2 : 3; /* the distance must be below it */
	if (length == 0 || length > 63) {
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(candidates[i]);
		if (other > 63) {
			continue;
		}
		size_t distance = edit_distance(word, length, candidates[i], other);
		if (distance < least && distance < other) {
			least = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}

int text_compare(const char *a, const char *b)
{
	if (a == NULL || b == NULL) {
		return (a != NULL) - (b != NULL);
	}
	return strcmp(a, b);
}
