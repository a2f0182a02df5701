#include "state/desired_parse.h"

#include "state/arena.h"
#include "state/units.h"

#include <stdlib.h>
#include <string.h>

enum { SECOND_MS = 1000, DAY_MS = 24 * 60 * 60 * 1000 };

/* What QEMU takes: max_downtime up to 2000 s, at most 255 channels, bytes a second in an int64_t. */
enum { DOWNTIME_MAX_MS = 2000 * SECOND_MS, CONNECTIONS_MAX = 255 };
#define BANDWIDTH_MAX ((uint64_t)INT64_MAX / MIB)
#define DURATION_MAX  (UINT64_C(3650) * DAY_MS)

static const char *const MODE_WORDS[] = {"live", "suspended", "stopped"};
static const char *const STALL_WORDS[] = {"suspend", "post-copy", "abort"};
static const char *const SNAPSHOT_WORDS[] = {"preserve", "delete", "refuse"};
static const char *const VERSION_WORDS[] = {"same", "compatible"};
static const char *const DRIFT_WORDS[] = {"correct", "report"};

#define WORDS(array) .words = (array), .word_count = COUNT(array)

/* Into the migration: two members. */
static void read_source_disks(struct parsing *parsing, const struct field *field, const struct yaml_node *value,
                              void *member)
{
	struct migration *migration = member;
	bool is_text = value->kind == YAML_SCALAR && yaml_type(value) == YAML_TEXT;
	uint64_t ms;
	if (is_text && strcmp(value->text, "delete") == 0) {
		migration->source_disks = SOURCE_DISKS_DELETE;
	} else if (is_text && strcmp(value->text, "keep") == 0) {
		migration->source_disks = SOURCE_DISKS_KEEP;
	} else if (is_text && units_parse_duration(value->text, &ms) && ms >= SECOND_MS && ms <= DURATION_MAX) {
		migration->source_disks = SOURCE_DISKS_LATER;
		migration->source_disks_ms = ms;
		return;
	} else {
		field_wrong(parsing, field->key, value, "delete, keep or a duration from 1s to 3650d, such as 7d");
	}
	migration->source_disks_ms = 0;
}

#define MEMBER(name) .offset = offsetof(struct migration, name)

static const struct field MIGRATION_ROWS[] = {
        {"mode", field_word, MEMBER(mode), WORDS(MODE_WORDS)},
        {"auto_converge", field_bool, MEMBER(auto_converge)},
        {"on_stall", field_word, MEMBER(on_stall), WORDS(STALL_WORDS)},
        {"stall_timeout", field_duration, MEMBER(stall_timeout_ms), .min = SECOND_MS, .max = DURATION_MAX},
        {"timeout", field_duration, MEMBER(timeout_ms), .min = SECOND_MS, .max = DURATION_MAX, .may_be_none = true},
        {"bandwidth", field_rate, MEMBER(bandwidth_mib_per_s), .min = 1, .max = BANDWIDTH_MAX, .may_be_none = true},
        {"max_downtime", field_duration, MEMBER(max_downtime_ms), .min = 1, .max = DOWNTIME_MAX_MS},
        {"connections", field_number, MEMBER(connections), .min = 1, .max = CONNECTIONS_MAX},
        {"tls", field_bool, MEMBER(tls)},
        {"source_disks", read_source_disks, WHOLE},
        {"snapshots", field_word, MEMBER(snapshots), WORDS(SNAPSHOT_WORDS)},
        {"versions", field_word, MEMBER(versions), WORDS(VERSION_WORDS)},
};
const struct fields migration_fields = FIELDS(MIGRATION_ROWS);
#undef MEMBER

static const struct field SETTINGS_ROWS[] = {
        {"drift", field_word, .offset = offsetof(struct desired, drift), WORDS(DRIFT_WORDS)},
        {"hold", field_hold, .offset = offsetof(struct desired, hold)},
};
const struct fields settings_fields = FIELDS(SETTINGS_ROWS);

