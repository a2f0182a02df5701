/* What a move means: rules 1 to 5 of spec section 4, one by one, and that going back undoes it. */
#include "tests/unit/given.h"

#include "reconcile/simulate.h"
#include "state/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char HOSTS[] = "defaults: {memory: {reserve: 0B}}\n"
                            "hosts:\n"
                            "  n1: {uri: 'test:///n1', storage: {shared: [/nfs]}}\n"
                            "  n2: {uri: 'test:///n2', storage: {shared: [/nfs]}, memory: {overhead: 1GiB}}\n"
                            "  n3: {uri: 'test:///n3'}\n";

static const char UUID_A[] = "00000000-0000-0000-0000-00000000000a";

struct world {
	const struct fleet *fleet;
	struct simulation *sim;
	uint32_t n1;
	uint32_t n2;
	uint32_t n3;
};

static struct world make(struct arena *arena, const char *vms, const char *n1, const char *n2)
{
	const struct desired *desired = given_desired(arena, arena_print(arena, "%svms: {%s}\n", HOSTS, vms));
	const char *pool = "{type: dir, path: /images, state: active, formats: [raw, qcow2], free: 20GiB}";
	const struct inventory *inventory = given_inventory(
	        arena, arena_print(arena,
	                           "berth: 1\nhosts:\n"
	                           "  n1: {memory: 8GiB, qemu: 7.2.1, libvirt: 9.0.0, pools: {i: %s}, vms: {%s}}\n"
	                           "  n2: {memory: 8GiB, qemu: 7.2.1, libvirt: 9.0.0, pools: {i: %s}, vms: {%s}}\n"
	                           "  n3: {memory: 8GiB, qemu: 7.2.1, libvirt: 9.0.0, pools: {i: %s}, vms: {}}\n",
	                           pool, n1, pool, n2, pool));
	const struct fleet *fleet = fleet_build(arena, desired, inventory);
	return (struct world){fleet, simulate_begin(arena, fleet), fleet_host_index(fleet, "n1"),
	                      fleet_host_index(fleet, "n2"), fleet_host_index(fleet, "n3")};
}

static const char *one_vm(struct arena *arena, const char *memory, const char *disk, const char *more)
{
	return arena_print(arena, "a: {uuid: %s, state: running, memory: %s, disks: {%s}%s}", UUID_A, memory, disk,
	                   more);
}

#define DISK(source, size, used)                                                                                       \
	"vda: {storage: local, format: qcow2, source: " source ", size: " size ", used: " used "}"

/* The kind of obstacle that VM a meets on its way to n2. */
static enum obstacle_kind meets(struct arena *arena, const char *entry, const char *vm, const char *others_on_n2)
{
	struct world w = make(arena, entry, vm, others_on_n2);
	struct obstacle obstacle = {.kind = OBSTACLE_NONE};
	bool allowed = simulate_allows(w.sim, 0, w.n2, &obstacle);
	assert_int_equal(allowed, obstacle.kind == OBSTACLE_NONE);
	return obstacle.kind;
}

static void test_memory_counts_the_overhead_of_the_target(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "7GiB", "", ""), ""), OBSTACLE_NONE);
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "7516192769B", "", ""), ""), OBSTACLE_MEMORY);
}

static void test_other_vms_take_their_room_whatever_their_state(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *stopped =
	        "z: {uuid: 00000000-0000-0000-0000-00000000000f, state: stopped, memory: 1GiB, disks: {}}";
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "5GiB", "", ""), stopped), OBSTACLE_NONE);
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "6GiB", "", ""), stopped), OBSTACLE_MEMORY);
}

static void test_a_local_disk_needs_its_size(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *fits = one_vm(arena, "1GiB", DISK("/images/a", "20GiB", "1GiB"), "");
	const char *large = one_vm(arena, "1GiB", DISK("/images/a", "21GiB", "1GiB"), "");
	const char *two = one_vm(arena, "1GiB",
	                         DISK("/images/a", "15GiB", "1GiB") ", vdb: {storage: local, format: raw, source: "
	                                                            "/images/b, size: 6GiB}",
	                         "");
	assert_int_equal(meets(arena, "a: {}", fits, ""), OBSTACLE_NONE);
	assert_int_equal(meets(arena, "a: {}", large, ""), OBSTACLE_SPACE);
	assert_int_equal(meets(arena, "a: {}", two, ""), OBSTACLE_SPACE);
}

