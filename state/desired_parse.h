/*
 * Inside of desired_parse: what the files desired_*.c share. Nobody else includes it.
 *
 * A placement is read in this order, so that the order of files and of keys in them changes nothing: every file as
 * YAML; settings and defaults of all files; hosts, VMs and policies of all files, each beginning as a copy of the
 * defaults; then what only the whole can tell (desired_check.c). Mappings with known keys are read by tables of rows
 * (struct field). Every function reports what is wrong into parsing->problems and goes on.
 */
#ifndef BERTH_DESIRED_PARSE_H
#define BERTH_DESIRED_PARSE_H

#include "state/desired.h"
#include "state/form.h"
#include "state/problems.h"
#include "state/yaml.h"

struct arena;

/* A key of settings or defaults that was given, as settings.drift or defaults.memory.reserve. */
struct given {
	const char *path;
	struct position at;
};

/* A name of a host or VM that must be defined somewhere. */
struct reference {
	const char *name;
	struct position at;
	bool is_host;
};

/* Labels that should match a host or a VM. */
struct label_use {
	struct labels labels;
	struct position at;
	bool of_hosts;
};

struct parsing {
	struct arena *arena;
	struct problems problems;
	struct problems warnings;
	struct desired_file *unread; /* files of which not all could be read */
	size_t unread_count;
	struct desired desired;   /* the result, as far as it is read */
	struct desired_host host; /* what every host begins as: the defaults */
	struct desired_vm vm;     /* and every VM */
	const char *given_below;  /* while settings or defaults are read: the path of the mapping; NULL otherwise */
	struct given *given;
	size_t given_count;
	struct reference *references;
	size_t reference_count;
	struct label_use *label_uses;
	size_t label_use_count;
};

/*
 * One key of a mapping: how its value is read, and into which member. A row says in its own members what is allowed;
 * the message of a wrong value is made of them.
 */
struct field {
	const char *key;
	void (*read)(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member);
	size_t offset;            /* of the member in the struct that the mapping is read into */
	const char *const *words; /* field_word: in the order of the enum's values */
	size_t word_count;
	uint64_t min; /* sizes, durations, rates, numbers */
	uint64_t max;
	bool may_be_none; /* the word none is taken for none_value */
	uint64_t none_value;
	const struct fields *fields; /* field_mapping: the rows of that mapping */
};

struct fields {
	const struct field *rows;
	size_t count;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WHOLE        .offset = 0 /* of a row whose value goes into several members */
#define FIELDS(table)                                                                                                  \
	{                                                                                                              \
		.rows = (table), .count = COUNT(table)                                                                 \
	}

/* Reads a mapping by its rows into a struct. what: whose keys they are ("host 'node1'"), for messages. */
void fields_read(struct parsing *parsing, const struct fields *fields, const struct yaml_node *mapping,
                 const char *what, void *into);

/* Readers of single values, for rows. The member's type is behind each. */
void field_mapping(struct parsing *, const struct field *, const struct yaml_node *, void *member); /* any struct */
void field_size(struct parsing *, const struct field *, const struct yaml_node *, void *member); /* uint64_t, bytes */
void field_duration(struct parsing *, const struct field *, const struct yaml_node *, void *member); /* uint64_t, ms */
void field_rate(struct parsing *, const struct field *, const struct yaml_node *, void *member);   /* uint64_t, MiB/s */
void field_count(struct parsing *, const struct field *, const struct yaml_node *, void *member);  /* uint64_t */
void field_number(struct parsing *, const struct field *, const struct yaml_node *, void *member); /* unsigned int */
void field_bool(struct parsing *, const struct field *, const struct yaml_node *, void *member);   /* bool */
void field_word(struct parsing *, const struct field *, const struct yaml_node *, void *member);   /* an enum */
void field_hold(struct parsing *, const struct field *, const struct yaml_node *, void *member);   /* const char * */
void field_labels(struct parsing *, const struct field *, const struct yaml_node *, void *member); /* struct labels */

/* A text for the key; NULL after a problem. */
const char *field_text(struct parsing *parsing, const char *key, const struct yaml_node *value);

/*
 * The name that a mapping's key is, checked by a form (NULL: any text); NULL when it is no name at all. what: host, VM,
 * policy, label. Those of hosts and policies cannot be auto.
 */
const char *field_name(struct parsing *parsing, const struct yaml_node *key, const char *what,
                       const char *(*form)(const char *));
const char *field_unreserved_name(struct parsing *parsing, const struct yaml_node *key, const char *what);

/*
 * A list of texts, each once: their nodes, sorted by text. Returns their number, 0 after a problem. example: what would
 * be right, [raw, qcow2].
 */
size_t field_list(struct parsing *parsing, const char *key, const struct yaml_node *value, const char *example,
                  const struct yaml_node ***ret_items);

/* `'KEY' must be WHAT, not …`, unless something was refused there already. */
void field_wrong(struct parsing *parsing, const char *key, const struct yaml_node *value, const char *what);

/* Whether a key that is required is not there, nor was refused there. */
bool field_lacks(const struct yaml_node *mapping, const char *key);

void field_unknown(struct parsing *parsing, const struct yaml_node *key, const char *what, const char *const *known,
                   size_t count);

/* "a, b or c" */
const char *field_words(struct arena *arena, const char *const *words, size_t count, const char *last);

/* Names of hosts or VMs: checked, noted as references, sorted. */
size_t field_names(struct parsing *parsing, const char *key, const struct yaml_node *value, bool of_hosts,
                   const char ***ret_names);
void field_reference(struct parsing *parsing, const char *name, struct position at, bool is_host);

/* The sections: each reads its part of one file. */
extern const struct fields settings_fields;  /* into struct desired */
extern const struct fields defaults_fields;  /* into struct parsing */
extern const struct fields migration_fields; /* into struct migration */
void desired_read_host(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value);
void desired_read_vm(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value);
void desired_read_policy(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value);

/* What only the whole can tell. */
void desired_check_defaults(struct parsing *parsing);
void desired_check(struct parsing *parsing); /* sorts hosts, VMs and policies */
void desired_warn(struct parsing *parsing);

#endif
