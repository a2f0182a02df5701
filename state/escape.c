#include "state/escape.h"

#include "state/arena.h"
#include "state/text.h"

#include <string.h>

const char *escape_markdown(struct arena *arena, const char *text)
{
	struct text out;
	text_init(&out, arena);
	for (const char *c = text_printable(arena, text); *c != '\0'; c++) {
		if (*c == '<' || *c == '&') {
			text_add(&out, *c == '<' ? "&lt;" : "&amp;");
			continue;
		}
		if (strchr("\\`*_{}[]()>#|~!$:@", *c) != NULL) {
			text_add(&out, "\\");
		}
		text_add_n(&out, c, 1);
	}
	return text_string(&out);
}

const char *escape_xml(struct arena *arena, const char *text)
{
	struct text out;
	text_init(&out, arena);
	for (const char *c = text_printable(arena, text); *c != '\0'; c++) {
		switch (*c) {
		case '<':
			text_add(&out, "&lt;");
			break;
		case '>':
			text_add(&out, "&gt;");
			break;
		case '&':
			text_add(&out, "&amp;");
			break;
		case '"':
			text_add(&out, "&quot;");
			break;
		case '\'':
			text_add(&out, "&#39;");
			break;
		default:
			/* XML 1.0, 2.2: U+FFFE and U+FFFF are no characters */
			if (strncmp(c, "\xef\xbf\xbe", 3) == 0 || strncmp(c, "\xef\xbf\xbf", 3) == 0) {
				text_add(&out, "?");
				c += 2;
			} else {
				text_add_n(&out, c, 1);
			}
		}
	}
	return text_string(&out);
}

const char *escape_cut(struct arena *arena, const char *text, size_t characters)
{
	if (text_width(text) <= characters) {
		return text;
	}
	size_t length = 0;
	for (size_t seen = 0; text[length] != '\0'; length++) {
		bool begins = ((unsigned char)text[length] & 0xc0) != 0x80;
		if (begins && seen++ + 1 >= characters) {
			break;
		}
	}
	return arena_print(arena, "%.*s…", (int)length, text);
}
