/*
 * Foreign text (names, messages of libvirt and git) put where somebody else's program renders it. Each returns a copy
 * that shows the text and can do nothing else: one line, control characters as '?' (text_printable). Pure.
 */
#ifndef BERTH_ESCAPE_H
#define BERTH_ESCAPE_H

#include <stddef.h>

struct arena;

/*
 * For Markdown as git servers know it (tables, autolinks, math): not at the begin of a line, where "1." or "-" would
 * still begin a list.
 */
const char *escape_markdown(struct arena *arena, const char *text);

/* For content and quoted attributes of XML, SVG and HTML. */
const char *escape_xml(struct arena *arena, const char *text);

/* At most `characters` of it, the last one "…" when something was cut. */
const char *escape_cut(struct arena *arena, const char *text, size_t characters);

#endif
