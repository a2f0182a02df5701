#include "state/yaml_characters.h"

#include "state/arena.h"
#include "state/text.h"

#include <stdint.h>

/* Whether a character may not stand in a file: control characters, and what libyaml or an editor takes for a line's
   end although git does not. */
static bool is_refused(uint32_t point, bool before_newline)
{
	if (point == '\r') {
		return !before_newline;
	}
	return (point < 0x20 && point != '\t' && point != '\n') || (point >= 0x7f && point < 0xa0) || point == 0x2028 ||
	       point == 0x2029 || point == 0xfeff || point == 0xfffe || point == 0xffff;
}

static const char *fault_of(struct arena *arena, uint32_t point)
{
	return point == '\r' ? "a carriage return without a line feed: end lines with LF or CR LF"
	                     : arena_print(arena, "control character U+%04X: remove it", (unsigned int)point);
}

/* The character that begins at bytes, which hold at least one; 0 when they are malformed. Its length in ret_size. */
static uint32_t decode(const unsigned char *bytes, size_t length, size_t *ret_size)
{
	size_t size = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	*ret_size = size;
	if (size > length || !text_is_utf8((const char *)bytes, size)) {
		return 0;
	}
	uint32_t point = size == 1 ? bytes[0] : bytes[0] & (0x7fU >> size);
	for (size_t i = 1; i < size; i++) {
		point = point << 6 | (bytes[i] & 0x3fU);
	}
	return point;
}

bool yaml_check_characters(struct problems *problems, const char *file, const char *bytes, size_t length)
{
	struct position at = {.file = file, .line = 1, .column = 1};
	unsigned int last_line = 0;
	size_t size;
	for (size_t i = 0; i < length; i += size, at.column++) {
		size = 1;
		if (bytes[i] >= ' ' && bytes[i] < 0x7f) {
			continue; /* nearly all of them */
		}
		uint32_t point = decode((const unsigned char *)bytes + i, length - i, &size);
		if (point == 0 && bytes[i] != '\0') {
			problems_add(problems, at, "not UTF-8: save the file in that encoding");
			return false;
		}
		if (is_refused(point, i + 1 < length && bytes[i + 1] == '\n') && at.line != last_line) {
			problems_add(problems, at, "%s", fault_of(problems->arena, point));
			last_line = at.line; /* one of a line is enough */
		}
		if (point == '\n') {
			at.line++;
			at.column = 0;
		}
	}
	return last_line == 0;
}
