#include "state/arena.h"
#include "state/inventory.h"
#include "state/text.h"
#include "state/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct inventory *read_files(struct arena *arena, const struct desired_file *files, size_t count,
                                          const char **ret_problems)
{
	const struct inventory *inventory = NULL;
	struct problem_list problems;
	struct text lines;
	int r = inventory_read(arena, files, count, &inventory, &problems);
	text_init(&lines, arena);
	for (size_t i = 0; i < problems.count; i++) {
		text_print(&lines, "%s\n", problems.lines[i]);
	}
	*ret_problems = text_string(&lines);
	assert_int_equal(r, problems.count > 0 ? -EINVAL : 0);
	return inventory;
}

static const struct inventory *read_text(struct arena *arena, const char *text, const char **ret_problems)
{
	struct desired_file file = {.name = "i.yaml", .bytes = text, .length = strlen(text)};
	return read_files(arena, &file, 1, ret_problems);
}

static const struct inventory *read_good(struct arena *arena, const char *text)
{
	const char *problems;
	const struct inventory *inventory = read_text(arena, text, &problems);
	assert_string_equal(problems, "");
	return inventory;
}

/* As spec section 3 shows it; written, it is the same bytes. */
static const char EXAMPLE[] =
        "berth: 1\n"
        "hosts:\n"
        "  node1:\n"
        "    connection: ok\n"
        "    seen: 2026-11-23T05:00:00Z\n"
        "    uuid: 4c4c4544-0000-1000-8000-000000000001\n"
        "    memory: 65537MiB\n"
        "    libvirt: 9.0.0\n"
        "    qemu: 7.2.22\n"
        "    cpu: sha256:0123\n"
        "    networks: [default]\n"
        "    pools:\n"
        "      images: {type: dir, path: /var/lib/libvirt/images, state: active, formats: [raw, qcow2], free: 100GiB}\n"
        "      rbd: {type: rbd, state: inactive, formats: [raw, other], free: 0B}\n"
        "    vms:\n"
        "      db-1:\n"
        "        uuid: 00000000-0000-0000-0000-00000000000a\n"
        "        state: paused\n"
        "        memory: 1GiB\n"
        "        persistent: false\n"
        "        autostart: true\n"
        "        snapshots: 3\n"
        "        in_place: false\n"
        "        migrating: true\n"
        "        immovable: [{code: storage, reason: \"vda: in no pool\"}, {code: busy, reason: a job}]\n"
        "        live_only: TPM state\n"
        "        also_uses: [/images/base.qcow2, /images/data]\n"
        "        disks: {}\n"
        "      web-1:\n"
        "        uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd22f\n"
        "        state: running\n"
        "        memory: 4GiB\n"
        "        persistent: true\n"
        "        autostart: false\n"
        "        snapshots: 0\n"
        "        in_place: true\n"
        "        immovable: []\n"
        "        disks:\n"
        "          vda: {storage: local, format: qcow2, source: /var/lib/libvirt/images/web-1.qcow2, size: 40GiB, "
        "used: 12GiB}\n"
        "          vdb: {storage: network, format: raw, source: rbd/web-1, pool: rbd, size: 1GiB, used: 1GiB}\n"
        "          vdc: {storage: media, format: other, size: 0B, used: 0B}\n"
        "  node2:\n"
        "    connection: \"cannot connect: refused\"\n"
        "    memory: 0B\n"
        "    networks: []\n"
        "    vms: {}\n";

