#include "state/yaml.h"

#include "state/arena.h"
#include "state/form.h"
#include "state/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

struct yaml_writer {
	struct arena *arena;
	yaml_emitter_t emitter;
	struct text text;
	bool is_list[YAML_DEPTH]; /* what is open, the outermost first */
	size_t depth;
};

static int take_bytes(void *data, unsigned char *bytes, size_t length)
{
	struct yaml_writer *writer = data;
	text_add_n(&writer->text, (const char *)bytes, length);
	return 1;
}

/* Both fail for want of memory only, or for a call out of place: a bug. */
static void emit(struct yaml_writer *writer, int made, yaml_event_t *event)
{
	if (!made || !yaml_emitter_emit(&writer->emitter, event)) {
		abort();
	}
}

struct yaml_writer *yaml_write_begin(struct arena *arena)
{
	struct yaml_writer *writer = arena_alloc(arena, sizeof(*writer));
	yaml_event_t event;
	writer->arena = arena;
	text_init(&writer->text, arena);
	if (!yaml_emitter_initialize(&writer->emitter)) {
		abort();
	}
	yaml_emitter_set_output(&writer->emitter, take_bytes, writer);
	yaml_emitter_set_unicode(&writer->emitter, 1);
	yaml_emitter_set_width(&writer->emitter, -1);
	emit(writer, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
	emit(writer, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1), &event);
	return writer;
}

static void open_node(struct yaml_writer *writer, bool is_list)
{
	assert(writer->depth < YAML_DEPTH);
	writer->is_list[writer->depth++] = is_list;
}

void yaml_write_map(struct yaml_writer *writer, bool flow)
{
	yaml_event_t event;
	yaml_mapping_style_t style = flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE;
	open_node(writer, false);
	emit(writer, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style), &event);
}

void yaml_write_list(struct yaml_writer *writer, bool flow)
{
	yaml_event_t event;
	yaml_sequence_style_t style = flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE;
	open_node(writer, true);
	emit(writer, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style), &event);
}

void yaml_write_close(struct yaml_writer *writer)
{
	yaml_event_t event;
	assert(writer->depth > 0);
	bool is_list = writer->is_list[--writer->depth];
	emit(writer, is_list ? yaml_sequence_end_event_initialize(&event) : yaml_mapping_end_event_initialize(&event),
	     &event);
}

static void write_scalar(struct yaml_writer *writer, const char *text, yaml_scalar_style_t style)
{
	yaml_event_t event;
	int made = yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1,
	                                        style);
	emit(writer, made, &event);
}

/*
 * Whether plain text would be read back as it is, inside flow style too. Stricter than YAML, so that one kind of quotes
 * is seen everywhere: the emitter by itself would take single ones for ": " and double ones for control characters.
 */
static bool can_be_plain(const char *text)
{
	static const char first[] = "-?:,[]{}#&*!|>'\"%@` ";
	static const char never[] = ",[]{}\"'\\`";
	if (strchr(first, text[0]) != NULL || strpbrk(text, never) != NULL) {
		return false;
	}
	size_t length = strlen(text);
	return strstr(text, ": ") == NULL && strstr(text, " #") == NULL && text[length - 1] != ' ' &&
	       text[length - 1] != ':' && !form_has_control(text) && text_is_printable(text);
}

/* Bytes that are not UTF-8 become U+FFFD, one each. */
static const char *make_utf8(struct arena *arena, const char *text)
{
	struct text out;
	if (text_is_utf8(text, strlen(text))) {
		return text;
	}
	text_init(&out, arena);
	for (size_t left = strlen(text); left > 0;) {
		size_t size = 1;
		while (size < 4 && size < left && !text_is_utf8(text, size)) {
			size++;
		}
		bool good = text_is_utf8(text, size);
		text_add_n(&out, good ? text : "\xef\xbf\xbd", good ? size : 3);
		text += good ? size : 1;
		left -= good ? size : 1;
	}
	return text_string(&out);
}

void yaml_write_string(struct yaml_writer *writer, const char *string)
{
	const char *text = make_utf8(writer->arena, string);
	bool plain = !yaml_needs_quotes(text) && can_be_plain(text);
	write_scalar(writer, text, plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

void yaml_write_plain(struct yaml_writer *writer, const char *text)
{
	write_scalar(writer, text, YAML_PLAIN_SCALAR_STYLE);
}

void yaml_write_key(struct yaml_writer *writer, const char *key)
{
	yaml_write_string(writer, key);
}

const char *yaml_write_end(struct yaml_writer *writer)
{
	yaml_event_t event;
	assert(writer->depth == 0);
	emit(writer, yaml_document_end_event_initialize(&event, 1), &event);
	emit(writer, yaml_stream_end_event_initialize(&event), &event);
	yaml_emitter_delete(&writer->emitter);
	/* libyaml writes what turns a line around, or is not seen, as it is; all of it stands between double quotes. */
	return text_escape_quoted(writer->arena, text_string(&writer->text));
}
