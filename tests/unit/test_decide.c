/*
 * Which copy of a VM may be kept, from what the hosts and the record say.
 */
#include "reconcile/decide.h"
#include "state/arena.h"
#include "state/text.h"
#include "tests/unit/given.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define UUID "5aabf32a-0260-45b5-9d26-cdd71b9fd221"

static const char TWO[] = "hosts:\n"
                          "  a: {memory: 16GiB, vms: {v1: {uuid: " UUID ", state: running, memory: 1GiB, disks: {vda: "
                          "{storage: local, format: raw, source: /images/v1.raw, size: 1GiB, used: 1MiB}}}}}\n"
                          "  b: {memory: 16GiB, vms: {v1: {uuid: " UUID ", state: stopped, memory: 1GiB, disks: {}}}}\n"
                          "  c: {memory: 16GiB, vms: {}}\n";

static struct decision begin(struct arena *arena, const struct inventory *inventory, const struct move_entry *entry)
{
	struct decision decision;
	struct move_entry *copy = arena_array(arena, 1, sizeof(*copy));
	struct move_entries entries = {.items = copy};
	if (entry != NULL) {
		*copy = *entry;
		entries.count = 1;
	}
	assert_int_equal(decide_begin(arena, "v1", inventory, &entries, &decision, NULL), 0);
	assert_string_equal(decision.uuid, UUID);
	assert_int_equal(decision.entry_count, entries.count);
	return decision;
}

/* NULL: it may be kept. */
static const char *why_not(struct arena *arena, const struct decision *decision, const char *keep, const char *fenced)
{
	struct error err = {{0}};
	int r = decide_check(decision, keep, &fenced, fenced == NULL ? 0 : 1, &err);
	assert_true(r == 0 || r == -EPERM);
	return r == 0 ? NULL : arena_copy(arena, err.message);
}

#define ASSERT_SAYS(text, part)                                                                                        \
	do {                                                                                                           \
		const char *says = text;                                                                               \
		if (says == NULL || strstr(says, part) == NULL) {                                                      \
			fail_msg("'%s' does not say '%s'", says == NULL ? "(nothing)" : says, part);                   \
		}                                                                                                      \
	} while (0)

static struct vm *vm_of(const struct inventory *inventory, const char *host)
{
	return inventory_host(inventory, host)->vms;
}

static void test_hosts_that_stop_it(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct inventory *inventory = given_inventory(arena, TWO);
	struct decision decision = begin(arena, inventory, NULL);
	struct host *c = &inventory->hosts[2];
	(void)state;
	assert_true(decide_is_open(&decision));
	assert_null(why_not(arena, &decision, "a", NULL));
	assert_null(why_not(arena, &decision, "b", NULL));
	ASSERT_SAYS(why_not(arena, &decision, "c", NULL), "c does not have it");
	ASSERT_SAYS(why_not(arena, &decision, "d", NULL), "no host d");
	ASSERT_SAYS(why_not(arena, &decision, "a", "c"), "c answers");
	ASSERT_SAYS(why_not(arena, &decision, "a", "d"), "no host d");
	c->connection = "no route";
	ASSERT_SAYS(why_not(arena, &decision, "a", NULL), "c does not answer: no route");
	assert_null(why_not(arena, &decision, "a", "c"));
	ASSERT_SAYS(why_not(arena, &decision, "c", "c"), "powered off");
	c->connection = NULL;
	vm_of(inventory, "b")->migrating = true;
	ASSERT_SAYS(why_not(arena, &decision, "a", NULL), "a migration of it runs on b");
}

static void test_incomplete_copies(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct inventory *inventory = given_inventory(arena, TWO);
	struct made_volume volume = {.target = "vda", .path = "/images/v1.raw", .made = true};
	struct move_entry entry = {
	        .vm = "v1",
	        .uuid = UUID,
	        .from = "a",
	        .to = "b",
	        .mode = MOVE_OFFLINE,
	        .step = STEP_TRANSFER,
	        .volumes = &volume,
	        .volume_count = 1,
	        .plan = "",
	};
	struct decision decision = begin(arena, inventory, &entry);
	struct vm *b = vm_of(inventory, "b");
	(void)state;
	assert_null(why_not(arena, &decision, "a", NULL));
	ASSERT_SAYS(why_not(arena, &decision, "b", NULL), "not all copied");
	ASSERT_SAYS(decide_evidence(arena, &decision), "made on b: /images/v1.raw");
	entry.step = STEP_DEFINE;
	decision = begin(arena, inventory, &entry);
	assert_null(why_not(arena, &decision, "b", NULL));
	entry.step = STEP_UNDO;
	decision = begin(arena, inventory, &entry);
	ASSERT_SAYS(why_not(arena, &decision, "b", NULL), "being removed");
	/* Paused by libvirt: the source has it all, the target waits for it, and without a record nobody knows. */
	entry.mode = MOVE_LIVE;
	entry.step = STEP_TRANSFER;
	decision = begin(arena, inventory, &entry);
	b->state = VM_PAUSED;
	b->pause = PAUSE_MIGRATION;
	vm_of(inventory, "a")->state = VM_PAUSED;
	vm_of(inventory, "a")->pause = PAUSE_MIGRATION;
	assert_null(why_not(arena, &decision, "a", NULL));
	ASSERT_SAYS(why_not(arena, &decision, "b", NULL), "not all arrived");
	decision = begin(arena, inventory, NULL);
	ASSERT_SAYS(why_not(arena, &decision, "a", NULL), "not all arrived");
	b->pause = PAUSE_POSTCOPY;
	ASSERT_SAYS(why_not(arena, &decision, "b", NULL), "post-copy");
	b->pause = PAUSE_OTHER;
	b->persistent = false;
	ASSERT_SAYS(why_not(arena, &decision, "b", NULL), "not persistent");
}

static void test_who_is_meant(void **state)
{
	static const char conflict[] =
	        "hosts:\n"
	        "  a: {memory: 16GiB, vms: {v1: {uuid: " UUID ", state: running, memory: 1GiB, disks: {}}}}\n"
	        "  b: {memory: 16GiB, vms: {v1: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd222, state: stopped, memory: "
	        "1GiB, "
	        "disks: {}}}}\n";
	cleanup_arena struct arena *arena = arena_create();
	const struct move_entries none = {0};
	struct decision decision;
	(void)state;
	assert_int_equal(decide_begin(arena, "v1", given_inventory(arena, conflict), &none, &decision, NULL), -EINVAL);
	assert_int_equal(decide_begin(arena, "v9", given_inventory(arena, TWO), &none, &decision, NULL), -ENOENT);
	const struct inventory *one = given_inventory(arena, TWO);
	one->hosts[1].vm_count = 0;
	decision = begin(arena, one, NULL);
	assert_false(decide_is_open(&decision));
	ASSERT_SAYS(decide_evidence(arena, &decision), "  a: running\n    vda  /images/v1.raw, local");
	ASSERT_SAYS(decide_evidence(arena, &decision), "  b: does not have it\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hosts_that_stop_it),
	        cmocka_unit_test(test_incomplete_copies),
	        cmocka_unit_test(test_who_is_meant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