static void test_the_example_is_read_and_written_back(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct inventory *inventory = read_good(arena, EXAMPLE);
	assert_int_equal(inventory->host_count, 2);
	const struct host *node1 = inventory_host(inventory, "node1");
	assert_true(host_is_connected(node1));
	assert_string_equal(units_time(arena, node1->seen), "2026-11-23T05:00:00Z");
	assert_string_equal(node1->uuid, "4c4c4544-0000-1000-8000-000000000001");
	assert_int_equal(node1->memory, 65537 * MIB);
	assert_string_equal(node1->libvirt, "9.0.0");
	assert_string_equal(node1->qemu, "7.2.22");
	assert_string_equal(node1->cpu, "sha256:0123");
	assert_string_equal(node1->networks[0], "default");
	assert_true(node1->pools_known);
	assert_int_equal(node1->pools[0].formats, FORMAT_RAW | FORMAT_QCOW2);
	assert_true(node1->pools[0].active);
	assert_int_equal(node1->pools[0].free, 100 * GIB);
	assert_false(node1->pools[1].active);
	assert_string_equal(node1->pools[1].path, "");
	const struct vm *db = host_vm(node1, "db-1");
	assert_int_equal(db->state, VM_PAUSED);
	assert_false(db->persistent);
	assert_true(db->autostart);
	assert_true(db->migrating);
	assert_int_equal(db->snapshots, 3);
	assert_int_equal(db->immovable_count, 2);
	assert_int_equal(db->immovable[0].code, CODE_STORAGE);
	assert_string_equal(db->immovable[0].reason, "vda: in no pool");
	assert_string_equal(db->live_only, "TPM state");
	assert_int_equal(db->also_count, 2);
	assert_string_equal(db->also_uses[1], "/images/data");
	const struct vm *web = host_vm(node1, "web-1");
	assert_true(web->in_place);
	assert_int_equal(web->disk_count, 3);
	assert_int_equal(web->disks[0].storage, STORAGE_LOCAL);
	assert_int_equal(web->disks[0].used, 12 * GIB);
	assert_null(web->disks[0].pool);
	assert_string_equal(web->disks[1].pool, "rbd");
	assert_string_equal(web->disks[2].source, "");
	const struct host *node2 = inventory_host(inventory, "node2");
	assert_string_equal(node2->connection, "cannot connect: refused");
	assert_false(node2->pools_known);
	assert_int_equal(node2->seen, 0);
	assert_string_equal(inventory_write(arena, inventory), EXAMPLE);
}

static void test_what_is_left_out_is_harmless(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct inventory *inventory = read_good(
	        arena, "hosts:\n"
	               "  a: {memory: 8GiB, vms: , pools: }\n"
	               "  b:\n"
	               "    memory: 8GiB\n"
	               "    pools: {images: {}}\n"
	               "    from_a_newer_berth: {at: all}\n"
	               "    vms:\n"
	               "      vm: {uuid: 5AABF32A-0260-45B5-9D26-CDD71B9FD22F, state: running, memory: 1GiB, "
	               "disks: {vda: {size: 2GiB}}, new_key: [1]}\n"
	               "      nodisk: {uuid: 00000000-0000-0000-0000-000000000001, state: stopped, memory: 0B, "
	               "disks: }\n"
	               "also_new: 1\n");
	const struct host *a = inventory_host(inventory, "a");
	assert_null(a->connection);
	assert_false(a->pools_known);
	assert_string_equal(a->uuid, "");
	assert_string_equal(a->libvirt, "");
	const struct host *b = inventory_host(inventory, "b");
	assert_true(b->pools_known);
	assert_true(b->pools[0].active);
	assert_true(b->pools[0].free >= (uint64_t)1 << 60);
	assert_int_equal(b->pools[0].formats, FORMAT_RAW | FORMAT_QCOW2);
	const struct vm *vm = host_vm(b, "vm");
	assert_string_equal(vm->uuid, "5aabf32a-0260-45b5-9d26-cdd71b9fd22f");
	assert_true(vm->persistent);
	assert_false(vm->autostart);
	assert_false(vm->in_place);
	assert_false(vm->migrating);
	assert_int_equal(vm->snapshots + vm->immovable_count, 0);
	assert_int_equal(vm->disks[0].storage, STORAGE_LOCAL);
	assert_int_equal(vm->disks[0].used, 2 * GIB);
	assert_int_equal(host_vm(b, "nodisk")->disk_count, 0);
	assert_int_equal(read_good(arena, "")->host_count, 0);
	assert_int_equal(read_good(arena, "berth: 1\nhosts:\n")->host_count, 0);
}

struct problem_case {
	const char *text;
	const char *problems;
};

#define VM "uuid: 00000000-0000-0000-0000-000000000001, state: running, memory: 1GiB, disks: {}"

