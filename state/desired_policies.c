#include "state/desired_parse.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>
#include <string.h>

static const char *const DAYS[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
enum { ALL_DAYS = 0x7f, COUNT_MAX = 1000000, SURVIVE_MAX = 1000 };

/* "a selector of labels or a list of names" (spec section 2). */
static void read_selector(struct parsing *parsing, const struct field *field, const struct yaml_node *value,
                          struct selector *selector, bool of_hosts)
{
	if (value->kind == YAML_SEQUENCE) {
		selector->by_name = true;
		selector->name_count = field_names(parsing, field->key, value, of_hosts, &selector->names);
		return;
	}
	if (value->kind != YAML_MAPPING) {
		field_wrong(parsing, field->key, value,
		            of_hosts ? "labels or a list of hosts, such as {zone: a} or [node1, node2]"
		                     : "labels or a list of VMs, such as {app: db} or [web-1, web-2]");
		return;
	}
	field_labels(parsing, field, value, &selector->labels);
	if (selector->labels.count > 0) {
		ARENA_ADD(parsing->arena, parsing->label_uses, parsing->label_use_count) =
		        (struct label_use){.labels = selector->labels, .at = value->at, .of_hosts = of_hosts};
	}
}

static void read_vms(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	read_selector(parsing, field, value, member, false);
}

static void read_hosts(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	read_selector(parsing, field, value, member, true);
}

static void read_by(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	const char *by = field_text(parsing, field->key, value);
	if (by == NULL) {
		return;
	}
	if (by[0] == '\0') {
		field_wrong(parsing, field->key, value, "host, or the key of a host label such as zone");
		return;
	}
	*(const char **)member = strcmp(by, "host") == 0 ? NULL : by;
}

static void read_days(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	const struct yaml_node **items;
	unsigned int days = 0;
	if (value->kind == YAML_SEQUENCE && value->count == 0) {
		problems_add(&parsing->problems, value->at,
		             "'days' must name at least one day, such as [sat, sun], or be left out");
		return;
	}
	size_t count = field_list(parsing, field->key, value, "[sat, sun]", &items);
	for (size_t i = 0; i < count; i++) {
		size_t day = 0;
		while (day < COUNT(DAYS) && strcmp(items[i]->text, DAYS[day]) != 0) {
			day++;
		}
		if (day == COUNT(DAYS)) {
			field_wrong(parsing, field->key, items[i], "mon, tue, wed, thu, fri, sat or sun");
			continue;
		}
		days |= 1U << day;
	}
	*(unsigned int *)member = days;
}

/* "22:00", into minutes of the day. */
static void read_clock(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	static const char form[] = "a time of the day from \"00:00\" to \"23:59\"";
	if (value->kind != YAML_SCALAR) {
		field_wrong(parsing, field->key, value, form);
		return;
	}
	const char *text = value->text;
	for (size_t i = 0; i < 6; i++) {
		bool fits = i == 2 ? text[i] == ':' : i == 5 ? text[i] == '\0' : text[i] >= '0' && text[i] <= '9';
		if (!fits) {
			field_wrong(parsing, field->key, value, form);
			return;
		}
	}
	unsigned int hours = (unsigned int)((text[0] - '0') * 10 + text[1] - '0');
	unsigned int minutes = (unsigned int)((text[3] - '0') * 10 + text[4] - '0');
	if (hours > 23 || minutes > 59) {
		field_wrong(parsing, field->key, value, form);
		return;
	}
	*(unsigned int *)member = hours * 60 + minutes;
}

static void read_timezone(struct parsing *parsing, const struct field *field, const struct yaml_node *value,
                          void *member)
{
	const char *timezone = field_text(parsing, field->key, value);
	if (timezone == NULL) {
		return;
	}
	const char *form = form_timezone(timezone);
	if (form != NULL) {
		field_wrong(parsing, field->key, value, form);
	}
	*(const char **)member = timezone;
}

#define MEMBER(name) .offset = offsetof(struct window, name)

static const struct field WINDOW_TIME_ROWS[] = {
        {"days", read_days, MEMBER(days)},
        {"from", read_clock, MEMBER(from_minutes)},
        {"to", read_clock, MEMBER(to_minutes)},
        {"timezone", read_timezone, MEMBER(timezone)},
};
static const struct fields WINDOW_TIME = FIELDS(WINDOW_TIME_ROWS);
#undef MEMBER

static void read_window(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	struct window *window = member;
	*window = (struct window){.days = ALL_DAYS, .timezone = "UTC"};
	if (value->kind != YAML_MAPPING) {
		field_wrong(parsing, field->key, value,
		            "a mapping, such as {days: [sat, sun], from: \"22:00\", to: \"05:00\"}");
		return;
	}
	fields_read(parsing, &WINDOW_TIME, value, "'window'", window);
	static const char *const required[] = {"from", "to"};
	for (size_t i = 0; i < COUNT(required); i++) {
		if (field_lacks(value, required[i])) {
			problems_add(&parsing->problems, value->at,
			             "'window' has no '%s': add it, such as %s: \"22:00\"", required[i], required[i]);
		}
	}
}

#define MEMBER(name) .offset = offsetof(struct policy, name)

static const struct field APART[] = {{"apart", read_vms, MEMBER(vms)}, {"by", read_by, MEMBER(by)}};
static const struct field TOGETHER[] = {{"together", read_vms, MEMBER(vms)}, {"by", read_by, MEMBER(by)}};
static const struct field ONLY_ON[] = {{"only_on", read_hosts, MEMBER(hosts)}, {"vms", read_vms, MEMBER(vms)}};
static const struct field NOT_ON[] = {{"not_on", read_hosts, MEMBER(hosts)}, {"vms", read_vms, MEMBER(vms)}};
static const struct field AT_MOST[] = {{"at_most", field_count, MEMBER(count), .max = COUNT_MAX},
                                       {"hosts", read_hosts, MEMBER(hosts)}};
static const struct field SURVIVE[] = {{"survive", field_count, MEMBER(count), .min = 1, .max = SURVIVE_MAX}};
static const struct field WINDOW[] = {{"window", read_window, MEMBER(window)}, {"vms", read_vms, MEMBER(vms)}};
#undef MEMBER

/* A policy has exactly one of these keys, and beside it only those of the same row. */
struct kind {
	enum policy_kind kind;
	struct fields fields;
	const char *required; /* beside the kind's own key; NULL for none */
};

static const struct kind KINDS[] = {
        {POLICY_APART, FIELDS(APART), NULL},      {POLICY_TOGETHER, FIELDS(TOGETHER), NULL},
        {POLICY_ONLY_ON, FIELDS(ONLY_ON), "vms"}, {POLICY_NOT_ON, FIELDS(NOT_ON), "vms"},
        {POLICY_AT_MOST, FIELDS(AT_MOST), NULL},  {POLICY_SURVIVE, FIELDS(SURVIVE), NULL},
        {POLICY_WINDOW, FIELDS(WINDOW), NULL},
};

static const struct kind *kind_of_key(const struct yaml_node *key)
{
	for (size_t i = 0; i < COUNT(KINDS); i++) {
		if (strcmp(policy_kind_word(KINDS[i].kind), key->text) == 0) {
			return &KINDS[i];
		}
	}
	return NULL;
}

static void add_no_kind(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value,
                        const char *shown)
{
	const char *words[COUNT(KINDS)];
	for (size_t i = 0; i < COUNT(KINDS); i++) {
		words[i] = policy_kind_word(KINDS[i].kind);
	}
	for (size_t i = 0; value->kind == YAML_MAPPING && i < value->count; i++) {
		const char *nearest = text_nearest(value->keys[i]->text, words, COUNT(words));
		if (nearest != NULL) {
			problems_add(&parsing->problems, value->keys[i]->at,
			             "unknown key %s of policy %s: did you mean '%s'?",
			             problems_quote(&parsing->problems, value->keys[i]->text), shown, nearest);
			return;
		}
	}
	problems_add(&parsing->problems, key->at, "policy %s must be a mapping with one of %s", shown,
	             field_words(parsing->arena, words, COUNT(words), " or "));
}

/* The one key that says what the policy is; NULL after problems. */
static const struct kind *find_kind(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value,
                                    const char *shown)
{
	const struct kind *found = NULL;
	for (size_t i = 0; i < value->count; i++) {
		const struct kind *kind = kind_of_key(value->keys[i]);
		if (kind != NULL && found != NULL) {
			problems_add(&parsing->problems, value->keys[i]->at,
			             "policy %s is %s already: make %s a policy of its own", shown,
			             policy_kind_word(found->kind), policy_kind_word(kind->kind));
			return NULL;
		}
		found = kind != NULL ? kind : found;
	}
	if (found == NULL && !value->partial) {
		add_no_kind(parsing, key, value, shown);
	}
	return found;
}

static void read_rules(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value,
                       const char *shown, struct policy *policy)
{
	const struct kind *kind = find_kind(parsing, key, value, shown);
	if (kind == NULL) {
		return;
	}
	policy->kind = kind->kind;
	fields_read(parsing, &kind->fields, value, arena_print(parsing->arena, "policy %s", shown), policy);
	if (kind->required != NULL && field_lacks(value, kind->required)) {
		problems_add(&parsing->problems, key->at,
		             "policy %s must say which VMs it speaks of: add vms, such as {app: db} or [web-1, web-2]",
		             shown);
	}
}

void desired_read_policy(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value)
{
	struct policy policy = {.name = field_unreserved_name(parsing, key, "policy"), .at = key->at};
	const char *shown = problems_quote(&parsing->problems, key->text);
	if (value->kind == YAML_MAPPING) {
		read_rules(parsing, key, value, shown, &policy);
	} else if (value->kind != YAML_REFUSED) {
		add_no_kind(parsing, key, value, shown);
	}
	if (policy.name != NULL) {
		ARENA_ADD(parsing->arena, parsing->desired.policies, parsing->desired.policy_count) = policy;
	}
}
