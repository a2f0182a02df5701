#include "state/failures.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"
#include "state/yaml.h"

#include <errno.h>

static void write_pair(struct yaml_writer *writer, const char *key, const char *value)
{
	yaml_write_key(writer, key);
	yaml_write_string(writer, value);
}

static void write_plain(struct yaml_writer *writer, const char *key, const char *value)
{
	yaml_write_key(writer, key);
	yaml_write_plain(writer, value);
}

const char *failures_write(struct arena *arena, const struct failures *failures)
{
	struct yaml_writer *writer = yaml_write_begin(arena);
	yaml_write_map(writer, false);
	write_plain(writer, "berth", "1");
	write_plain(writer, "row", arena_print(arena, "%zu", failures->row));
	if (failures->commit != NULL) {
		write_pair(writer, "commit", failures->commit);
	}
	yaml_write_key(writer, "failures");
	yaml_write_list(writer, failures->count == 0);
	for (size_t i = 0; i < failures->count; i++) {
		const struct failed_vm *failed = &failures->items[i];
		yaml_write_map(writer, false);
		write_pair(writer, "vm", failed->vm);
		write_pair(writer, "uuid", failed->uuid);
		write_pair(writer, "entry", failed->entry);
		write_plain(writer, "attempts", arena_print(arena, "%u", failed->attempts));
		if (failed->next != 0) {
			write_plain(writer, "next", units_time(arena, failed->next));
		}
		write_pair(writer, "error", failed->error);
		yaml_write_close(writer);
	}
	yaml_write_close(writer);
	yaml_write_close(writer);
	return yaml_write_end(writer);
}

/* NULL for a key that is not there, or no scalar. */
static const char *get_text(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key, NULL);
	return node == NULL || node->kind != YAML_SCALAR ? NULL : node->text;
}

static bool get_number(const struct yaml_node *map, const char *key, uint64_t most, uint64_t *ret_number)
{
	const char *text = get_text(map, key);
	return text != NULL && units_parse_number(text, 0, most, ret_number);
}

static bool read_item(const struct yaml_node *node, struct failed_vm *ret_failed)
{
	if (node->kind != YAML_MAPPING) {
		return false;
	}
	uint64_t attempts = 0;
	const char *next = get_text(node, "next");
	struct failed_vm failed = {
	        .vm = get_text(node, "vm"),
	        .uuid = get_text(node, "uuid"),
	        .entry = get_text(node, "entry"),
	        .error = get_text(node, "error"),
	};
	if (failed.vm == NULL || failed.uuid == NULL || failed.entry == NULL || failed.error == NULL ||
	    !get_number(node, "attempts", UINT32_MAX, &attempts) ||
	    (next != NULL && !units_parse_time(next, &failed.next))) {
		return false;
	}
	failed.attempts = (unsigned int)attempts;
	*ret_failed = failed;
	return true;
}

int failures_read(struct arena *arena, const struct desired_file *file, struct failures *ret_failures,
                  struct error *err)
{
	struct problems problems;
	problems_init(&problems, arena);
	const struct yaml_node *top = yaml_read(arena, file, &problems);
	bool is_map = top != NULL && top->kind == YAML_MAPPING && problems.count == 0;
	const struct yaml_node *list = is_map ? yaml_get(top, "failures", NULL) : NULL;
	uint64_t row = 0;
	bool good = list != NULL && list->kind == YAML_SEQUENCE && get_number(top, "row", UINT32_MAX, &row);
	struct failures failures = {0};
	for (size_t i = 0; good && i < list->count; i++) {
		good = read_item(list->items[i], &ARENA_ADD(arena, failures.items, failures.count));
	}
	if (!good) {
		return error_set(err, -EBADMSG, "%s: not a list of failures as berth writes it", file->name);
	}
	failures.row = (size_t)row;
	failures.commit = get_text(top, "commit");
	*ret_failures = failures;
	return 0;
}
