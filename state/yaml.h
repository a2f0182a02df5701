/*
 * YAML, read as a tree with positions and written by events: the door to libyaml.
 *
 * Reading accepts the subset of spec section 2 and nothing else: one document of mappings, sequences and scalars,
 * UTF-8, no anchors, aliases, merge keys, tags, directives, control characters or duplicate keys, and no deeper than
 * YAML_DEPTH. What else it finds it reports through problems, with its place and what would be right, and goes on
 * where it can. Nodes live in the arena. Pure: it gets bytes.
 *
 *     const struct yaml_node *root = yaml_read(arena, &file, &problems);
 *     const struct yaml_node *hosts = root == NULL ? NULL : yaml_get(root, "hosts", NULL);
 */
#ifndef BERTH_YAML_H
#define BERTH_YAML_H

#include "state/desired.h"
#include "state/problems.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { YAML_DEPTH = 32 };

enum yaml_kind {
	YAML_SCALAR,
	YAML_SEQUENCE,
	YAML_MAPPING,
	YAML_REFUSED, /* it stands where something was refused (an alias): nothing more need be said about it */
};

struct yaml_node {
	enum yaml_kind kind;
	bool plain;   /* a scalar without quotes: only these can be a boolean, a number or null */
	bool partial; /* a key was refused, or a second document after this root: what is missed may stand there */
	struct position at;
	const char *text;         /* of a scalar, terminated; it holds no 0 byte, but may hold what was escaped */
	struct yaml_node **keys;  /* of a mapping: count keys, all scalars */
	struct yaml_node **items; /* of a mapping its values, of a sequence its items */
	size_t count;
};

/*
 * The document's root. NULL for an empty document (or one that is only null or comments), and, after adding problems,
 * for one that cannot be read on. A tree that is returned beside problems leaves out what was refused.
 */
const struct yaml_node *yaml_read(struct arena *arena, const struct desired_file *file, struct problems *problems);

/* The value of a key, NULL when it is not there. ret_key (may be NULL) gets the key's node. O(count). */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key, const struct yaml_node **ret_key);

/* What YAML 1.2 (core schema) takes an unquoted scalar for. */
enum yaml_type { YAML_TEXT, YAML_NULL, YAML_BOOLEAN, YAML_NUMBER };

enum yaml_type yaml_type_of(const char *plain);

/* A quoted scalar is text, whatever it holds. The node is a scalar. */
enum yaml_type yaml_type(const struct yaml_node *scalar);
bool yaml_is_null(const struct yaml_node *node);

/* Whether a scalar of this text must be quoted to be read as text, by YAML 1.2 or by the older 1.1 (yes, 22:00). */
bool yaml_needs_quotes(const char *text);

/*
 * Writing: a document is built from the outside in. Every scalar reads back as the same string (bytes that are not
 * UTF-8 as U+FFFD: YAML cannot hold them). yaml_write_end returns the text, which ends with a newline, and must be
 * called: the writer holds memory of libyaml's. A call that does not fit the document is a bug and ends the program.
 */
struct yaml_writer;

struct yaml_writer *yaml_write_begin(struct arena *arena);
void yaml_write_map(struct yaml_writer *writer, bool flow); /* flow: on one line, {a: b} */
void yaml_write_list(struct yaml_writer *writer, bool flow);
void yaml_write_close(struct yaml_writer *writer);                      /* the map or list opened last */
void yaml_write_string(struct yaml_writer *writer, const char *string); /* quoted where it must be */
void yaml_write_plain(struct yaml_writer *writer, const char *text);    /* a number, a boolean, a size, a time */
void yaml_write_key(struct yaml_writer *writer, const char *key);       /* then its value */
const char *yaml_write_end(struct yaml_writer *writer);

#endif
