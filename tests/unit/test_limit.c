#include "reconcile/limit.h"
#include "tests/unit/given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char PLACEMENT[] =
        "hosts: {a: {uri: 'test:///a', maintenance: true}, b: {uri: 'test:///b'}, c: {uri: 'test:///c'}}\n"
        "vms: {v1: {}, v2: {}, v3: {}, v4: {}, v5: {}}\n";

/* Two VMs of the four that are there, one of them by a hop: three moves. */
static struct move MOVES[] = {{.vm = "v1", .uuid = "1"}, {.vm = "v2", .uuid = "2"}, {.vm = "v1", .uuid = "1"}};
static struct named_vm MISSING[] = {{.vm = "v5"}};
static struct host_claims HOSTS[] = {{.host = "a"}, {.host = "b", .connection = "no answer"}, {.host = "c"}};

static const struct limits NO_LIMITS = {
        .moves = LIMIT_NONE,
        .share_millionths = LIMIT_NONE,
        .hosts_in_maintenance = LIMIT_NONE,
        .failures = LIMIT_NONE,
        .hosts_down = LIMIT_NONE,
};

/* NULL: nothing keeps it from running. */
static void expect(const struct limits *limits, size_t row, bool approved, const char *text)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct plan plan = {.moves = MOVES,
	                          .move_count = 3,
	                          .missing = MISSING,
	                          .missing_count = 1,
	                          .hosts = HOSTS,
	                          .host_count = 3};
	const struct reason *waits = limit_waits(arena, limits, given_desired(arena, PLACEMENT), &plan, row, approved);
	if (text == NULL) {
		assert_null(waits);
		return;
	}
	assert_non_null(waits);
	assert_int_equal(waits->code, CODE_LIMIT);
	assert_string_equal(waits->text, text);
}

static void test_no_limits(void **state)
{
	(void)state;
	expect(&NO_LIMITS, 1000, false, NULL);
}

static void test_moves(void **state)
{
	(void)state;
	struct limits limits = NO_LIMITS;
	limits.moves = 3;
	expect(&limits, 0, false, NULL);
	limits.moves = 2;
	expect(&limits, 0, false, "3 moves, the limit is 2; berth approve lets this plan run");
	expect(&limits, 0, true, NULL);
}

/* Of the VMs that are there; one that makes a hop is one. */
static void test_share(void **state)
{
	(void)state;
	struct limits limits = NO_LIMITS;
	limits.share_millionths = 500000;
	expect(&limits, 0, false, NULL);
	limits.share_millionths = 499999;
	expect(&limits, 0, false,
	       "2 of 4 VMs are to be moved, the limit is 49.9999%; berth approve lets this plan run");
	limits.share_millionths = 405000;
	expect(&limits, 0, false, "2 of 4 VMs are to be moved, the limit is 40.5%; berth approve lets this plan run");
	limits.share_millionths = 100000;
	expect(&limits, 0, false, "2 of 4 VMs are to be moved, the limit is 10%; berth approve lets this plan run");
	expect(&limits, 0, true, NULL);
}

static void test_hosts_in_maintenance(void **state)
{
	(void)state;
	struct limits limits = NO_LIMITS;
	limits.hosts_in_maintenance = 1;
	expect(&limits, 0, false, NULL);
	limits.hosts_in_maintenance = 0;
	expect(&limits, 0, false, "1 host in maintenance, the limit is 0; berth approve lets this plan run");
	expect(&limits, 0, true, NULL);
}

/* These say that something is wrong, which no approval changes. */
static void test_failures_and_hosts_down(void **state)
{
	(void)state;
	struct limits limits = NO_LIMITS;
	limits.failures = 3;
	expect(&limits, 2, false, NULL);
	expect(&limits, 3, true, "3 moves in a row failed, the limit is 3");
	limits.hosts_down = 2;
	expect(&limits, 0, false, NULL);
	limits.hosts_down = 1;
	expect(&limits, 0, true, "1 host not answering, the limit is 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_no_limits),
	        cmocka_unit_test(test_moves),
	        cmocka_unit_test(test_share),
	        cmocka_unit_test(test_hosts_in_maintenance),
	        cmocka_unit_test(test_failures_and_hosts_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
