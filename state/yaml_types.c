#include "state/yaml.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, words[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_digits(const char *text, const char *digits)
{
	return *text != '\0' && text[strspn(text, digits)] == '\0';
}

/* YAML 1.2.2, section 10.3.2: [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? and its kin. */
static bool is_number(const char *text)
{
	static const char decimal[] = "0123456789";
	static const char *const special[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
	if (strncmp(text, "0x", 2) == 0) {
		return is_digits(text + 2, "0123456789abcdefABCDEF");
	}
	if (strncmp(text, "0o", 2) == 0) {
		return is_digits(text + 2, "01234567");
	}
	if (is_one_of(text, special, COUNT(special))) {
		return true;
	}
	if (*text == '-' || *text == '+') {
		text++;
		if (is_one_of(text, special, COUNT(special) / 2)) {
			return true;
		}
	}
	size_t whole = strspn(text, decimal);
	text += whole;
	size_t fraction = 0;
	if (*text == '.') {
		fraction = strspn(text + 1, decimal);
		text += 1 + fraction;
	}
	if (whole + fraction == 0) {
		return false;
	}
	if (*text == 'e' || *text == 'E') {
		text++;
		if (*text == '-' || *text == '+') {
			text++;
		}
		return is_digits(text, decimal);
	}
	return *text == '\0';
}

enum yaml_type yaml_type_of(const char *plain)
{
	static const char *const null[] = {"", "~", "null", "Null", "NULL"};
	static const char *const booleans[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
	if (is_one_of(plain, null, COUNT(null))) {
		return YAML_NULL;
	}
	if (is_one_of(plain, booleans, COUNT(booleans))) {
		return YAML_BOOLEAN;
	}
	return is_number(plain) ? YAML_NUMBER : YAML_TEXT;
}

enum yaml_type yaml_type(const struct yaml_node *scalar)
{
	return scalar->plain ? yaml_type_of(scalar->text) : YAML_TEXT;
}

bool yaml_is_null(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && yaml_type(node) == YAML_NULL;
}

/* What only YAML 1.1 takes for a number or a time: 1_000, 22:00, 0b1, 2026-11-23. */
static bool is_old_number(const char *text)
{
	static const char digits[] = "0123456789";
	if (strspn(text, digits) == 4 && text[4] == '-' && strspn(text + 5, digits) > 0) {
		const char *rest = text + 5 + strspn(text + 5, digits);
		return *rest == '-' && strspn(rest + 1, digits) > 0 && strspn(rest + 1, digits) < 3;
	}
	if (strncmp(text, "0b", 2) == 0) {
		return is_digits(text + 2, "01_");
	}
	text += *text == '-' || *text == '+' ? 1 : 0;
	return strspn(text, digits) > 0 && strpbrk(text, "_:") != NULL && is_digits(text, "0123456789_:.");
}

bool yaml_needs_quotes(const char *text)
{
	static const char *const old_words[] = {"y",  "Y",  "yes", "Yes", "YES", "n",   "N",   "no", "No",
	                                        "NO", "on", "On",  "ON",  "off", "Off", "OFF", "<<", "="};
	return yaml_type_of(text) != YAML_TEXT || is_one_of(text, old_words, COUNT(old_words)) || is_old_number(text);
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key, const struct yaml_node **ret_key)
{
	for (size_t i = 0; i < mapping->count; i++) {
		if (strcmp(mapping->keys[i]->text, key) == 0) {
			if (ret_key != NULL) {
				*ret_key = mapping->keys[i];
			}
			return mapping->items[i];
		}
	}
	return NULL;
}
