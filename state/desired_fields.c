#include "state/desired_parse.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *field_words(struct arena *arena, const char *const *words, size_t count, const char *last)
{
	struct text text;
	text_init(&text, arena);
	for (size_t i = 0; i < count; i++) {
		if (i > 0) {
			text_add(&text, i + 1 == count ? last : ", ");
		}
		text_add(&text, words[i]);
	}
	return text_string(&text);
}

/* A value as a message shows it: what it is, and how it was read. */
static const char *describe(const struct parsing *parsing, const struct yaml_node *value)
{
	if (value->kind == YAML_MAPPING) {
		return "a mapping";
	}
	if (value->kind == YAML_SEQUENCE) {
		return "a list";
	}
	const char *shown = problems_quote(&parsing->problems, value->text);
	if (!value->plain) {
		bool would_be_text = yaml_type_of(value->text) == YAML_TEXT;
		return would_be_text ? shown : arena_print(parsing->arena, "the text \"%.40s\"", value->text);
	}
	switch (yaml_type(value)) {
	case YAML_NULL:
		return "nothing";
	case YAML_BOOLEAN:
		return arena_print(parsing->arena, "the boolean %s", value->text);
	case YAML_NUMBER:
		return arena_print(parsing->arena, "the number %.40s", value->text);
	case YAML_TEXT:
		break;
	}
	return shown;
}

void field_wrong(struct parsing *parsing, const char *key, const struct yaml_node *value, const char *what)
{
	if (yaml_is_null(value)) {
		problems_add(&parsing->problems, value->at, "'%s' has no value: it must be %s", key, what);
	} else if (value->kind != YAML_REFUSED) {
		problems_add(&parsing->problems, value->at, "'%s' must be %s, not %s", key, what,
		             describe(parsing, value));
	}
}

bool field_lacks(const struct yaml_node *mapping, const char *key)
{
	if (mapping->kind == YAML_MAPPING) {
		return !mapping->partial && yaml_get(mapping, key, NULL) == NULL;
	}
	return yaml_is_null(mapping);
}

void field_unknown(struct parsing *parsing, const struct yaml_node *key, const char *what, const char *const *known,
                   size_t count)
{
	const char *shown = problems_quote(&parsing->problems, key->text);
	const char *nearest = text_nearest(key->text, known, count);
	if (nearest != NULL) {
		problems_add(&parsing->problems, key->at, "unknown key %s of %s: did you mean '%s'?", shown, what,
		             nearest);
	} else {
		problems_add(&parsing->problems, key->at, "unknown key %s of %s: its %s %s", shown, what,
		             count == 1 ? "only key is" : "keys are",
		             field_words(parsing->arena, known, count, " and "));
	}
}

static void note_given(struct parsing *parsing, const struct yaml_node *key)
{
	ARENA_ADD(parsing->arena, parsing->given, parsing->given_count) = (struct given){
	        .path = arena_print(parsing->arena, "%s.%s", parsing->given_below, key->text), .at = key->at};
}

static const struct field *find_field(const struct fields *fields, const char *key)
{
	for (size_t i = 0; i < fields->count; i++) {
		if (strcmp(fields->rows[i].key, key) == 0) {
			return &fields->rows[i];
		}
	}
	return NULL;
}

void fields_read(struct parsing *parsing, const struct fields *fields, const struct yaml_node *mapping,
                 const char *what, void *into)
{
	if (mapping->kind == YAML_REFUSED || yaml_is_null(mapping)) {
		return; /* an empty section is empty */
	}
	const char **known = arena_array(parsing->arena, fields->count, sizeof(*known));
	for (size_t i = 0; i < fields->count; i++) {
		known[i] = fields->rows[i].key;
	}
	if (mapping->kind != YAML_MAPPING) {
		problems_add(&parsing->problems, mapping->at, "%s must be a mapping of %s, not %s", what,
		             field_words(parsing->arena, known, fields->count, " and "), describe(parsing, mapping));
		return;
	}
	for (size_t i = 0; i < mapping->count; i++) {
		const struct field *field = find_field(fields, mapping->keys[i]->text);
		if (field == NULL) {
			field_unknown(parsing, mapping->keys[i], what, known, fields->count);
			continue;
		}
		if (parsing->given_below != NULL && field->read != field_mapping) {
			note_given(parsing, mapping->keys[i]);
		}
		field->read(parsing, field, mapping->items[i], (char *)into + field->offset);
	}
}

void field_mapping(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	const char *above = parsing->given_below;
	if (above != NULL) {
		parsing->given_below = arena_print(parsing->arena, "%s.%s", above, field->key);
	}
	fields_read(parsing, field->fields, value, arena_print(parsing->arena, "'%s'", field->key), member);
	parsing->given_below = above;
}

/* Whether the value is the word none, where the row takes it. */
static bool takes_none(const struct field *field, const struct yaml_node *value, uint64_t *member)
{
	if (!field->may_be_none || value->kind != YAML_SCALAR || strcmp(value->text, "none") != 0) {
		return false;
	}
	*member = field->none_value;
	return true;
}

static bool is_number_text(const struct yaml_node *value)
{
	return value->kind == YAML_SCALAR && (yaml_type(value) == YAML_TEXT || yaml_type(value) == YAML_NUMBER);
}

/* 4GB, 4G, 4gib: the size that was probably meant, or NULL. */
static const char *nearest_size(const struct parsing *parsing, const char *text)
{
	static const char letters[] = "KMGT";
	uint64_t size;
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits + strspn(text + digits, " ");
	if (digits == 0 || *unit == '\0' || strlen(unit) > 3) {
		return NULL;
	}
	for (const char *letter = letters; *letter != '\0'; letter++) {
		if ((*unit & ~0x20) == *letter) {
			const char *meant = arena_print(parsing->arena, "%.*s%ciB", (int)digits, text, *letter);
			return units_parse_size(meant, &size) ? meant : NULL;
		}
	}
	return NULL;
}

