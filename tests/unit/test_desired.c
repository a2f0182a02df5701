/* What a placement is read into. What is refused and warned of is in tests/cases/check. */
#include "state/arena.h"
#include "state/desired.h"
#include "state/model.h"
#include "state/text.h"
#include "state/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Pairs of a file's name and its text, as desired_parse gets them; the problems as one text. */
static const struct desired *parse(struct arena *arena, const char *const (*texts)[2], size_t count,
                                   const char **ret_problems)
{
	struct desired_file files[8];
	struct problem_list problems;
	struct text lines;
	const struct desired *desired = NULL;
	assert_true(count <= COUNT(files));
	for (size_t i = 0; i < count; i++) {
		files[i] =
		        (struct desired_file){.name = texts[i][0], .bytes = texts[i][1], .length = strlen(texts[i][1])};
	}
	int r = desired_parse(arena, "0123456789abcdef0123456789abcdef01234567", files, count, &desired, &problems);
	text_init(&lines, arena);
	for (size_t i = 0; i < problems.count; i++) {
		text_print(&lines, "%s\n", problems.lines[i]);
	}
	*ret_problems = text_string(&lines);
	assert_int_equal(r<0, problems.count> 0);
	assert_int_equal(desired == NULL, problems.count > 0);
	return desired;
}

static const struct desired *parse_one(struct arena *arena, const char *text)
{
	const char *const texts[][2] = {{"a.yaml", text}};
	const char *problems;
	const struct desired *desired = parse(arena, texts, 1, &problems);
	assert_string_equal(problems, "");
	return desired;
}

static void test_nothing_is_a_placement_with_the_defaults(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *problems;
	const struct desired *desired = parse(arena, NULL, 0, &problems);
	assert_string_equal(problems, "");
	assert_int_equal(desired->drift, DRIFT_CORRECT);
	assert_null(desired->hold);
	assert_int_equal(desired->host_count + desired->vm_count + desired->policy_count + desired->warning_count, 0);
	assert_string_equal(desired->commit, "0123456789abcdef0123456789abcdef01234567");
	assert_memory_equal(desired->digest, "sha256:", 7);
	assert_null(desired_host(desired, "node1"));
}

static void test_a_host_has_its_keys_or_the_defaults(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct desired *desired = parse_one(arena, "hosts:\n"
	                                                 "  b:\n"
	                                                 "    uri: qemu+tls://b.example.net/system\n"
	                                                 "    labels: {zone: a, size: small}\n"
	                                                 "    memory: {reserve: 2GiB, limit: 200GiB}\n"
	                                                 "    storage: {formats: [qcow2], shared: [/srv, /mnt/nfs]}\n"
	                                                 "    migration_address: 10.0.0.1\n"
	                                                 "    maintenance: true\n"
	                                                 "  a: {uri: \"test:///default\", memory: {limit: none}}\n"
	                                                 "defaults:\n"
	                                                 "  memory: {overhead: 64MiB, limit: 1TiB}\n"
	                                                 "  storage: {shared: [/mnt/iso]}\n");
	assert_int_equal(desired->host_count, 2);
	const struct desired_host *a = &desired->hosts[0];
	assert_string_equal(a->name, "a");
	assert_int_equal(a->at.line, 9);
	assert_int_equal(a->at.column, 3);
	assert_int_equal(a->reserve, GIB);
	assert_int_equal(a->limit, UINT64_MAX);
	assert_int_equal(a->overhead, 64 * MIB);
	assert_int_equal(a->formats, 0);
	assert_int_equal(a->shared_count, 1);
	assert_string_equal(a->shared[0], "/mnt/iso");
	assert_null(a->migration_address);
	assert_false(a->maintenance);
	const struct desired_host *b = desired_host(desired, "b");
	assert_string_equal(b->uri, "qemu+tls://b.example.net/system");
	assert_string_equal(labels_get(&b->labels, "size"), "small");
	assert_string_equal(b->labels.items[0].key, "size"); /* sorted */
	assert_int_equal(b->reserve, 2 * GIB);
	assert_int_equal(b->limit, 200 * GIB);
	assert_int_equal(b->overhead, 64 * MIB);
	assert_int_equal(b->formats, FORMAT_QCOW2);
	assert_int_equal(b->shared_count, 2);
	assert_string_equal(b->shared[0], "/mnt/nfs"); /* sorted */
	assert_string_equal(b->migration_address, "10.0.0.1");
	assert_true(b->maintenance);
}