static void test_shared_paths_do_not_travel(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "1GiB", DISK("/nfs/a", "99GiB", "9GiB"), ""), ""),
	                 OBSTACLE_NONE);
	/* A name that only begins alike, and a way out of the folder. */
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "1GiB", DISK("/nfs2/a", "1GiB", "1GiB"), ""), ""),
	                 OBSTACLE_POOL);
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "1GiB", DISK("/nfs/../etc/a", "1GiB", "1GiB"), ""), ""),
	                 OBSTACLE_POOL);
}

static void test_what_holds_for_any_state_of_the_others(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *plain = one_vm(arena, "1GiB", "", "");
	const char *other = "vda: {storage: other, format: raw, source: /dev/sdx, size: 1GiB}";
	const char *fixed = ", immovable: [{code: storage, reason: x}]";
	const char *snaps = ", snapshots: 1";
	assert_int_equal(meets(arena, "a: {where: {zone: a}}", plain, ""), OBSTACLE_ENTRY);
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "1GiB", other, ""), ""), OBSTACLE_STORAGE);
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "1GiB", "", fixed), ""), OBSTACLE_IMMOVABLE);
	assert_int_equal(meets(arena, "a: {migration: {snapshots: refuse}}", one_vm(arena, "1GiB", "", snaps), ""),
	                 OBSTACLE_SNAPSHOTS);
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "1GiB", "", snaps), ""), OBSTACLE_NONE);
}

static void test_a_disk_of_the_same_path_is_in_the_way(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *vm = one_vm(arena, "1GiB", DISK("/images/x", "1GiB", "1GiB"), "");
	const char *other = "z: {uuid: 00000000-0000-0000-0000-00000000000f, state: stopped, memory: 1GiB, disks: {"
	                    "vda: {storage: local, format: raw, source: /images/x, size: 1GiB}}}";
	assert_int_equal(meets(arena, "a: {}", vm, other), OBSTACLE_IN_THE_WAY);
}

static void test_going_back_undoes_a_move(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct world w = make(arena, "a: {}", one_vm(arena, "2GiB", DISK("/images/a", "10GiB", "3GiB"), ""), "");
	uint32_t here = w.fleet->hosts[w.n1].first_pool;
	uint32_t there = w.fleet->hosts[w.n2].first_pool;
	simulate_move(w.sim, 0, w.n2);
	assert_int_equal(simulate_free(w.sim, w.n1), 8 * GIB);
	assert_int_equal(simulate_free(w.sim, w.n2), 5 * GIB);
	assert_int_equal(w.sim->pool_free[here], 23 * GIB);
	assert_int_equal(w.sim->pool_free[there], 10 * GIB);
	simulate_move(w.sim, 0, w.n3);
	assert_int_equal(w.sim->pool_free[there], 20 * GIB);
	assert_int_equal(w.sim->pool_free[here], 23 * GIB);
	simulate_move(w.sim, 0, w.n1);
	assert_int_equal(w.sim->pool_free[here], 20 * GIB);
	assert_int_equal(simulate_free(w.sim, w.n1), 6 * GIB);
	assert_int_equal(simulate_free(w.sim, w.n3), 8 * GIB);
}

static void test_kept_source_disks_give_nothing_back_and_stop_a_second_move(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct world w = make(arena, "a: {migration: {source_disks: keep}}",
	                      one_vm(arena, "2GiB", DISK("/images/a", "10GiB", "3GiB"), ""), "");
	assert_true(simulate_allows(w.sim, 0, w.n2, NULL));
	simulate_move(w.sim, 0, w.n2);
	assert_int_equal(w.sim->pool_free[w.fleet->hosts[w.n1].first_pool], 20 * GIB);
	struct obstacle obstacle;
	assert_false(simulate_allows(w.sim, 0, w.n3, &obstacle));
	assert_int_equal(obstacle.kind, OBSTACLE_KEPT);
	assert_false(simulate_allows(w.sim, 0, w.n1, NULL));
}

