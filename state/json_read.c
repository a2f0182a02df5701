#include "state/arena.h"
#include "state/json.h"
#include "state/text.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const char *text_of(struct arena *arena, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return arena_copy(arena, json_string_value(value));
	case JSON_INTEGER:
		return arena_print(arena, "%lld", (long long)json_integer_value(value));
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_REAL:
	case JSON_NULL:
		return NULL;
	}
	return NULL;
}

int json_read_members(struct arena *arena, const char *bytes, size_t length, struct json_member **ret_members,
                      size_t *ret_count, struct error *err)
{
	json_error_t error;
	json_t *top = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(top)) {
		const char *what = top == NULL ? arena_copy(arena, error.text) : "not an object";
		json_decref(top);
		return error_set(err, -EBADMSG, "not JSON: %s", text_printable(arena, what));
	}
	struct json_member *members = NULL;
	size_t count = 0;
	const char *key;
	json_t *value;
	json_object_foreach(top, key, value)
	{
		ARENA_ADD(arena, members, count) = (struct json_member){
		        .key = arena_copy(arena, key),
		        .text = text_of(arena, value),
		};
	}
	json_decref(top);
	*ret_members = members;
	*ret_count = count;
	return 0;
}