static void test_a_vm_has_its_place_and_overrides(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct desired *desired =
	        parse_one(arena, "settings: {drift: report, hold: \"change freeze\"}\n"
	                         "hosts:\n"
	                         "  node1: {uri: \"test:///default\", labels: {zone: a}}\n"
	                         "  node2: {uri: \"test:///default\", labels: {zone: a}}\n"
	                         "vms:\n"
	                         "  pinned: {host: node2, drift: correct, hold: true}\n"
	                         "  listed: {host: [node2, node1], hold: false, labels: {app: db}}\n"
	                         "  free: {where: {zone: a}, hold: \"until Monday\"}\n"
	                         "  named: {host: auto}\n"
	                         "  empty:\n");
	assert_int_equal(desired->drift, DRIFT_REPORT);
	assert_string_equal(desired->hold, "change freeze");
	const struct desired_vm *vm = desired_vm(desired, "pinned");
	assert_true(vm->pinned);
	assert_int_equal(vm->host_count, 1);
	assert_string_equal(vm->hosts[0], "node2");
	assert_int_equal(vm->drift, DRIFT_CORRECT);
	assert_string_equal(vm->hold, "");
	vm = desired_vm(desired, "listed");
	assert_false(vm->pinned);
	assert_int_equal(vm->host_count, 2);
	assert_string_equal(vm->hosts[0], "node1"); /* sorted */
	assert_null(vm->hold);
	assert_int_equal(vm->drift, DRIFT_REPORT);
	assert_string_equal(labels_get(&vm->labels, "app"), "db");
	vm = desired_vm(desired, "free");
	assert_int_equal(vm->host_count, 0);
	assert_string_equal(labels_get(&vm->where, "zone"), "a");
	assert_string_equal(vm->hold, "until Monday");
	assert_int_equal(desired_vm(desired, "named")->host_count, 0);
	assert_int_equal(desired_vm(desired, "empty")->host_count, 0);
	assert_null(desired_vm(desired, "missing"));
}

static void test_migration_is_set_key_by_key(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct desired *desired = parse_one(
	        arena, "defaults:\n"
	               "  migration: {mode: suspended, timeout: 2h, bandwidth: 100MiB/s, source_disks: 7d,\n"
	               "              on_stall: abort, connections: 4, versions: compatible}\n"
	               "vms:\n"
	               "  a: {}\n"
	               "  b: {migration: {mode: live, auto_converge: false, stall_timeout: 90s, timeout: none,\n"
	               "                  bandwidth: none, max_downtime: 1s, tls: true, source_disks: keep,\n"
	               "                  snapshots: refuse, connections: 1, on_stall: post-copy}}\n");
	const struct migration *a = &desired_vm(desired, "a")->migration;
	assert_int_equal(a->mode, MODE_SUSPENDED);
	assert_true(a->auto_converge);
	assert_int_equal(a->on_stall, STALL_ABORT);
	assert_int_equal(a->stall_timeout_ms, 120000);
	assert_int_equal(a->timeout_ms, 7200000);
	assert_int_equal(a->bandwidth_mib_per_s, 100);
	assert_int_equal(a->max_downtime_ms, 300);
	assert_int_equal(a->connections, 4);
	assert_false(a->tls);
	assert_int_equal(a->source_disks, SOURCE_DISKS_LATER);
	assert_int_equal(a->source_disks_ms, UINT64_C(7) * 24 * 3600 * 1000);
	assert_int_equal(a->snapshots, SNAPSHOTS_PRESERVE);
	assert_int_equal(a->versions, VERSIONS_COMPATIBLE);
	const struct migration *b = &desired_vm(desired, "b")->migration;
	assert_int_equal(b->mode, MODE_LIVE);
	assert_false(b->auto_converge);
	assert_int_equal(b->on_stall, STALL_POSTCOPY);
	assert_int_equal(b->stall_timeout_ms, 90000);
	assert_int_equal(b->timeout_ms, 0);
	assert_int_equal(b->bandwidth_mib_per_s, 0);
	assert_int_equal(b->max_downtime_ms, 1000);
	assert_int_equal(b->connections, 1);
	assert_true(b->tls);
	assert_int_equal(b->source_disks, SOURCE_DISKS_KEEP);
	assert_int_equal(b->source_disks_ms, 0);
	assert_int_equal(b->snapshots, SNAPSHOTS_REFUSE);
	assert_int_equal(b->versions, VERSIONS_COMPATIBLE);
}