static const struct problem_case PROBLEM_CASES[] = {
        {"[]", "i.yaml:1:1: an inventory must be a mapping with berth and hosts\n"},
        {"berth: 2\n", "i.yaml:1:8: 'berth' must be 1, the format that this berth reads, not '2'\n"},
        {"hosts: [a]\n", "i.yaml:1:8: 'hosts' must be a mapping, not a list\n"},
        {"hosts: {a: 5}\n", "i.yaml:1:12: 'a' must be a mapping, not '5'\n"},
        {"hosts: {a: }\n", "i.yaml:1:9: host 'a' has no 'memory', which is required\n"
                           "i.yaml:1:9: host 'a' has no 'vms', which is required\n"},
        {"hosts: {a: {}}\n", "i.yaml:1:9: host 'a' has no 'memory', which is required\n"
                             "i.yaml:1:9: host 'a' has no 'vms', which is required\n"},
        {"hosts: {../a: {memory: 1GiB, vms: {}}}\n", "i.yaml:1:9: a host's name must be letters, digits, '.', '_' "
                                                     "and '-', at most 63 of them, the first a letter "
                                                     "or digit, not '../a'\n"},
        {"hosts: {a: {memory: 1, vms: {v: {}}}}\n", "i.yaml:1:21: 'memory' must be a size, such as 4GiB, not '1'\n"
                                                    "i.yaml:1:30: VM 'v' has no 'disks', which is required\n"
                                                    "i.yaml:1:30: VM 'v' has no 'memory', which is required\n"
                                                    "i.yaml:1:30: VM 'v' has no 'state', which is required\n"
                                                    "i.yaml:1:30: VM 'v' has no 'uuid', which is required\n"},
        {"hosts: {a: {memory: 1GiB, vms: {v: {" VM ", in_place: yes, snapshots: -1, immovable: [{code: x}, y]}}}}\n",
         "i.yaml:1:132: 'in_place' must be true or false, not 'yes'\n"
         "i.yaml:1:148: 'snapshots' must be a whole number, not '-1'\n"
         "i.yaml:1:171: 'code' must be one of berth's codes, such as storage, not 'x'\n"
         "i.yaml:1:175: 'immovable' must be a list of {code: …, reason: …}, not 'y'\n"},
        {"hosts: {a: {memory: 1GiB, vms: {v: {uuid: 1, state: on, memory: 1GiB, disks: {d: {storage: x, format: y, "
         "used: 1}}}}}}\n",
         "i.yaml:1:43: 'uuid' must be a UUID, such as 5aabf32a-0260-45b5-9d26-cdd71b9fd22f, not '1'\n"
         "i.yaml:1:53: 'state' must be running, paused, stopped, crashed or suspended, not 'on'\n"
         "i.yaml:1:92: 'storage' must be network, local, media or other, not 'x'\n"
         "i.yaml:1:103: 'format' must be raw, qcow2 or other, not 'y'\n"
         "i.yaml:1:112: 'used' must be a size, such as 4GiB, not '1'\n"},
        {"hosts: {a: {memory: 1GiB, vms: {v: {" VM "}, w: {" VM "}}}}\n",
         "i.yaml:1:123: UUID '00000000-0000-0000-0000-000000000001' is given twice: first at i.yaml:1:33\n"},
        {"hosts: {a: {memory: 1GiB, vms: {v: {" VM "}, v: {" VM "}}}}\n",
         "i.yaml:1:123: key 'v' is given twice: first at i.yaml:1:33\n"},
        {"hosts: {a: {memory: 1GiB, seen: yesterday, networks: x, pools: {p: {state: odd, formats: [x]}}, vms: }}\n",
         "i.yaml:1:33: 'seen' must be a time in UTC since 1970, such as 2026-11-23T05:00:00Z, not 'yesterday'\n"
         "i.yaml:1:54: 'networks' must be a list, not 'x'\n"
         "i.yaml:1:76: 'state' must be active or inactive, not 'odd'\n"
         "i.yaml:1:91: 'formats' must be a list of raw, qcow2 and other, not 'x'\n"},
};

static void test_what_is_wrong_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(PROBLEM_CASES); i++) {
		cleanup_arena struct arena *arena = arena_create();
		const char *problems;
		assert_null(read_text(arena, PROBLEM_CASES[i].text, &problems));
		assert_string_equal(problems, PROBLEM_CASES[i].problems);
	}
}

static void test_a_host_stands_in_one_file(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	static const char a[] = "hosts: {a: {memory: 1GiB, vms: {}}}";
	static const char b[] = "hosts: {b: {memory: 1GiB, vms: {}}, a: {memory: 2GiB, vms: {}}}";
	struct desired_file files[] = {{"b.yaml", b, sizeof(b) - 1}, {"a.yaml", a, sizeof(a) - 1}};
	const char *problems;
	assert_null(read_files(arena, files, 2, &problems));
	assert_string_equal(problems, "b.yaml:1:37: host 'a' is given twice: first at a.yaml:1:9\n");
	files[0].length = strlen("hosts: {b: {memory: 1GiB, vms: {}}");
	files[0].bytes = "hosts: {b: {memory: 1GiB, vms: {}}}";
	files[0].length++;
	const struct inventory *inventory = read_files(arena, files, 2, &problems);
	assert_string_equal(problems, "");
	assert_string_equal(inventory->hosts[0].name, "a");
	assert_string_equal(inventory->hosts[1].name, "b");
}

