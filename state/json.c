#include "state/json.h"

#include "state/arena.h"
#include "state/text.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 16 };

struct json {
	struct arena *arena;
	json_t *open[DEPTH]; /* borrowed from the one before; the first is owned */
	size_t depth;
};

/* Like the arena: without memory the program ends. */
static json_t *made(json_t *value)
{
	if (value == NULL) {
		abort();
	}
	return value;
}

struct json *json_begin(struct arena *arena)
{
	struct json *json = arena_alloc(arena, sizeof(*json));
	*json = (struct json){.arena = arena, .open = {made(json_object())}, .depth = 1};
	return json;
}

static void add(struct json *json, const char *key, json_t *value)
{
	json_t *parent = json->open[json->depth - 1];
	assert(json_is_array(parent) == (key == NULL));
	int r = key == NULL ? json_array_append_new(parent, value) : json_object_set_new_nocheck(parent, key, value);
	if (r != 0) {
		abort();
	}
}

static void open_value(struct json *json, const char *key, json_t *value)
{
	assert(json->depth < DEPTH);
	add(json, key, value);
	json->open[json->depth++] = value;
}

void json_open_object(struct json *json, const char *key)
{
	open_value(json, key, made(json_object()));
}

void json_open_list(struct json *json, const char *key)
{
	open_value(json, key, made(json_array()));
}

void json_close(struct json *json)
{
	assert(json->depth > 1);
	json->depth--;
}

void json_put_text(struct json *json, const char *key, const char *value)
{
	if (value == NULL) {
		json_put_null(json, key);
		return;
	}
	bool sound = text_is_utf8(value, strlen(value));
	add(json, key, made(json_string(sound ? value : text_printable(json->arena, value))));
}

void json_put_number(struct json *json, const char *key, int64_t value)
{
	add(json, key, made(json_integer(value)));
}

void json_put_size(struct json *json, const char *key, uint64_t bytes)
{
	json_put_number(json, key, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes);
}

void json_put_millionths(struct json *json, const char *key, int64_t millionths)
{
	add(json, key, made(json_real((double)millionths / 1e6)));
}

void json_put_bool(struct json *json, const char *key, bool value)
{
	add(json, key, json_boolean(value));
}

void json_put_null(struct json *json, const char *key)
{
	add(json, key, json_null());
}

static int take_bytes(const char *bytes, size_t length, void *text)
{
	text_add_n(text, bytes, length);
	return 0;
}

static const char *dump(struct json *json, size_t form)
{
	assert(json->depth == 1);
	struct text text;
	text_init(&text, json->arena);
	if (json_dump_callback(json->open[0], take_bytes, &text, form | JSON_REAL_PRECISION(12)) != 0) {
		abort();
	}
	json_decref(json->open[0]);
	json->depth = 0;
	text_add(&text, "\n");
	return text_escape_quoted(json->arena, text_string(&text));
}

const char *json_end(struct json *json)
{
	return dump(json, JSON_INDENT(2));
}

const char *json_end_line(struct json *json)
{
	return dump(json, 0);
}
