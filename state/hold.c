#include "state/hold.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"
#include "state/yaml.h"

#include <errno.h>

static int compare(const struct hold *hold, const char *vm, bool cancelled)
{
	int order = text_compare(hold->vm, vm);
	return order != 0 ? order : (int)hold->cancelled - (int)cancelled;
}

const struct hold *hold_find(const struct hold_list *list, const char *vm, bool cancelled)
{
	for (size_t i = 0; i < list->count; i++) {
		if (compare(&list->items[i], vm, cancelled) == 0) {
			return &list->items[i];
		}
	}
	return NULL;
}

/* The list without such a one, and with `hold` in its place unless that is NULL. */
static struct hold_list replace(struct arena *arena, const struct hold_list *list, const char *vm, bool cancelled,
                                const struct hold *hold)
{
	struct hold_list result = {0};
	bool is_in = hold == NULL;
	for (size_t i = 0; i < list->count; i++) {
		int order = compare(&list->items[i], vm, cancelled);
		if (!is_in && order > 0) {
			ARENA_ADD(arena, result.items, result.count) = *hold;
			is_in = true;
		}
		if (order != 0) {
			ARENA_ADD(arena, result.items, result.count) = list->items[i];
		}
	}
	if (!is_in) {
		ARENA_ADD(arena, result.items, result.count) = *hold;
	}
	return result;
}

struct hold_list hold_put(struct arena *arena, const struct hold_list *list, const struct hold *hold)
{
	return replace(arena, list, hold->vm, hold->cancelled, hold);
}

struct hold_list hold_remove(struct arena *arena, const struct hold_list *list, const char *vm, bool cancelled)
{
	return replace(arena, list, vm, cancelled, NULL);
}

static void write_pair(struct yaml_writer *writer, const char *key, const char *value)
{
	yaml_write_key(writer, key);
	yaml_write_string(writer, value);
}

const char *hold_write(struct arena *arena, const struct hold_list *list)
{
	struct yaml_writer *writer = yaml_write_begin(arena);
	yaml_write_map(writer, false);
	yaml_write_key(writer, "berth");
	yaml_write_plain(writer, "1");
	yaml_write_key(writer, "holds");
	yaml_write_list(writer, list->count == 0);
	for (size_t i = 0; i < list->count; i++) {
		const struct hold *hold = &list->items[i];
		yaml_write_map(writer, false);
		if (hold->vm != NULL) {
			write_pair(writer, "vm", hold->vm);
		}
		if (hold->cancelled) {
			yaml_write_key(writer, "cancelled");
			yaml_write_plain(writer, "true");
			write_pair(writer, "entry", hold->entry);
		}
		write_pair(writer, "reason", hold->reason);
		write_pair(writer, "by", hold->by);
		yaml_write_key(writer, "since");
		yaml_write_plain(writer, units_time(arena, hold->since));
		yaml_write_close(writer);
	}
	yaml_write_close(writer);
	yaml_write_close(writer);
	return yaml_write_end(writer);
}

/* NULL: not there, or no scalar. */
static const char *get(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key, NULL);
	return node == NULL || node->kind != YAML_SCALAR ? NULL : node->text;
}

static bool read_hold(const struct yaml_node *map, struct hold *ret)
{
	if (map->kind != YAML_MAPPING) {
		return false;
	}
	const char *since = get(map, "since");
	*ret = (struct hold){
	        .vm = get(map, "vm"),
	        .cancelled = text_equal(get(map, "cancelled"), "true"),
	        .reason = get(map, "reason"),
	        .by = get(map, "by"),
	        .entry = get(map, "entry"),
	};
	return ret->reason != NULL && ret->by != NULL && since != NULL && units_parse_time(since, &ret->since) &&
	       (!ret->cancelled || (ret->vm != NULL && ret->entry != NULL));
}

int hold_read(struct arena *arena, const struct desired_file *file, struct hold_list *ret_list, struct error *err)
{
	struct problems problems;
	problems_init(&problems, arena);
	const struct yaml_node *top = yaml_read(arena, file, &problems);
	const struct yaml_node *items = top == NULL || top->kind != YAML_MAPPING ? NULL : yaml_get(top, "holds", NULL);
	bool is_list = items != NULL && items->kind == YAML_SEQUENCE && problems.count == 0;
	struct hold_list list = {0};
	for (size_t i = 0; is_list && i < items->count; i++) {
		struct hold hold = {0};
		is_list = read_hold(items->items[i], &hold);
		if (is_list) {
			list = hold_put(arena, &list, &hold);
		}
	}
	if (!is_list) {
		return error_set(err, -EBADMSG, "%s: not the holds of berth's record", file->name);
	}
	*ret_list = list;
	return 0;
}
