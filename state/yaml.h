/*
 * YAML, read as a tree with positions and written by events: the door to libyaml.
 *
 * Reading accepts the subset of spec section 2 and nothing else: one document of mappings, sequences and scalars,
 * UTF-8, no anchors, aliases, merge keys, tags, directives, control characters or duplicate keys, and no deeper than
 * YAML_DEPTH. What else it finds it reports through yaml_problem, with its place and what would be right, and goes on
 * where it can. Nodes live in the arena. Pure: it gets bytes.
 */
#ifndef BERTH_YAML_H
#define BERTH_YAML_H

#include "state/desired.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct text;

enum { YAML_DEPTH = 32 };

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	struct position at;
	const char *text;         /* of a scalar, terminated; it holds no 0 byte */
	bool plain;               /* a scalar without quotes: only these can be a boolean, a number or null */
	struct yaml_node **keys;  /* of a mapping: count keys, all scalars */
	struct yaml_node **items; /* of a mapping its values, of a sequence its items */
	size_t count;
};

/* Collects problems and, at the end, sorts them by file, line and column. */
struct problems {
	struct arena *arena;
	struct problem *items;
	size_t count;
};

void problems_init(struct problems *problems, struct arena *arena);
void problems_add(struct problems *problems, struct position at, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
struct problem_list problems_end(struct problems *problems);

/* NULL for an empty document (or one that is only null or comments), or after adding problems. */
const struct yaml_node *yaml_read(struct arena *arena, const struct desired_file *file, struct problems *problems);

/* The value of a key, NULL when it is not there. ret_key (may be NULL) gets the key's node. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);

/*
 * Writing: a document is built from the outside in; the emitter decides quoting so that every scalar reads back as the
 * same string. yaml_write_end returns the text, which ends with a newline.
 */
struct yaml_writer;

struct yaml_writer *yaml_write_begin(struct arena *arena);
void yaml_write_map(struct yaml_writer *writer, bool flow); /* flow: on one line, {a: b} */
void yaml_write_list(struct yaml_writer *writer, bool flow);
void yaml_write_close(struct yaml_writer *writer); /* the map or list opened last */
void yaml_write_string(struct yaml_writer *writer,
                       const char *string);                          /* quoted when it would read as something else */
void yaml_write_plain(struct yaml_writer *writer, const char *text); /* a number, a boolean, a size, a time */
void yaml_write_key(struct yaml_writer *writer, const char *key);
const char *yaml_write_end(struct yaml_writer *writer);

#endif