static void test_policies_of_every_kind(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct desired *desired =
	        parse_one(arena, "hosts:\n"
	                         "  node1: {uri: \"test:///default\", labels: {zone: a}}\n"
	                         "vms: {b: {labels: {app: db}}, a: {}}\n"
	                         "policies:\n"
	                         "  p7: {window: {days: [sun, sat], from: \"22:00\", to: \"05:30\","
	                         " timezone: Europe/Paris}, vms: [a]}\n"
	                         "  p1: {apart: {app: db}, by: host}\n"
	                         "  p2: {together: [b, a], by: zone}\n"
	                         "  p3: {only_on: {zone: a}, vms: {app: db}}\n"
	                         "  p4: {not_on: [node1], vms: [a]}\n"
	                         "  p5: {at_most: 20}\n"
	                         "  p6: {survive: 1}\n"
	                         "  p8: {window: {from: 00:00, to: 00:00}}\n");
	static const enum policy_kind kinds[] = {POLICY_APART,   POLICY_TOGETHER, POLICY_ONLY_ON, POLICY_NOT_ON,
	                                         POLICY_AT_MOST, POLICY_SURVIVE,  POLICY_WINDOW,  POLICY_WINDOW};
	assert_int_equal(desired->policy_count, COUNT(kinds));
	const struct policy *p = desired->policies;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		assert_int_equal(p[i].kind, kinds[i]);
	}
	assert_null(p[0].by);
	assert_string_equal(labels_get(&p[0].vms.labels, "app"), "db");
	assert_string_equal(p[1].by, "zone");
	assert_true(p[1].vms.by_name);
	assert_string_equal(p[1].vms.names[0], "a"); /* sorted */
	assert_string_equal(labels_get(&p[2].hosts.labels, "zone"), "a");
	assert_true(p[3].hosts.by_name);
	assert_int_equal(p[4].count, 20);
	assert_false(p[4].hosts.by_name);
	assert_int_equal(p[4].hosts.labels.count, 0);
	assert_int_equal(p[5].count, 1);
	assert_int_equal(p[6].window.days, 1U << 5 | DAY_SUNDAY);
	assert_int_equal(p[6].window.from_minutes, 22 * 60);
	assert_int_equal(p[6].window.to_minutes, 5 * 60 + 30);
	assert_string_equal(p[6].window.timezone, "Europe/Paris");
	assert_int_equal(p[7].window.days, 0x7f);
	assert_string_equal(p[7].window.timezone, "UTC");
	assert_true(selector_selects(&p[7].vms, "anything", &(struct labels){0}));
}

/* The same files in every order, and what each order gives. */
static void test_the_order_of_files_changes_nothing(void **state)
{
	(void)state;
	static const char *const files[][2] = {
	        {"c.yaml", "vms: {web-1: {host: node1}, web-2: {host: node9}}\ndefaults: {migration: {tls: yes}}\n"},
	        {"a.yaml", "hosts: {node1: {uri: \"test:///default\"}}\nvms: {web-1: }\n"},
	        {"b/b.yaml", "defaults: {migration: {tls: true}}\n"},
	        {"b.yaml", "settings: [\n"},
	};
	static const size_t orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}};
	for (size_t i = 0; i < COUNT(orders); i++) {
		cleanup_arena struct arena *arena = arena_create();
		const char *shuffled[4][2];
		const char *problems;
		for (size_t j = 0; j < COUNT(files); j++) {
			memcpy(shuffled[j], files[orders[i][j]], sizeof(shuffled[j]));
		}
		parse(arena, (const char *const(*)[2])shuffled, COUNT(files), &problems);
		assert_string_equal(problems,
		                    "b.yaml:2:1: a key or a value is missing here\n"
		                    "c.yaml:1:7: VM 'web-1' is defined twice: first at a.yaml:2:7\n"
		                    "c.yaml:1:43: no host is named 'node9': did you mean 'node1'?\n"
		                    "c.yaml:2:24: defaults.migration.tls is given twice: first at b/b.yaml:1:24\n"
		                    "c.yaml:2:29: 'tls' must be true or false, not 'yes'\n");
	}
}