void field_size(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	uint64_t size;
	if (takes_none(field, value, member)) {
		return;
	}
	if (is_number_text(value) && units_parse_size(value->text, &size)) {
		if (size <= field->max) {
			*(uint64_t *)member = size;
			return;
		}
		field_wrong(parsing, field->key, value,
		            arena_print(parsing->arena, "at most %s", units_size(parsing->arena, field->max)));
		return;
	}
	const char *meant = value->kind == YAML_SCALAR ? nearest_size(parsing, value->text) : NULL;
	if (meant != NULL) {
		problems_add(&parsing->problems, value->at, "'%s' must be a size, not %s: did you mean '%s'?",
		             field->key, describe(parsing, value), meant);
		return;
	}
	field_wrong(parsing, field->key, value,
	            "a size, a whole number with B, KiB, MiB, GiB or TiB behind it, such as 2GiB");
}

static void read_with_unit(struct parsing *parsing, const struct field *field, const struct yaml_node *value,
                           void *member, bool (*parse)(const char *, uint64_t *), const char *what,
                           const char *(*print)(struct arena *, uint64_t))
{
	uint64_t number;
	if (takes_none(field, value, member)) {
		return;
	}
	if (!is_number_text(value) || !parse(value->text, &number)) {
		field_wrong(parsing, field->key, value, what);
		return;
	}
	if (number < field->min || number > field->max) {
		field_wrong(parsing, field->key, value,
		            arena_print(parsing->arena, "from %s to %s", print(parsing->arena, field->min),
		                        print(parsing->arena, field->max)));
		return;
	}
	*(uint64_t *)member = number;
}

static const char *print_rate(struct arena *arena, uint64_t mib_per_s)
{
	return arena_print(arena, "%" PRIu64 "MiB/s", mib_per_s);
}

static const char *print_number(struct arena *arena, uint64_t number)
{
	return arena_print(arena, "%" PRIu64, number);
}

static bool parse_number(const char *text, uint64_t *ret_number)
{
	return units_parse_number(text, 0, INT64_MAX, ret_number);
}

void field_duration(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	read_with_unit(parsing, field, value, member, units_parse_duration,
	               "a duration, such as 300ms, 30s, 10m, 2h or 7d", units_duration);
}

void field_rate(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	read_with_unit(parsing, field, value, member, units_parse_rate, "whole MiB a second, such as 100MiB/s",
	               print_rate);
}

void field_count(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	if (value->kind == YAML_SCALAR && !value->plain) {
		field_wrong(parsing, field->key, value, "a whole number without quotes");
		return;
	}
	read_with_unit(parsing, field, value, member, parse_number, "a whole number", print_number);
}

void field_number(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	uint64_t number = *(unsigned int *)member;
	assert(field->max <= UINT32_MAX);
	field_count(parsing, field, value, &number);
	*(unsigned int *)member = (unsigned int)number;
}

void field_bool(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	bool is_true = value->kind == YAML_SCALAR && strcmp(value->text, "true") == 0;
	bool is_false = value->kind == YAML_SCALAR && strcmp(value->text, "false") == 0;
	if ((!is_true && !is_false) || !value->plain) {
		field_wrong(parsing, field->key, value,
		            is_true || is_false ? "true or false without quotes" : "true or false");
		return;
	}
	*(bool *)member = is_true;
}

void field_word(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	const char *allowed = field_words(parsing->arena, field->words, field->word_count, " or ");
	if (value->kind != YAML_SCALAR || yaml_type(value) != YAML_TEXT) {
		field_wrong(parsing, field->key, value, allowed);
		return;
	}
	for (size_t i = 0; i < field->word_count; i++) {
		if (strcmp(value->text, field->words[i]) == 0) {
			unsigned int word = (unsigned int)i;
			memcpy(member, &word, sizeof(word)); /* an enum without negative values */
			return;
		}
	}
	const char *nearest = text_nearest(value->text, field->words, field->word_count);
	if (nearest == NULL) {
		field_wrong(parsing, field->key, value, allowed);
		return;
	}
	problems_add(&parsing->problems, value->at, "'%s' must be %s, not %s: did you mean '%s'?", field->key, allowed,
	             describe(parsing, value), nearest);
}

const char *field_text(struct parsing *parsing, const char *key, const struct yaml_node *value)
{
	if (value->kind != YAML_SCALAR || yaml_type(value) == YAML_NULL) {
		field_wrong(parsing, key, value, "text");
		return NULL;
	}
	if (yaml_type(value) != YAML_TEXT) {
		problems_add(&parsing->problems, value->at, "'%s' must be text, not %s: write \"%.60s\", with quotes",
		             key, describe(parsing, value), value->text);
		return NULL;
	}
	if (form_has_control(value->text)) {
		field_wrong(parsing, key, value, "one line of text without control characters");
		return NULL;
	}
	return arena_copy(parsing->arena, value->text);
}

void field_hold(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	const char **hold = member;
	if (value->kind == YAML_SCALAR && value->plain && yaml_type(value) == YAML_BOOLEAN) {
		bool held = false;
		field_bool(parsing, field, value, &held);
		*hold = held ? "" : NULL;
		return;
	}
	if (value->kind != YAML_SCALAR || yaml_type(value) == YAML_NULL ||
	    strspn(value->text, " ") == strlen(value->text)) {
		field_wrong(parsing, field->key, value, "true, false or a reason, such as \"until Monday\"");
		return;
	}
	const char *reason = field_text(parsing, field->key, value);
	if (reason != NULL) {
		*hold = reason;
	}
}
