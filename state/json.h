/*
 * JSON, written from the outside in, and small objects read: the door to jansson.
 *
 *     struct json *json = json_begin(arena);
 *     json_put_text(json, "vm", "web-1");
 *     json_open_list(json, "moves"); json_open_object(json, NULL); … json_close(json); json_close(json);
 *     const char *text = json_end(json);
 *
 * The outermost is an object. Keys keep the order in which they are written; in a list the key is NULL. The text has
 * two spaces of indentation and a newline at its end, and the same calls give the same bytes. Malformed UTF-8 in a
 * string becomes '?': JSON cannot carry it.
 */
#ifndef BERTH_JSON_H
#define BERTH_JSON_H

#include "state/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct json;

struct json *json_begin(struct arena *arena);
void json_open_object(struct json *json, const char *key);
void json_open_list(struct json *json, const char *key);
void json_close(struct json *json);                                        /* the object or list opened last */
void json_put_text(struct json *json, const char *key, const char *value); /* NULL: null */
void json_put_number(struct json *json, const char *key, int64_t value);
void json_put_size(struct json *json, const char *key, uint64_t bytes);           /* at most INT64_MAX is written */
void json_put_millionths(struct json *json, const char *key, int64_t millionths); /* 183412: 0.183412 */
void json_put_bool(struct json *json, const char *key, bool value);
void json_put_null(struct json *json, const char *key);

/* Everything opened must be closed. The json is used up; until then it holds memory outside of the arena. */
const char *json_end(struct json *json);
const char *json_end_line(struct json *json); /* the same on one line */

struct json_member {
	const char *key;
	const char *text; /* of a string, whole number or boolean; NULL: of anything else */
};

/* An object as it came from outside, in no order. -EBADMSG: it is none, or has a key twice. */
int json_read_members(struct arena *arena, const char *bytes, size_t length, struct json_member **ret_members,
                      size_t *ret_count, struct error *err);

#endif
