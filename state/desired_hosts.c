#include "state/desired_parse.h"

#include "state/arena.h"
#include "state/model.h"
#include "state/units.h"

#include <stdlib.h>
#include <string.h>

/* RAM that a machine can have: 52 bits of physical address, on x86 as on Arm. */
#define MEMORY_MAX (4096 * TIB)

static void read_uri(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	const char *uri = field_text(parsing, field->key, value);
	if (uri == NULL) {
		return;
	}
	const char *form = form_uri(parsing->arena, uri);
	if (form != NULL) {
		field_wrong(parsing, field->key, value, form);
	}
	*(const char **)member = uri;
}

static void read_address(struct parsing *parsing, const struct field *field, const struct yaml_node *value,
                         void *member)
{
	const char *address = field_text(parsing, field->key, value);
	if (address == NULL) {
		return;
	}
	const char *form = form_address(address);
	if (form != NULL) {
		field_wrong(parsing, field->key, value, form);
	}
	*(const char **)member = address;
}

static void read_formats(struct parsing *parsing, const struct field *field, const struct yaml_node *value,
                         void *member)
{
	const struct yaml_node **items;
	unsigned int formats = 0;
	if (value->kind == YAML_SEQUENCE && value->count == 0) {
		problems_add(&parsing->problems, value->at, "'formats' must name raw, qcow2 or both, or be left out");
		return;
	}
	size_t count = field_list(parsing, field->key, value, "[raw, qcow2]", &items);
	for (size_t i = 0; i < count; i++) {
		enum disk_format format;
		if (!format_parse(items[i]->text, &format) || format == FORMAT_OTHER) {
			field_wrong(parsing, field->key, items[i], "raw or qcow2");
			continue;
		}
		formats |= format;
	}
	*(unsigned int *)member = formats;
}

/* Into the host: two members. */
static void read_shared(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	struct desired_host *host = member;
	const struct yaml_node **items = NULL;
	size_t count = field_list(parsing, field->key, value, "[/mnt/nfs]", &items);
	host->shared = arena_array(parsing->arena, count, sizeof(*host->shared));
	host->shared_count = count;
	for (size_t i = 0; i < count; i++) {
		const char *form = form_path(parsing->arena, items[i]->text);
		if (form != NULL) {
			field_wrong(parsing, field->key, items[i], form);
		}
		host->shared[i] = arena_copy(parsing->arena, items[i]->text);
	}
}

#define MEMBER(name) .offset = offsetof(struct desired_host, name)

static const struct field MEMORY_ROWS[] = {
        {"reserve", field_size, MEMBER(reserve), .max = MEMORY_MAX},
        {"limit", field_size, MEMBER(limit), .max = MEMORY_MAX, .may_be_none = true, .none_value = UINT64_MAX},
        {"overhead", field_size, MEMBER(overhead), .max = MEMORY_MAX},
};
static const struct fields MEMORY = FIELDS(MEMORY_ROWS);

static const struct field STORAGE_ROWS[] = {
        {"formats", read_formats, MEMBER(formats)},
        {"shared", read_shared, WHOLE},
};
static const struct fields STORAGE = FIELDS(STORAGE_ROWS);

static const struct field SHARED_ROWS[] = {
        {"shared", read_shared, WHOLE},
};
static const struct fields SHARED = FIELDS(SHARED_ROWS);

static const struct field HOST_ROWS[] = {
        {"uri", read_uri, MEMBER(uri)},
        {"labels", field_labels, MEMBER(labels)},
        {"memory", field_mapping, .fields = &MEMORY},
        {"storage", field_mapping, .fields = &STORAGE},
        {"migration_address", read_address, MEMBER(migration_address)},
        {"maintenance", field_bool, MEMBER(maintenance)},
};
static const struct fields HOST = FIELDS(HOST_ROWS);

static const struct field DEFAULTS_ROWS[] = {
        {"memory", field_mapping, .offset = offsetof(struct parsing, host), .fields = &MEMORY},
        {"storage", field_mapping, .offset = offsetof(struct parsing, host), .fields = &SHARED},
        {"migration", field_mapping, .offset = offsetof(struct parsing, vm.migration), .fields = &migration_fields},
};
const struct fields defaults_fields = FIELDS(DEFAULTS_ROWS);

void desired_read_host(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value)
{
	struct desired_host host = parsing->host;
	const char *shown = problems_quote(&parsing->problems, key->text);
	host.name = field_unreserved_name(parsing, key, "host");
	host.at = key->at;
	fields_read(parsing, &HOST, value, arena_print(parsing->arena, "host %s", shown), &host);
	if (field_lacks(value, "uri")) {
		problems_add(&parsing->problems, key->at, "host %s has no uri: add one, such as qemu+tls://%s/system",
		             shown, host.name == NULL ? "HOST" : host.name);
	}
	if (host.name != NULL) {
		ARENA_ADD(parsing->arena, parsing->desired.hosts, parsing->desired.host_count) = host;
	}
}