static void assert_same_state(const struct simulation *a, const struct simulation *b)
{
	const struct fleet *fleet = a->fleet;
	assert_memory_equal(a->at, b->at, fleet->vm_count * sizeof(*a->at));
	assert_memory_equal(a->claims, b->claims, fleet->host_count * sizeof(*a->claims));
	assert_memory_equal(a->pool_free, b->pool_free, fleet->pool_count * sizeof(*a->pool_free));
}

static void test_a_fleet_after_moves_goes_on_from_there(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct world w = make(arena, "a: {}", one_vm(arena, "2GiB", DISK("/images/a", "10GiB", "3GiB"), ""), "");
	simulate_move(w.sim, 0, w.n2);
	struct simulation *after = simulate_begin(arena, fleet_after(arena, w.sim));
	assert_int_equal(after->fleet->vms[0].home, w.n2);
	assert_same_state(w.sim, after);
	/* On to a third host, and back to where the inventory has it: what it takes there is still its `used`. */
	simulate_move(w.sim, 0, w.n3);
	simulate_move(after, 0, w.n3);
	assert_same_state(w.sim, after);
	simulate_move(w.sim, 0, w.n1);
	simulate_move(after, 0, w.n1);
	assert_same_state(w.sim, after);
	assert_int_equal(after->pool_free[w.fleet->hosts[w.n1].first_pool], 20 * GIB);
}

static void test_a_fleet_after_moves_allows_what_the_moves_do(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *other = "z: {uuid: 00000000-0000-0000-0000-00000000000f, state: stopped, memory: 1GiB, disks: {"
	                    "vda: {storage: local, format: raw, source: /images/a, size: 1GiB}}}";
	struct world w = make(arena, "a: {migration: {source_disks: keep}}, z: {}",
	                      one_vm(arena, "2GiB", DISK("/images/a", "10GiB", "3GiB"), ""), other);
	simulate_move(w.sim, 0, w.n3);
	struct simulation *after = simulate_begin(arena, fleet_after(arena, w.sim));
	struct obstacle obstacle;
	assert_false(simulate_allows(after, 0, w.n1, &obstacle));
	assert_int_equal(obstacle.kind, OBSTACLE_KEPT);
	/* What the first has left behind is in the way of the other. */
	assert_false(simulate_allows(after, 1, w.n1, &obstacle));
	assert_int_equal(obstacle.kind, OBSTACLE_IN_THE_WAY);
}

static void test_absurd_sizes_never_make_room(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *huge =
	        "x: {uuid: 00000000-0000-0000-0000-00000000000f, state: stopped, memory: 8388607TiB, disks: {}}, "
	        "y: {uuid: 00000000-0000-0000-0000-00000000000e, state: stopped, memory: 8388607TiB, disks: {}}, "
	        "z: {uuid: 00000000-0000-0000-0000-00000000000d, state: stopped, memory: 8388607TiB, disks: {}}";
	assert_int_equal(meets(arena, "a: {}", one_vm(arena, "1GiB", "", ""), huge), OBSTACLE_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_memory_counts_the_overhead_of_the_target),
	        cmocka_unit_test(test_other_vms_take_their_room_whatever_their_state),
	        cmocka_unit_test(test_a_local_disk_needs_its_size),
	        cmocka_unit_test(test_shared_paths_do_not_travel),
	        cmocka_unit_test(test_what_holds_for_any_state_of_the_others),
	        cmocka_unit_test(test_a_disk_of_the_same_path_is_in_the_way),
	        cmocka_unit_test(test_going_back_undoes_a_move),
	        cmocka_unit_test(test_kept_source_disks_give_nothing_back_and_stop_a_second_move),
	        cmocka_unit_test(test_a_fleet_after_moves_goes_on_from_there),
	        cmocka_unit_test(test_a_fleet_after_moves_allows_what_the_moves_do),
	        cmocka_unit_test(test_absurd_sizes_never_make_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
