#include "state/desired_parse.h"

#include "state/arena.h"
#include "state/digest.h"
#include "state/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A key of a file: read once for the whole (settings, defaults), or a mapping of named things. */
struct section {
	const char *name;
	const struct fields *fields;
	void (*read)(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value);
	size_t offset; /* with fields: of what they are read into */
};

/* In the order in which they must be read: defaults before what begins as a copy of them. */
static const struct section SECTIONS[] = {
        {"settings", &settings_fields, NULL, offsetof(struct parsing, desired)},
        {"defaults", &defaults_fields, NULL, 0},
        {"hosts", NULL, desired_read_host, 0},
        {"vms", NULL, desired_read_vm, 0},
        {"policies", NULL, desired_read_policy, 0},
};

/* What a name refers to may stand in a file, or a part of it, that could not be read. */
static void note_unread(struct parsing *parsing, const struct desired_file *file)
{
	ARENA_ADD(parsing->arena, parsing->unread, parsing->unread_count) = *file;
}

static void read_section(struct parsing *parsing, const struct section *section, const struct desired_file *file,
                         const struct yaml_node *value)
{
	if (value->kind == YAML_REFUSED || value->partial) {
		note_unread(parsing, file);
	}
	if (section->fields != NULL) {
		parsing->given_below = section->name;
		fields_read(parsing, section->fields, value, arena_print(parsing->arena, "'%s'", section->name),
		            (char *)parsing + section->offset);
		parsing->given_below = NULL;
		return;
	}
	if (value->kind != YAML_MAPPING) {
		if (!yaml_is_null(value)) {
			field_wrong(parsing, section->name, value, "a mapping of names");
			note_unread(parsing, file);
		}
		return;
	}
	for (size_t i = 0; i < value->count; i++) {
		section->read(parsing, value->keys[i], value->items[i]);
	}
}

static void check_sections(struct parsing *parsing, const struct yaml_node *root)
{
	const char *names[COUNT(SECTIONS)];
	for (size_t i = 0; i < COUNT(SECTIONS); i++) {
		names[i] = SECTIONS[i].name;
	}
	for (size_t i = 0; i < root->count; i++) {
		size_t section = 0;
		while (section < COUNT(SECTIONS) && strcmp(root->keys[i]->text, names[section]) != 0) {
			section++;
		}
		if (section == COUNT(SECTIONS)) {
			field_unknown(parsing, root->keys[i], "the file", names, COUNT(SECTIONS));
		}
	}
}

/* The root of a file; NULL when it is empty or cannot be read. */
static const struct yaml_node *read_file(struct parsing *parsing, const struct desired_file *file)
{
	size_t before = parsing->problems.count;
	const struct yaml_node *root = yaml_read(parsing->arena, file, &parsing->problems);
	if (root == NULL) {
		if (parsing->problems.count > before) {
			note_unread(parsing, file);
		}
		return NULL;
	}
	if (root->kind != YAML_MAPPING) {
		problems_add(&parsing->problems, root->at,
		             "the file must be a mapping with settings, defaults, hosts, vms or policies");
		note_unread(parsing, file);
		return NULL;
	}
	if (root->partial) {
		note_unread(parsing, file);
	}
	check_sections(parsing, root);
	return root;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct desired_file *)a)->name, ((const struct desired_file *)b)->name);
}

/* The files in the order of their names, which is that of all that follows. */
static const struct desired_file *sort_files(struct arena *arena, const struct desired_file *files, size_t count)
{
	struct desired_file *sorted = arena_array(arena, count, sizeof(*sorted));
	for (size_t i = 0; i < count; i++) {
		sorted[i] = files[i];
		sorted[i].name = arena_copy(arena, files[i].name);
	}
	if (count > 1) {
		qsort(sorted, count, sizeof(*sorted), compare_files);
	}
	return sorted;
}

static const char *digest_of(struct arena *arena, const struct desired_file *files, size_t count)
{
	struct digest *digest = digest_create(arena);
	for (size_t i = 0; i < count; i++) {
		digest_add_text(digest, files[i].name);
		digest_add(digest, files[i].bytes, files[i].length);
	}
	return digest_end(digest, arena);
}

static void read_files(struct parsing *parsing, const struct desired_file *files, size_t count)
{
	const struct yaml_node **roots = arena_array(parsing->arena, count, sizeof(const struct yaml_node *));
	for (size_t i = 0; i < count; i++) {
		roots[i] = read_file(parsing, &files[i]);
	}
	for (size_t section = 0; section < COUNT(SECTIONS); section++) {
		for (size_t i = 0; i < count; i++) {
			const struct yaml_node *value =
			        roots[i] == NULL ? NULL : yaml_get(roots[i], SECTIONS[section].name, NULL);
			if (value != NULL) {
				read_section(parsing, &SECTIONS[section], &files[i], value);
			}
		}
		parsing->vm.drift = parsing->desired.drift;
	}
}

int desired_parse(struct arena *arena, const char *commit, const struct desired_file *files, size_t count,
                  const struct desired **ret_desired, struct problem_list *ret_problems)
{
	struct parsing *parsing = arena_alloc(arena, sizeof(*parsing));
	*parsing = (struct parsing){
	        .arena = arena,
	        .host = {.reserve = GIB, .limit = UINT64_MAX},
	        .vm = {.migration = migration_default()},
	};
	problems_init(&parsing->problems, arena);
	problems_init(&parsing->warnings, arena);
	files = sort_files(arena, files, count);
	read_files(parsing, files, count);
	desired_check_defaults(parsing);
	desired_check(parsing);
	*ret_problems = problems_end(&parsing->problems);
	if (ret_problems->count > 0) {
		return -EINVAL;
	}
	desired_warn(parsing);
	struct problem_list warnings = problems_end(&parsing->warnings);
	struct desired *desired = &parsing->desired;
	desired->commit = commit == NULL ? NULL : arena_copy(arena, commit);
	desired->digest = digest_of(arena, files, count);
	desired->warnings = warnings.lines;
	desired->warning_count = warnings.count;
	*ret_desired = desired;
	return 0;
}
