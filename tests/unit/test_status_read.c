#include "state/arena.h"
#include "state/status_read.h"
#include "state/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char WRITTEN[] =
        "berth: 1\n"
        "desired: 6342e832913aba825bec8b08b45b8cf062f5514f\n"
        "phase: progressing\n"
        "reason: 1 move to make\n"
        "counts: {vms: 3, in_place: 1, to_move: 1, blocked: 1, drifted: 1, unmanaged: 2, missing: 0, unknown: 0}\n"
        "plan:\n"
        "  id: sha256:da08\n"
        "  moves:\n"
        "  - step: 1\n"
        "    vm: web-1\n"
        "    uuid: 8e12e1df-8eb3-41f1-ab33-f787f563a385\n"
        "    from: node1\n"
        "    to: node3\n"
        "    mode: live\n"
        "    memory: 100663296\n"
        "    disk: 67379200\n"
        "    hop: false\n"
        "    reason: pinned to node3\n"
        "    free_after: {node1: -4294967296, node3: 3992977408}\n"
        "    waits: null\n"
        "    state: failed\n"
        "    started: 2026-11-24T20:55:26Z\n"
        "    seconds: 1.046\n"
        "    downtime_ms: 462\n"
        "    bytes: 75869389\n"
        "    stall: suspended\n"
        "    iterations: 3\n"
        "    dirty_bytes_per_s: 5099520\n"
        "    error: 'no: such file'\n"
        "  - step: 2\n"
        "    vm: 'true'\n"
        "    uuid: 8e12e1df-8eb3-41f1-ab33-f787f563a386\n"
        "    from: node1\n"
        "    to: node2\n"
        "    mode: offline\n"
        "    memory: 1\n"
        "    disk: 0\n"
        "    hop: true\n"
        "    reason: ''\n"
        "    free_after: {node1: 0, node2: 0}\n"
        "    waits: {code: hold, reason: until Monday}\n"
        "    state: pending\n"
        "    started: null\n"
        "    seconds: null\n"
        "    downtime_ms: null\n"
        "    bytes: null\n"
        "    stall: null\n"
        "    iterations: null\n"
        "    dirty_bytes_per_s: null\n"
        "    error: null\n"
        "blocked:\n"
        "- vm: db-1\n"
        "  code: format\n"
        "  reason: node3 takes raw only\n"
        "drift:\n"
        "- vm: web-1\n"
        "  desired: [node3]\n"
        "  actual: node1\n"
        "  action: report\n"
        "decisions:\n"
        "- vm: a\n"
        "  'on':\n"
        "  - {host: node1, uuid: u, state: paused}\n"
        "  - {host: node2, uuid: u, state: running}\n"
        "conflicts: []\n"
        "hosts:\n"
        "- {host: node1, connection: ok}\n"
        "- {host: node2, connection: no answer within 10 s}\n"
        "failures:\n"
        "- vm: web-1\n"
        "  attempts: 2\n"
        "  next: 2026-11-24T21:00:00Z\n"
        "  error: 'no: such file'\n"
        "error: null\n";

static int read(struct arena *arena, const char *text, const struct status **ret_status)
{
	struct desired_file file = {.name = "status.yaml", .bytes = text, .length = strlen(text)};
	struct error err;
	return status_read(arena, &file, ret_status, &err);
}

/* Nothing that was written is lost: it is written the same again. Quotes are the writer's own business. */
static void test_what_was_written_reads_back(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct status *status = NULL;
	const struct status *again = NULL;
	assert_int_equal(read(arena, WRITTEN, &status), 0);
	const char *once = status_yaml(arena, status);
	assert_int_equal(read(arena, once, &again), 0);
	assert_string_equal(status_yaml(arena, again), once);
	for (const char *line = WRITTEN; *line != '\0'; line += strcspn(line, "\n") + 1) {
		const char *whole = arena_copy_n(arena, line, strcspn(line, "\n") + 1);
		if (strchr(whole, '\'') == NULL) {
			if (strstr(once, whole) == NULL) {
				fail_msg("lost: %s in %s", whole, once);
			}
		}
	}
	assert_string_equal(status->plan->moves[0].reason, "pinned to node3");
	assert_string_equal(status->progress[0].error, "no: such file");
	assert_string_equal(status->plan->moves[1].vm, "true");
}

static void test_what_is_not_a_status_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "[]", "phase: [", "phase: happy\n", "berth: 1\n", "phase: {a: b}\n"};
	cleanup_arena struct arena *arena = arena_create();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct status *status = NULL;
		assert_true(read(arena, wrong[i], &status) < 0);
	}
}

/* Whoever can write to the branch may write anything: it is read without harm. */
static void test_odd_shapes_are_empty(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct status *status = NULL;
	const char *odd = "phase: in-sync\nplan: [1]\nblocked: {a: b}\ndrift: [[1], x]\nhosts: 7\nfailures: null\n"
	                  "decisions: [{vm: {}, on: [1]}]\ncounts: {vms: -3}\n";
	assert_int_equal(read(arena, odd, &status), 0);
	assert_int_equal(status->plan->move_count, 0);
	assert_int_equal(status->plan->blocked_count, 0);
	assert_int_equal(status->counts.vms, 0);
	assert_int_equal(status->plan->decisions[0].on_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_was_written_reads_back),
	        cmocka_unit_test(test_what_is_not_a_status_is_refused),
	        cmocka_unit_test(test_odd_shapes_are_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
