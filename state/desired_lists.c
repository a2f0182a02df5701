#include "state/desired_parse.h"

#include "state/arena.h"
#include "state/text.h"

#include <stdlib.h>
#include <string.h>

void field_reference(struct parsing *parsing, const char *name, struct position at, bool is_host)
{
	ARENA_ADD(parsing->arena, parsing->references, parsing->reference_count) =
	        (struct reference){.name = name, .at = at, .is_host = is_host};
}

const char *field_name(struct parsing *parsing, const struct yaml_node *key, const char *what,
                       const char *(*form)(const char *))
{
	const char *shown = problems_quote(&parsing->problems, key->text);
	if (yaml_type(key) != YAML_TEXT) {
		problems_add(&parsing->problems, key->at, "a %s's name must be text: write \"%.60s\", with quotes",
		             what, key->text);
		return NULL;
	}
	if (key->text[0] == '\0' || form_has_control(key->text)) {
		problems_add(&parsing->problems, key->at,
		             "a %s's name must have one character at least, and no control characters, not %s", what,
		             shown);
		return NULL;
	}
	const char *wrong = form == NULL ? NULL : form(key->text);
	if (wrong != NULL) {
		problems_add(&parsing->problems, key->at, "a %s's name must be %s, not %s", what, wrong, shown);
	}
	return arena_copy(parsing->arena, key->text);
}

const char *field_unreserved_name(struct parsing *parsing, const struct yaml_node *key, const char *what)
{
	if (strcmp(key->text, "auto") == 0) {
		problems_add(&parsing->problems, key->at, "a %s cannot be named auto, which stands for any host", what);
	}
	return field_name(parsing, key, what, form_host_name);
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->key, ((const struct label *)b)->key);
}

void field_labels(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	struct labels *labels = member;
	if (yaml_is_null(value)) {
		return;
	}
	if (value->kind != YAML_MAPPING) {
		field_wrong(parsing, field->key, value, "a mapping of labels, such as {zone: a}");
		return;
	}
	labels->items = arena_array(parsing->arena, value->count, sizeof(*labels->items));
	labels->count = 0;
	for (size_t i = 0; i < value->count; i++) {
		const char *key = field_name(parsing, value->keys[i], "label", NULL);
		const char *text = field_text(parsing, value->keys[i]->text, value->items[i]);
		if (key != NULL && text != NULL) {
			labels->items[labels->count++] = (struct label){.key = key, .value = text};
		}
	}
	if (labels->count > 1) {
		qsort(labels->items, labels->count, sizeof(*labels->items), compare_labels);
	}
}

static int compare_texts(const void *a, const void *b)
{
	const struct yaml_node *left = *(const struct yaml_node *const *)a;
	const struct yaml_node *right = *(const struct yaml_node *const *)b;
	int order = strcmp(left->text, right->text);
	return order != 0 ? order : position_compare(left->at, right->at);
}

size_t field_list(struct parsing *parsing, const char *key, const struct yaml_node *value, const char *example,
                  const struct yaml_node ***ret_items)
{
	if (value->kind != YAML_SEQUENCE) {
		field_wrong(parsing, key, value, arena_print(parsing->arena, "a list, such as %s", example));
		return 0;
	}
	const struct yaml_node **items = arena_array(parsing->arena, value->count, sizeof(struct yaml_node *));
	size_t count = 0;
	for (size_t i = 0; i < value->count; i++) {
		if (field_text(parsing, key, value->items[i]) != NULL) {
			items[count++] = value->items[i];
		}
	}
	if (count > 1) {
		qsort(items, count, sizeof(struct yaml_node *), compare_texts);
	}
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && strcmp(items[kept - 1]->text, items[i]->text) == 0) {
			problems_add(&parsing->problems, items[i]->at, "%s stands in '%s' twice: remove one",
			             problems_quote(&parsing->problems, items[i]->text), key);
			continue;
		}
		items[kept++] = items[i];
	}
	*ret_items = items;
	return kept;
}

size_t field_names(struct parsing *parsing, const char *key, const struct yaml_node *value, bool of_hosts,
                   const char ***ret_names)
{
	const char *example = of_hosts ? "[node1, node2]" : "[web-1, web-2]";
	const struct yaml_node **items;
	if (value->kind == YAML_SEQUENCE && value->count == 0) {
		problems_add(&parsing->problems, value->at, "'%s' must name at least one %s, such as %s", key,
		             of_hosts ? "host" : "VM", example);
		return 0;
	}
	size_t count = field_list(parsing, key, value, example, &items);
	const char **names = arena_array(parsing->arena, count, sizeof(*names));
	for (size_t i = 0; i < count; i++) {
		names[i] = arena_copy(parsing->arena, items[i]->text);
		if (names[i][0] == '\0') {
			problems_add(&parsing->problems, items[i]->at, "an empty name in '%s': write one, or remove it",
			             key);
		} else if (of_hosts && strcmp(names[i], "auto") == 0) {
			problems_add(&parsing->problems, items[i]->at,
			             "auto cannot stand in a list: it stands for any host by itself");
		} else {
			field_reference(parsing, names[i], items[i]->at, of_hosts);
		}
	}
	*ret_names = names;
	return count;
}