static void test_the_digest_is_of_names_and_bytes(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *problems;
	static const char *const one[][2] = {{"a.yaml", "vms: {}\n"}, {"b.yaml", ""}};
	static const char *const turned[][2] = {{"b.yaml", ""}, {"a.yaml", "vms: {}\n"}};
	static const char *const renamed[][2] = {{"a.yaml", "vms: {}\n"}, {"c.yaml", ""}};
	static const char *const changed[][2] = {{"a.yaml", "vms: { }\n"}, {"b.yaml", ""}};
	const char *digest = parse(arena, one, 2, &problems)->digest;
	assert_string_equal(parse(arena, turned, 2, &problems)->digest, digest);
	assert_string_not_equal(parse(arena, renamed, 2, &problems)->digest, digest);
	assert_string_not_equal(parse(arena, changed, 2, &problems)->digest, digest);
	assert_string_not_equal(parse(arena, one, 1, &problems)->digest, digest);
}

static void test_warnings_do_not_refuse(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct desired *desired = parse_one(arena, "vms: {a: {where: {zone: x}}}\n"
	                                                 "policies: {p: {apart: {app: y}}}\n");
	assert_int_equal(desired->warning_count, 2);
	assert_string_equal(desired->warnings[0],
	                    "a.yaml:1:18: no host has the labels zone=x, so this selects nothing");
	assert_string_equal(desired->warnings[1], "a.yaml:2:23: no VM has the labels app=y, so this selects nothing");
}

static void test_which_names_are_read(void **state)
{
	(void)state;
	static const char *const read[] = {"a.yaml", "a.yml", "a.b.yaml", "-.yml"};
	static const char *const left[] = {".a.yaml", "a.yaml~", "a.YAML", "yaml", "a.json", ".yaml", "a.yaml.bak", ""};
	for (size_t i = 0; i < COUNT(read); i++) {
		assert_true(desired_reads_file(read[i]));
	}
	for (size_t i = 0; i < COUNT(left); i++) {
		assert_false(desired_reads_file(left[i]));
	}
	assert_true(desired_reads_folder("vms"));
	assert_false(desired_reads_folder(".git"));
}

static void test_selectors_and_labels(void **state)
{
	(void)state;
	struct label two[] = {{"app", "db"}, {"tier", "back"}};
	struct label one[] = {{"tier", "back"}};
	struct label other[] = {{"tier", "front"}};
	struct labels have = {.items = two, .count = 2};
	assert_true(labels_match(&(struct labels){.items = one, .count = 1}, &have));
	assert_false(labels_match(&(struct labels){.items = other, .count = 1}, &have));
	assert_true(labels_match(&(struct labels){0}, &have));
	assert_false(labels_match(&have, &(struct labels){.items = one, .count = 1}));
	assert_null(labels_get(&have, "zone"));
	const char *names[] = {"a", "c"};
	struct selector by_name = {.by_name = true, .names = names, .name_count = 2};
	assert_true(selector_selects(&by_name, "c", &have));
	assert_false(selector_selects(&by_name, "b", &have));
	struct selector all = {0};
	assert_true(selector_selects(&all, "b", &have));
	struct selector back = {.labels = {.items = one, .count = 1}};
	assert_true(selector_selects(&back, "b", &have));
	assert_false(selector_selects(&back, "b", &(struct labels){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nothing_is_a_placement_with_the_defaults),
	        cmocka_unit_test(test_a_host_has_its_keys_or_the_defaults),
	        cmocka_unit_test(test_a_vm_has_its_place_and_overrides),
	        cmocka_unit_test(test_migration_is_set_key_by_key),
	        cmocka_unit_test(test_policies_of_every_kind),
	        cmocka_unit_test(test_the_order_of_files_changes_nothing),
	        cmocka_unit_test(test_the_digest_is_of_names_and_bytes),
	        cmocka_unit_test(test_warnings_do_not_refuse),
	        cmocka_unit_test(test_which_names_are_read),
	        cmocka_unit_test(test_selectors_and_labels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
