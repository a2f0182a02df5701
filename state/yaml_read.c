#include "state/yaml.h"

#include "state/arena.h"
#include "state/yaml_characters.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

/* A mapping or sequence that is still open. */
struct frame {
	struct yaml_node *node;
	size_t first; /* index of its first child among the pending */
};

struct reader {
	struct arena *arena;
	struct problems *problems;
	const char *file;
	struct frame frames[YAML_DEPTH];
	size_t depth;
	struct yaml_node **pending; /* children of all open nodes; of a mapping key and value by turns */
	size_t pending_count;
	size_t pending_room;
	struct yaml_node **sorted; /* room for finding duplicate keys */
	size_t sorted_room;
	struct yaml_node *root;
	unsigned int documents;
	bool ended;
	bool failed; /* the rest of this file cannot be read */
};

static struct position place_of(const struct reader *reader, const yaml_mark_t *mark)
{
	/* libyaml counts characters, and both from 0. */
	return (struct position){
	        .file = reader->file, .line = (unsigned int)mark->line + 1, .column = (unsigned int)mark->column + 1};
}

static int compare_keys(const void *a, const void *b)
{
	const struct yaml_node *left = *(const struct yaml_node *const *)a;
	const struct yaml_node *right = *(const struct yaml_node *const *)b;
	int order = strcmp(left->text, right->text);
	return order != 0 ? order : position_compare(left->at, right->at);
}

/* Reports and refuses the second and later ones among keys that are the same. */
static void refuse_duplicates(struct reader *reader, struct yaml_node **pairs, size_t count)
{
	if (count > reader->sorted_room) {
		reader->sorted_room = count * 2;
		reader->sorted = arena_array(reader->arena, reader->sorted_room, sizeof(struct yaml_node *));
	}
	size_t keys = 0;
	for (size_t i = 0; i < count; i++) {
		if (pairs[2 * i]->kind == YAML_SCALAR) {
			reader->sorted[keys++] = pairs[2 * i];
		}
	}
	if (keys < 2) {
		return;
	}
	qsort(reader->sorted, keys, sizeof(struct yaml_node *), compare_keys);
	const struct yaml_node *first = reader->sorted[0];
	for (size_t i = 1; i < keys; i++) {
		struct yaml_node *key = reader->sorted[i];
		if (strcmp(first->text, key->text) != 0) {
			first = key;
			continue;
		}
		problems_add(reader->problems, key->at, "key %s is given twice: first at %s",
		             problems_quote(reader->problems, key->text), problems_place(reader->problems, first->at));
		key->kind = YAML_REFUSED;
	}
}

static void refuse_bad_key(struct reader *reader, struct yaml_node *key)
{
	if (key->kind == YAML_MAPPING || key->kind == YAML_SEQUENCE) {
		problems_add(reader->problems, key->at, "a key must be text, not a %s",
		             key->kind == YAML_MAPPING ? "mapping" : "list");
		key->kind = YAML_REFUSED;
	} else if (key->kind == YAML_SCALAR && key->plain && strcmp(key->text, "<<") == 0) {
		problems_add(reader->problems, key->at, "merge keys are not read: write the keys out");
		key->kind = YAML_REFUSED;
	} else if (key->kind == YAML_SCALAR && key->plain && key->text[0] == '\0') {
		problems_add(reader->problems, key->at, "a key is missing: write KEY: VALUE");
		key->kind = YAML_REFUSED;
	}
}

static void close_mapping(struct reader *reader, struct yaml_node *node, struct yaml_node **pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		refuse_bad_key(reader, pairs[2 * i]);
		node->partial = node->partial || pairs[2 * i]->kind != YAML_SCALAR;
	}
	refuse_duplicates(reader, pairs, count);
	node->keys = arena_array(reader->arena, count, sizeof(struct yaml_node *));
	node->items = arena_array(reader->arena, count, sizeof(struct yaml_node *));
	for (size_t i = 0; i < count; i++) {
		if (pairs[2 * i]->kind == YAML_SCALAR) {
			node->keys[node->count] = pairs[2 * i];
			node->items[node->count++] = pairs[2 * i + 1];
		}
	}
	/* A key that stands twice is there all the same; but of a file, its second half is missed. */
	node->partial = node->partial || (reader->depth == 0 && node->count < count);
}

