#include "state/status_read.h"

#include "state/arena.h"
#include "state/json.h"
#include "state/text.h"
#include "state/units.h"
#include "state/yaml.h"

#include <errno.h>

static void put_scalar(struct json *json, const char *key, const struct yaml_node *node)
{
	uint64_t number = 0;
	switch (yaml_type(node)) {
	case YAML_NULL:
		json_put_null(json, key);
		return;
	case YAML_BOOLEAN:
		json_put_bool(json, key, text_equal(node->text, "true"));
		return;
	case YAML_NUMBER:
		if (units_parse_number(node->text, 0, INT64_MAX, &number)) {
			json_put_number(json, key, (int64_t)number);
			return;
		}
		break;
	case YAML_TEXT:
		break;
	}
	json_put_text(json, key, node->text);
}

/* A mapping or sequence that is being written, and how far. */
struct open_node {
	const struct yaml_node *node;
	size_t next;
};

static void open_node(struct json *json, const char *key, const struct yaml_node *node)
{
	if (node->kind == YAML_MAPPING) {
		json_open_object(json, key);
	} else {
		json_open_list(json, key);
	}
}

int status_read_json(struct arena *arena, const struct desired_file *file, const char **ret_json, struct error *err)
{
	struct problems problems;
	problems_init(&problems, arena);
	const struct yaml_node *top = yaml_read(arena, file, &problems);
	if (top == NULL || top->kind != YAML_MAPPING || problems.count > 0) {
		return error_set(err, -EBADMSG, "%s on the status branch is not berth's", file->name);
	}
	struct json *json = json_begin(arena);
	struct open_node stack[YAML_DEPTH + 1] = {{.node = top}};
	size_t depth = 1;
	while (depth > 0) {
		struct open_node *open = &stack[depth - 1];
		if (open->next == open->node->count) {
			depth--;
			if (depth > 0) {
				json_close(json);
			}
			continue;
		}
		const char *key = open->node->kind == YAML_MAPPING ? open->node->keys[open->next]->text : NULL;
		const struct yaml_node *item = open->node->items[open->next++];
		if (item->kind == YAML_SCALAR) {
			put_scalar(json, key, item);
		} else {
			open_node(json, key, item);
			stack[depth++] = (struct open_node){.node = item};
		}
	}
	*ret_json = json_end(json);
	return 0;
}