/* Into the VM: a name, a list or auto. */
static void read_hosts(struct parsing *parsing, const struct field *field, const struct yaml_node *value, void *member)
{
	struct desired_vm *vm = member;
	if (value->kind == YAML_SEQUENCE) {
		vm->host_count = field_names(parsing, field->key, value, true, &vm->hosts);
		return;
	}
	if (value->kind != YAML_SCALAR || yaml_type(value) == YAML_NULL) {
		field_wrong(parsing, field->key, value, "a host's name, a list of names or auto");
		return;
	}
	const char *name = field_text(parsing, field->key, value);
	if (name == NULL || strcmp(name, "auto") == 0) {
		return;
	}
	if (name[0] == '\0') {
		field_wrong(parsing, field->key, value, "a host's name, a list of names or auto");
		return;
	}
	vm->hosts = arena_array(parsing->arena, 1, sizeof(*vm->hosts));
	vm->hosts[0] = name;
	vm->host_count = 1;
	vm->pinned = true;
	field_reference(parsing, name, value->at, true);
}

#define MEMBER(name) .offset = offsetof(struct desired_vm, name)

static const struct field VM_ROWS[] = {
        {"host", read_hosts, WHOLE},
        {"where", field_labels, MEMBER(where)},
        {"labels", field_labels, MEMBER(labels)},
        {"drift", field_word, MEMBER(drift), WORDS(DRIFT_WORDS)},
        {"hold", field_hold, MEMBER(hold)},
        {"migration", field_mapping, MEMBER(migration), .fields = &migration_fields},
};
static const struct fields VM = FIELDS(VM_ROWS);
#undef MEMBER

/* spec section 5: more than one connection excludes post-copy. */
static bool cannot_be(const struct migration *migration)
{
	return migration->connections > 1 && migration->on_stall == STALL_POSTCOPY;
}

static void add_post_copy(struct parsing *parsing, struct position at, const char *what)
{
	problems_add(
	        &parsing->problems, at,
	        "%s more than one connection excludes post-copy: set connections: 1, or on_stall: suspend or abort",
	        what);
}

/* The defaults stand in several files: told where the one of the two keys was given that is found last. */
void desired_check_defaults(struct parsing *parsing)
{
	const struct given *last = NULL;
	for (size_t i = 0; i < parsing->given_count; i++) {
		const struct given *given = &parsing->given[i];
		if (strcmp(given->path, "defaults.migration.connections") == 0 ||
		    strcmp(given->path, "defaults.migration.on_stall") == 0) {
			last = given;
		}
	}
	if (last != NULL && cannot_be(&parsing->vm.migration)) {
		add_post_copy(parsing, last->at, "by the defaults");
	}
}

static void check_migration(struct parsing *parsing, const struct desired_vm *vm, const struct yaml_node *value)
{
	const struct yaml_node *migration = yaml_get(value, "migration", NULL);
	if (migration == NULL || migration->kind != YAML_MAPPING || !cannot_be(&vm->migration)) {
		return;
	}
	const struct yaml_node *key = NULL;
	if (yaml_get(migration, "connections", &key) != NULL || yaml_get(migration, "on_stall", &key) != NULL) {
		add_post_copy(parsing, key->at,
		              arena_print(parsing->arena, "VM %s:", problems_quote(&parsing->problems, vm->name)));
	}
}

void desired_read_vm(struct parsing *parsing, const struct yaml_node *key, const struct yaml_node *value)
{
	struct desired_vm vm = parsing->vm;
	const char *shown = problems_quote(&parsing->problems, key->text);
	vm.at = key->at;
	vm.name = field_name(parsing, key, "VM", form_vm_name);
	fields_read(parsing, &VM, value, arena_print(parsing->arena, "VM %s", shown), &vm);
	if (value->kind == YAML_MAPPING) {
		const struct yaml_node *where = NULL;
		const struct yaml_node *labels = yaml_get(value, "where", &where);
		if (where != NULL && vm.pinned) {
			problems_add(&parsing->problems, where->at,
			             "'where' stands beside a single host: leave it out, or write host: [%s]",
			             vm.hosts[0]);
		} else if (vm.where.count > 0 && vm.host_count == 0) {
			ARENA_ADD(parsing->arena, parsing->label_uses, parsing->label_use_count) =
			        (struct label_use){.labels = vm.where, .at = labels->at, .of_hosts = true};
		}
		if (vm.name != NULL) {
			check_migration(parsing, &vm, value);
		}
	}
	if (vm.name != NULL) {
		ARENA_ADD(parsing->arena, parsing->desired.vms, parsing->desired.vm_count) = vm;
	}
}