static void close_node(struct reader *reader)
{
	assert(reader->depth > 0);
	const struct frame *frame = &reader->frames[--reader->depth];
	struct yaml_node *node = frame->node;
	struct yaml_node **children = reader->pending + frame->first;
	size_t count = reader->pending_count - frame->first;
	if (node->kind == YAML_MAPPING) {
		close_mapping(reader, node, children, count / 2);
	} else {
		node->count = count;
		node->items = arena_array(reader->arena, count, sizeof(struct yaml_node *));
		if (count > 0) {
			memcpy(node->items, children, count * sizeof(struct yaml_node *));
		}
	}
	reader->pending_count = frame->first;
}

/* A new node in its place: the root, or a child of the node that is open. */
static struct yaml_node *add_node(struct reader *reader, enum yaml_kind kind, const yaml_mark_t *mark)
{
	struct yaml_node *node = arena_alloc(reader->arena, sizeof(*node));
	node->kind = kind;
	node->at = place_of(reader, mark);
	if (reader->depth == 0) {
		reader->root = node;
		return node;
	}
	if (reader->pending_count == reader->pending_room) {
		size_t room = reader->pending_room * 2;
		reader->pending = arena_grow(reader->arena, reader->pending, reader->pending_count, room,
		                             sizeof(struct yaml_node *));
		reader->pending_room = room;
	}
	reader->pending[reader->pending_count++] = node;
	return node;
}

static void open_node(struct reader *reader, enum yaml_kind kind, const yaml_mark_t *mark)
{
	struct yaml_node *node = add_node(reader, kind, mark);
	if (reader->depth == YAML_DEPTH) {
		problems_add(reader->problems, node->at, "nested too deep: at most %d levels are read", YAML_DEPTH);
		reader->ended = true;
		reader->failed = true;
		return;
	}
	reader->frames[reader->depth++] = (struct frame){.node = node, .first = reader->pending_count};
}

static void refuse_properties(struct reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag,
                              const yaml_mark_t *mark)
{
	if (anchor != NULL) {
		problems_add(reader->problems, place_of(reader, mark),
		             "anchors are not read: write the value out, without %s",
		             problems_quote(reader->problems, arena_print(reader->arena, "&%s", (const char *)anchor)));
	}
	if (tag != NULL) {
		static const char standard[] = "tag:yaml.org,2002:";
		const char *text = (const char *)tag;
		bool is_standard = strncmp(text, standard, sizeof(standard) - 1) == 0;
		text = arena_print(reader->arena, "%s%s", is_standard ? "!!" : "",
		                   is_standard ? text + sizeof(standard) - 1 : text);
		problems_add(reader->problems, place_of(reader, mark), "tags are not read: leave %s out",
		             problems_quote(reader->problems, text));
	}
}

static void read_scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	struct yaml_node *node = add_node(reader, YAML_SCALAR, &event->start_mark);
	refuse_properties(reader, event->data.scalar.anchor, event->data.scalar.tag, &event->start_mark);
	node->text = arena_copy_n(reader->arena, value, event->data.scalar.length);
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (strlen(value) != event->data.scalar.length) {
		problems_add(reader->problems, node->at, "a text with a zero byte: leave \\0 out");
		node->kind = YAML_REFUSED;
	}
}

static void begin_document(struct reader *reader, const yaml_event_t *event)
{
	struct position at = place_of(reader, &event->start_mark);
	if (reader->documents++ > 0) {
		problems_add(reader->problems, at,
		             "a second document: a file holds one, so write it into a file of its own");
		if (reader->root != NULL) {
			reader->root->partial = true;
		}
		reader->ended = true;
		return;
	}
	if (event->data.document_start.version_directive != NULL ||
	    event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end) {
		problems_add(reader->problems, at, "directives are not read: remove the line that begins with %%");
	}
}