/* A change to the example, and whether the host is still equal for the status branch. */
static void test_only_free_used_and_seen_change_without_a_word(void **state)
{
	(void)state;
	static const struct {
		const char *from;
		const char *to;
		bool equal;
	} cases[] = {
	        {"seen: 2026-11-23T05:00:00Z", "seen: 2027-11-23T05:00:00Z", true},
	        {"free: 100GiB", "free: 99GiB", true},
	        {"used: 12GiB", "used: 13GiB", true},
	        {"size: 40GiB", "size: 41GiB", false},
	        {"connection: ok", "connection: bad", false},
	        {"65537MiB", "64GiB", false},
	        {"9.0.0", "9.0.1", false},
	        {"7.2.22", "7.2.23", false},
	        {"sha256:0123", "sha256:0124", false},
	        {"[default]", "[]", false},
	        {"[default]", "[other]", false},
	        {"state: inactive", "state: active", false},
	        {"[raw, other]", "[raw]", false},
	        {"4c4c4544", "5c4c4544", false},
	        {"state: paused", "state: running", false},
	        {"memory: 1GiB", "memory: 2GiB", false},
	        {"persistent: false", "persistent: true", false},
	        {"autostart: true", "autostart: false", false},
	        {"snapshots: 3", "snapshots: 4", false},
	        {"in_place: false", "in_place: true", false},
	        {"migrating: true", "migrating: false", false},
	        {"code: busy", "code: space", false},
	        {"reason: a job", "reason: another", false},
	        {"TPM state", "UEFI variables", false},
	        {"images/data", "images/date", false},
	        {"web-1.qcow2", "web-2.qcow2", false},
	        {"pool: rbd", "pool: ceph", false},
	        {"db-1:", "db-2:", false},
	        {"vdb:", "vdd:", false},
	        {"uuid: 5aab", "uuid: 6aab", false},
	        {"storage: media", "storage: other", false},
	        {"format: raw", "format: qcow2", false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		cleanup_arena struct arena *arena = arena_create();
		const char *at = strstr(EXAMPLE, cases[i].from);
		assert_non_null(at);
		const char *changed = arena_print(arena, "%.*s%s%s", (int)(at - EXAMPLE), EXAMPLE, cases[i].to,
		                                  at + strlen(cases[i].from));
		const struct inventory *before = read_good(arena, EXAMPLE);
		const struct inventory *after = read_good(arena, changed);
		assert_int_equal(inventory_host_equal(inventory_host(before, "node1"), inventory_host(after, "node1")),
		                 cases[i].equal);
	}
}

/* So many that anything quadratic would be felt. */
static void test_many_vms(void **state)
{
	(void)state;
	enum { VMS = 20000 };
	cleanup_arena struct arena *arena = arena_create();
	struct text text;
	text_init(&text, arena);
	text_add(&text, "hosts:\n  a:\n    memory: 1TiB\n    vms:\n");
	for (unsigned int i = 0; i < VMS; i++) {
		text_print(
		        &text,
		        "      vm-%u: {uuid: 00000000-0000-0000-0000-%012u, state: running, memory: 1GiB, disks: {}}\n",
		        i, i);
	}
	const struct inventory *inventory = read_good(arena, text_string(&text));
	assert_int_equal(inventory->hosts[0].vm_count, VMS);
	const char *written = inventory_write(arena, inventory);
	const struct inventory *again = read_good(arena, written);
	assert_true(inventory_host_equal(&inventory->hosts[0], &again->hosts[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_example_is_read_and_written_back),
	        cmocka_unit_test(test_what_is_left_out_is_harmless),
	        cmocka_unit_test(test_what_is_wrong_is_named),
	        cmocka_unit_test(test_a_host_stands_in_one_file),
	        cmocka_unit_test(test_only_free_used_and_seen_change_without_a_word),
	        cmocka_unit_test(test_many_vms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
