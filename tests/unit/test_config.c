#include "state/config.h"
#include "tests/unit/given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct config parse(struct arena *arena, const char *text)
{
	struct desired_file file = {"berth.yaml", text, strlen(text)};
	struct config config = {0};
	struct problem_list problems = {0};
	if (config_parse(arena, &file, &config, &problems) < 0) {
		end_on_problems(&problems);
	}
	return config;
}

static void expect_refused(const char *text, const char *line)
{
	cleanup_arena struct arena *arena = arena_create();
	struct desired_file file = {"berth.yaml", text, strlen(text)};
	struct config config = {0};
	struct problem_list problems = {0};
	assert_true(config_parse(arena, &file, &config, &problems) < 0);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.lines[0], line);
}

static void test_limits_by_default(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct limits limits = parse(arena, "").limits;
	assert_true(limits.moves == LIMIT_NONE);
	assert_true(limits.share_millionths == LIMIT_NONE);
	assert_true(limits.hosts_in_maintenance == LIMIT_NONE);
	assert_true(limits.failures == 3);
	assert_true(limits.hosts_down == LIMIT_NONE);
	assert_true(parse(arena, "limits: {}").limits.failures == 3);
}

static void test_limits_are_read(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct limits limits =
	        parse(arena, "limits: {moves: 0, share: 2.5%, hosts_in_maintenance: 2, failures: none, hosts_down: 1}")
	                .limits;
	assert_true(limits.moves == 0);
	assert_true(limits.share_millionths == 25000);
	assert_true(limits.hosts_in_maintenance == 2);
	assert_true(limits.failures == LIMIT_NONE);
	assert_true(limits.hosts_down == 1);
	limits =
	        parse(arena, "limits: {moves: none, share: none, hosts_in_maintenance: none, hosts_down: none}").limits;
	assert_true(limits.moves == LIMIT_NONE);
	assert_true(limits.share_millionths == LIMIT_NONE);
	assert_true(parse(arena, "limits: {share: 100%}").limits.share_millionths == 1000000);
}

/* A limit that says something else than what was meant is worse than none. */
static void test_what_is_no_limit_is_refused(void **state)
{
	(void)state;
	static const char share[] =
	        "berth.yaml:1:17: share is to be a percentage from 0% to 100%, such as 10%, or none";
	expect_refused("limits: {share: 10}", share);
	expect_refused("limits: {share: 0.1}", share);
	expect_refused("limits: {share: 101%}", share);
	expect_refused("limits: {share: [10%]}", share);
	expect_refused("limits: {moves: -1}", "berth.yaml:1:17: moves is to be a whole number from 0 on, or none");
	expect_refused("limits: {moves: ten}", "berth.yaml:1:17: moves is to be a whole number from 0 on, or none");
	expect_refused("limits: {moves: \"10\"}", "berth.yaml:1:17: moves is to be a whole number from 0 on, or none");
	expect_refused("limits: {failures: 0}", "berth.yaml:1:20: failures is to be a whole number from 1 on, or none");
	expect_refused("limits: {hosts_down: 0}",
	               "berth.yaml:1:22: hosts_down is to be a whole number from 1 on, or none");
	expect_refused("limits: {move: 1}", "berth.yaml:1:10: unknown key 'move'");
	expect_refused("limits: none", "berth.yaml:1:9: a mapping is expected here");
}

static void test_what_is_not_carried_out_is_refused(void **state)
{
	(void)state;
	expect_refused("verify: {ssh: keys}",
	               "berth.yaml:1:1: verify is not carried out by this version of berth: take it out");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_limits_by_default),
	        cmocka_unit_test(test_limits_are_read),
	        cmocka_unit_test(test_what_is_no_limit_is_refused),
	        cmocka_unit_test(test_what_is_not_carried_out_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