static void take_event(struct reader *reader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		begin_document(reader, event);
		break;
	case YAML_ALIAS_EVENT:
		add_node(reader, YAML_REFUSED, &event->start_mark);
		problems_add(reader->problems, place_of(reader, &event->start_mark),
		             "aliases are not read: write the value out in place of %s",
		             problems_quote(reader->problems,
		                            arena_print(reader->arena, "*%s", (const char *)event->data.alias.anchor)));
		break;
	case YAML_SCALAR_EVENT:
		read_scalar(reader, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		refuse_properties(reader, event->data.sequence_start.anchor, event->data.sequence_start.tag,
		                  &event->start_mark);
		open_node(reader, YAML_SEQUENCE, &event->start_mark);
		break;
	case YAML_MAPPING_START_EVENT:
		refuse_properties(reader, event->data.mapping_start.anchor, event->data.mapping_start.tag,
		                  &event->start_mark);
		open_node(reader, YAML_MAPPING, &event->start_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_node(reader);
		break;
	case YAML_STREAM_END_EVENT:
		reader->ended = true;
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
}

/* What libyaml calls a fault, and what would be right; %u is the line where that mapping or list begins. */
struct syntax_hint {
	const char *problem;
	const char *hint;
	bool at_begin; /* told where the quote begins, not where the file ends */
};

static const struct syntax_hint HINTS[] = {
        {"mapping values are not allowed in this context",
         "a ':' where no key can be: quote the text, mend the indentation, or end the key above with ':'", false},
        {"could not find expected ':'", "a key without ':': write KEY: VALUE", false},
        {"did not find expected key", "not a key of the mapping that begins in line %u: mend the indentation", false},
        {"did not find expected '-' indicator", "not an item of the list that begins in line %u: mend the indentation",
         false},
        {"did not find expected ',' or ']'", "expected ',' or ']' in the list that begins in line %u", false},
        {"did not find expected ',' or '}'", "expected ',' or '}' in the mapping that begins in line %u", false},
        {"did not find expected node content", "a key or a value is missing here", false},
        {"did not find expected <document start>", "expected the end of the file: mend the indentation", false},
        {"found unexpected end of stream", "this quote is not closed", true},
        {"found unexpected document indicator", "this quote is not closed", true},
        {"block sequence entries are not allowed in this context", "a '-' where no list can be: mend the indentation",
         false},
        {"block mapping entries are not allowed in this context", "a '?' where no key can be", false},
        {"found unknown escape character", "not an escape that YAML knows: write \\\\ for a backslash", false},
};

static void add_hint(struct reader *reader, const yaml_parser_t *parser, const struct syntax_hint *hint)
{
	struct position at = place_of(reader, hint->at_begin ? &parser->context_mark : &parser->problem_mark);
	const char *line = strstr(hint->hint, "%u");
	if (line == NULL) {
		problems_add(reader->problems, at, "%s", hint->hint);
	} else {
		problems_add(reader->problems, at, "%.*s%u%s", (int)(line - hint->hint), hint->hint,
		             (unsigned int)parser->context_mark.line + 1, line + 2);
	}
}

static void add_syntax_problem(struct reader *reader, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR) {
		abort(); /* as in the arena */
	}
	reader->failed = true;
	reader->ended = true;
	const char *problem = parser->problem == NULL ? "unknown fault" : parser->problem;
	for (size_t i = 0; i < sizeof(HINTS) / sizeof(HINTS[0]); i++) {
		if (strcmp(problem, HINTS[i].problem) == 0) {
			add_hint(reader, parser, &HINTS[i]);
			return;
		}
	}
	struct position at = place_of(reader, &parser->problem_mark);
	if (strcmp(problem, "found character that cannot start any token") != 0) {
		problems_add(reader->problems, at, "not YAML: %s", problem);
		return;
	}
	int next = parser->buffer.pointer < parser->buffer.last ? *parser->buffer.pointer : '?';
	if (next == '\t') {
		problems_add(reader->problems, at, "a tab cannot indent: use spaces");
	} else {
		problems_add(reader->problems, at, "a text that begins with '%c' must be quoted", next);
	}
}

static void read_events(struct reader *reader, yaml_parser_t *parser)
{
	while (!reader->ended) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event)) {
			add_syntax_problem(reader, parser);
			return;
		}
		take_event(reader, &event);
		yaml_event_delete(&event);
	}
}

const struct yaml_node *yaml_read(struct arena *arena, const struct desired_file *file, struct problems *problems)
{
	static const char mark[] = "\xef\xbb\xbf"; /* a byte order mark, as some editors write it */
	struct reader reader = {.arena = arena, .problems = problems, .file = file->name, .pending_room = 64};
	const char *bytes = file->bytes;
	size_t length = file->length;
	if (length >= sizeof(mark) - 1 && memcmp(bytes, mark, sizeof(mark) - 1) == 0) {
		bytes += sizeof(mark) - 1;
		length -= sizeof(mark) - 1;
	}
	if (!yaml_check_characters(problems, file->name, bytes, length)) {
		return NULL;
	}
	reader.pending = arena_array(arena, reader.pending_room, sizeof(struct yaml_node *));
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser)) {
		abort();
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, length);
	read_events(&reader, &parser);
	yaml_parser_delete(&parser);
	return reader.failed || reader.root == NULL || yaml_is_null(reader.root) ? NULL : reader.root;
}
