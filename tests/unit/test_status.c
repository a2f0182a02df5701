#include "state/arena.h"
#include "state/escape.h"
#include "state/inventory.h"
#include "state/picture.h"
#include "state/status.h"
#include "state/text.h"
#include "state/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EVIL "x|<b>`&[y](z)\n\033[31m*"

/* Two hosts, three VMs, one move done, one running, one blocked VM with a name that is up to no good. */
struct scene {
	struct vm vms[3];
	struct disk disk;
	struct host hosts[2];
	struct inventory inventory;
	struct reason wait;
	struct move moves[3];
	struct move_progress progress[3];
	struct blocked_vm blocked;
	const char *suits[2];
	struct drifted_vm drift;
	struct named_vm unknown;
	struct named_vm missing;
	struct unmanaged_vm unmanaged;
	struct sighting sightings[2];
	struct contested_vm conflict;
	struct host_claims claims[2];
	struct failure failure;
	struct plan plan;
	struct status status;
};

static struct vm vm_of(const char *name, const char *uuid, uint64_t memory)
{
	return (struct vm){.name = name, .uuid = uuid, .state = VM_RUNNING, .memory = memory, .persistent = true};
}

static struct host host_of(const char *name, struct vm *vms, size_t count)
{
	return (struct host){.name = name,
	                     .seen = 1000,
	                     .uuid = "",
	                     .memory = 16 * GIB,
	                     .libvirt = "9.0.0",
	                     .qemu = "7.2.22",
	                     .cpu = "",
	                     .vms = vms,
	                     .vm_count = count};
}

static void set_inventory(struct scene *scene)
{
	scene->disk = (struct disk){.target = "vda",
	                            .storage = STORAGE_LOCAL,
	                            .format = FORMAT_QCOW2,
	                            .source = "/images/web-1.qcow2",
	                            .size = 40 * GIB,
	                            .used = 12 * GIB};
	scene->vms[0] = vm_of("web-1", "5aabf32a-0260-45b5-9d26-cdd71b9fd221", 4 * GIB);
	scene->vms[0].disks = &scene->disk;
	scene->vms[0].disk_count = 1;
	scene->vms[1] = vm_of("web-2", "5aabf32a-0260-45b5-9d26-cdd71b9fd222", 2 * GIB);
	scene->vms[2] = vm_of(EVIL, "5aabf32a-0260-45b5-9d26-cdd71b9fd223", 8 * GIB);
	scene->hosts[0] = host_of("node1", scene->vms, 2);
	scene->hosts[1] = host_of("node2", &scene->vms[2], 1);
	scene->hosts[1].connection = "no route to host";
	scene->inventory = (struct inventory){.hosts = scene->hosts, .host_count = 2};
}

static struct move move_of(const struct vm *vm, const char *from, const char *to)
{
	return (struct move){.vm = vm->name,
	                     .uuid = vm->uuid,
	                     .from = from,
	                     .to = to,
	                     .memory = vm->memory,
	                     .reason = "pinned to it",
	                     .free_from_after = -(int64_t)GIB,
	                     .free_to_after = 5};
}

static void set_plan(struct scene *scene)
{
	scene->wait = (struct reason){CODE_HOLD, "until Monday"};
	scene->moves[0] = move_of(&scene->vms[0], "node2", "node1");
	scene->moves[0].disk = 12 * GIB;
	scene->moves[1] = move_of(&scene->vms[1], "node1", "node2");
	scene->moves[2] = move_of(&scene->vms[2], "node2", "node1");
	scene->moves[2].mode = MOVE_OFFLINE;
	scene->moves[2].hop = true;
	scene->moves[2].waits = &scene->wait;
	scene->progress[0] = (struct move_progress){
	        .state = MOVE_DONE,
	        .started = 1795400000,
	        .ms = 3240,
	        .downtime_ms = 118,
	        .bytes = 4321,
	        .stall = "post-copy",
	        .iterations = 7,
	        .dirty_bytes_per_s = 41943040,
	};
	scene->progress[1] = (struct move_progress){.state = MOVE_RUNNING, .started = 1795400060};
	scene->blocked = (struct blocked_vm){EVIL, {CODE_MEMORY, "node2 has 3.2 GiB free"}};
	scene->suits[0] = "node1";
	scene->suits[1] = "node2";
	scene->drift = (struct drifted_vm){"db-2", scene->suits, 2, "node3", DRIFT_REPORT};
	scene->unknown = (struct named_vm){"db-3", "node4"};
	scene->missing = (struct named_vm){"db-4", NULL};
	scene->unmanaged = (struct unmanaged_vm){EVIL, scene->vms[2].uuid, "node2", 8 * GIB};
	scene->sightings[0] = (struct sighting){"node1", "u1", VM_RUNNING};
	scene->sightings[1] = (struct sighting){"node2", "u2", VM_STOPPED};
	scene->conflict = (struct contested_vm){"db-5", scene->sightings, 2};
	scene->claims[0] = (struct host_claims){"node1", NULL, 15 * GIB, 6 * GIB, 4 * GIB};
	scene->claims[1] = (struct host_claims){"node2", "no route to host", 15 * GIB, 16 * GIB, 10 * GIB};
	scene->plan = (struct plan){
	        .id = "sha256:0123456789abcdef",
	        .moves = scene->moves,
	        .move_count = 3,
	        .blocked = &scene->blocked,
	        .blocked_count = 1,
	        .drift = &scene->drift,
	        .drift_count = 1,
	        .unknown = &scene->unknown,
	        .unknown_count = 1,
	        .missing = &scene->missing,
	        .missing_count = 1,
	        .unmanaged = &scene->unmanaged,
	        .unmanaged_count = 1,
	        .conflicts = &scene->conflict,
	        .conflict_count = 1,
	        .hosts = scene->claims,
	        .host_count = 2,
	};
}

static void set_scene(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	set_inventory(scene);
	set_plan(scene);
	scene->failure = (struct failure){"web-9", 2, 1795400100, "cannot " EVIL};
	scene->status = (struct status){
	        .desired = "0123456789abcdef0123456789abcdef01234567",
	        .phase = PHASE_PROGRESSING,
	        .reason = "move 2 of 3 runs",
	        .counts = {9, 3, 2, 1, 1, 1, 1, 1},
	        .plan = &scene->plan,
	        .progress = scene->progress,
	        .failures = &scene->failure,
	        .failure_count = 1,
	};
}

static const char move_1[] = "  - step: 1\n"
                             "    vm: web-1\n"
                             "    uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd221\n"
                             "    from: node2\n"
                             "    to: node1\n"
                             "    mode: live\n"
                             "    memory: 4294967296\n"
                             "    disk: 12884901888\n"
                             "    hop: false\n"
                             "    reason: pinned to it\n"
                             "    free_after: {node2: -1073741824, node1: 5}\n"
                             "    waits: null\n"
                             "    state: done\n"
                             "    started: 2026-11-23T02:13:20Z\n"
                             "    seconds: 3.240\n"
                             "    downtime_ms: 118\n"
                             "    bytes: 4321\n"
                             "    stall: post-copy\n"
                             "    iterations: 7\n"
                             "    dirty_bytes_per_s: 41943040\n"
                             "    error: null\n"
                             "  - step: 2\n";

static const char move_3[] = "    waits: {code: hold, reason: until Monday}\n"
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
                             "- vm: \"x|<b>`&[y](z)\\n\\e[31m*\"\n"
                             "  code: memory\n"
                             "  reason: node2 has 3.2 GiB free\n"
                             "drift:\n"
                             "- vm: db-2\n"
                             "  desired: [node1, node2]\n"
                             "  actual: node3\n"
                             "  action: report\n"
                             "decisions: []\n"
                             "conflicts:\n"
                             "- vm: db-5\n"
                             "  \"on\":\n"
                             "  - {host: node1, uuid: u1, state: running}\n"
                             "  - {host: node2, uuid: u2, state: stopped}\n"
                             "hosts:\n"
                             "- {host: node1, connection: ok}\n"
                             "- {host: node2, connection: no route to host}\n"
                             "failures:\n"
                             "- vm: web-9\n"
                             "  attempts: 2\n"
                             "  next: 2026-11-23T02:15:00Z\n"
                             "  error: \"cannot x|<b>`&[y](z)\\n\\e[31m*\"\n"
                             "error: null\n";

static void test_yaml_is_that_of_the_specification(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	set_scene(&scene);
	const char *yaml = status_yaml(arena, &scene.status);
	const char *head = arena_print(arena,
	                               "berth: 1\n"
	                               "desired: 0123456789abcdef0123456789abcdef01234567\n"
	                               "phase: progressing\n"
	                               "reason: move 2 of 3 runs\n"
	                               "counts: {vms: 9, in_place: 3, to_move: 2, blocked: 1, drifted: 1, "
	                               "unmanaged: 1, missing: 1, unknown: 1}\n"
	                               "plan:\n"
	                               "  id: sha256:0123456789abcdef\n"
	                               "  moves:\n%s",
	                               move_1);
	assert_string_equal(arena_copy_n(arena, yaml, strlen(head)), head);
	assert_string_equal(yaml + strlen(yaml) - strlen(move_3), move_3);
}

static void test_nothing_known_is_still_a_document(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *problems[] = {"a.yaml:1:2: unknown key", "b.yaml:3:4: wrong type"};
	const struct status status = {
	        .phase = PHASE_INVALID, .reason = "", .problems = problems, .problem_count = 2, .error = "2 errors"};
	assert_string_equal(status_yaml(arena, &status),
	                    "berth: 1\ndesired: null\nphase: invalid\nreason: \"\"\n"
	                    "counts: {vms: 0, in_place: 0, to_move: 0, blocked: 0, drifted: 0, unmanaged: 0, "
	                    "missing: 0, unknown: 0}\n"
	                    "plan: null\nblocked: []\ndrift: []\ndecisions: []\nconflicts: []\nhosts: []\n"
	                    "failures: []\n"
	                    "error: \"2 errors\\na.yaml:1:2: unknown key\\nb.yaml:3:4: wrong type\"\n");
	const struct inventory nothing = {0};
	struct status_files files = status_files(arena, &status, &nothing, NULL);
	assert_int_equal(files.count, 3);
	assert_non_null(strstr(files.items[0].bytes, "b.yaml\\:3\\:4\\: wrong type"));
}

/* The keys of the outermost object, and of a move, in the order of the text. */
static void check_order(const char *text, const char *const *words, size_t count, const char *before)
{
	const char *at = text;
	for (size_t i = 0; i < count; i++) {
		char key[64];
		snprintf(key, sizeof(key), "\n%s\"%s\": ", before, words[i]);
		at = strstr(at, key);
		if (at == NULL) {
			fail_msg("%s is missing or out of order", words[i]);
		}
	}
}

static void test_json_has_the_same_keys(void **state)
{
	(void)state;
	static const char *const keys[] = {"berth", "desired",   "phase",     "reason", "counts",   "plan", "blocked",
	                                   "drift", "decisions", "conflicts", "hosts",  "failures", "error"};
	static const char *const move_keys[] = {"step",        "vm",     "uuid",  "from",       "to",
	                                        "mode",        "memory", "disk",  "hop",        "reason",
	                                        "free_after",  "waits",  "state", "started",    "seconds",
	                                        "downtime_ms", "bytes",  "stall", "iterations", "dirty_bytes_per_s",
	                                        "error"};
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	set_scene(&scene);
	const char *json = status_json(arena, &scene.status);
	check_order(json, keys, sizeof(keys) / sizeof(keys[0]), "  ");
	check_order(json, move_keys, sizeof(move_keys) / sizeof(move_keys[0]), "        ");
}

static const char *file_of(const struct status_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++) {
		if (strcmp(files->items[i].path, path) == 0) {
			assert_int_equal(files->items[i].length, strlen(files->items[i].bytes));
			return files->items[i].bytes;
		}
	}
	fail_msg("no file %s", path);
	return "";
}

static void test_files_are_as_they_were_when_nothing_happened(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct scene before;
	struct scene after;
	set_scene(&before);
	set_scene(&after);
	after.progress[1].ms = 2000; /* how far a running move is */
	after.progress[1].bytes = 12345;
	after.disk.used = 13 * GIB;
	after.hosts[0].seen = 2000;
	after.hosts[1].seen = 2000;
	struct status_files one = status_files(arena, &before.status, &before.inventory, NULL);
	struct status_files two = status_files(arena, &after.status, &after.inventory, &before.inventory);
	assert_int_equal(one.count, 5);
	assert_int_equal(two.count, 5);
	for (size_t i = 0; i < one.count; i++) {
		assert_string_equal(one.items[i].path, two.items[i].path);
		assert_string_equal(one.items[i].bytes, two.items[i].bytes);
	}
	/* Another reason writes them: of that host, not of the other. */
	after.vms[1].state = VM_PAUSED;
	two = status_files(arena, &after.status, &after.inventory, &before.inventory);
	assert_non_null(strstr(file_of(&two, "inventory/node1.yaml"), "used: 13GiB"));
	assert_non_null(strstr(file_of(&two, "inventory/node1.yaml"), "seen: 1970-01-01T00:33:20Z"));
	assert_string_equal(file_of(&two, "inventory/node2.yaml"), file_of(&one, "inventory/node2.yaml"));
}

static void test_foreign_text_does_nothing(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	set_scene(&scene);
	scene.status.error = "first\n# second <script>";
	struct status_files files = status_files(arena, &scene.status, &scene.inventory, NULL);
	const char *page = file_of(&files, "README.md");
	const char *picture = file_of(&files, "placement.svg");
	const char *terminal = status_text(arena, &scene.status, 80, false);
	assert_null(strstr(page, "<b>"));
	assert_null(strstr(page, "<script>"));
	assert_null(strstr(page, "\n# second"));
	assert_null(strstr(page, "[y](z)"));
	assert_non_null(strstr(page, "| x\\|&lt;b\\>\\`&amp;\\[y\\]\\(z\\)??\\[31m\\* |"));
	assert_null(strchr(page, '\033'));
	assert_null(strstr(picture, "<b>"));
	assert_null(strchr(picture, '\033'));
	assert_non_null(strstr(picture, "x|&lt;b&gt;`&amp;[y](z)??[31m*"));
	assert_null(strchr(terminal, '\033'));
	assert_non_null(strstr(terminal, "blocked x|<b>`&[y](z)??[31m* (memory): node2 has 3.2 GiB free\n"));
	assert_string_equal(escape_xml(arena, "<a b='\"'>&\xef\xbf\xbe\xff"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;??");
	assert_string_equal(escape_cut(arena, "→→→→", 3), "→→…");
	assert_string_equal(escape_cut(arena, "→→→", 3), "→→→");
}

static void test_page_tells_what_matters(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	set_scene(&scene);
	struct status_files files = status_files(arena, &scene.status, &scene.inventory, NULL);
	const char *page = file_of(&files, "README.md");
	static const char *const wanted[] = {
	        "# 🔄 progressing\n\n**move 2 of 3 runs**\n",
	        "9 VMs: 3 in place, 2 to move, 1 blocked, 1 drifted, 1 missing, 1 unknown, 1 unmanaged.\n",
	        "](placement.svg)",
	        "## Plan: 1 of 3 moves done\n",
	        ("| 1 | web-1 | node2 | node1 | live | 4 GiB | 12 GiB | pinned to it | ✅ 3.2 s, 118 ms down, post-copy "
	         "|\n"),
	        "| 🔄 running |\n",
	        "| waits (hold): until Monday |\n",
	        "| [node1](inventory/node1.yaml) | ████░░░░░░ 40 % | 6 GiB | 15 GiB | 4 GiB | 2 | ok |\n",
	        "██████████ 106 % **over** | 16 GiB | 15 GiB | 10 GiB | 1 | no route to host |\n",
	        "| db-2 | node3 | node1, node2 | report |\n",
	        "| db-3 | node4 |\n",
	        "- **db-4**\n",
	        "| db-5 | node2 | u2 | stopped |\n",
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strstr(page, wanted[i]) == NULL) {
			fail_msg("%s\nis not in\n%s", wanted[i], page);
		}
	}
}

static void test_picture_shows_what_leaves_and_arrives(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	set_scene(&scene);
	const char *picture = picture_svg(arena, &scene.plan, scene.progress, &scene.inventory);
	assert_non_null(strstr(picture, "class=\"moved\""));
	assert_non_null(strstr(picture, "<title>web-1: 4 GiB, running, from node2</title>"));
	assert_non_null(strstr(picture, "<title>web-2: 2 GiB, running, to node2</title>"));
	assert_non_null(strstr(picture, "<title>web-2: 2 GiB, running, from node1</title>"));
	assert_non_null(strstr(picture, "no answer"));
	assert_non_null(strstr(picture, "class=\"over\""));
	/* Come on a hop, about to go on: it leaves. */
	scene.progress[2].state = MOVE_DONE;
	scene.moves[1] = move_of(&scene.vms[2], "node1", "node2");
	scene.moves[2].from = "node3";
	scene.vms[1].uuid = "other";
	struct vm here = scene.vms[2];
	scene.hosts[0].vms = &here;
	scene.hosts[0].vm_count = 1;
	scene.inventory.host_count = 1;
	picture = picture_svg(arena, &scene.plan, scene.progress, &scene.inventory);
	assert_non_null(strstr(picture, "class=\"leaves\""));
	assert_null(strstr(picture, "class=\"moved\""));
	const char *plain = picture_svg(arena, NULL, NULL, &scene.inventory);
	assert_null(strstr(plain, "class=\"leaves\""));
	const struct inventory nothing = {0};
	assert_non_null(strstr(picture_svg(arena, NULL, NULL, &nothing), "</svg>\n"));
}

static void test_text_is_wrapped_not_cut(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	set_scene(&scene);
	scene.status.reason = "a rather long reason that does not fit into one line of this terminal";
	const char *text = status_text(arena, &scene.status, 40, true);
	assert_non_null(strstr(text, "\033[36mprogressing\033[0m: a rather long reason that\n"
	                             "        does not fit into one line of\n        this terminal\n"));
	assert_non_null(strstr(text, "web-1: node2 → node1, live, 3.2 s"));
}

static void test_subject_fits(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	set_scene(&scene);
	const struct move *move = &scene.moves[0];
	struct move_progress progress = scene.progress[0];
	assert_string_equal(status_subject_of_move(arena, move, &progress),
	                    "web-1: node2 → node1, live, 3.2 s, 118 ms down, post-copy");
	progress.downtime_ms = 0;
	progress.stall = NULL;
	assert_string_equal(status_subject_of_move(arena, move, &progress), "web-1: node2 → node1, live, 3.2 s");
	progress.state = MOVE_FAILED;
	progress.error = "operation failed:\njob 'migration out' unexpectedly failed";
	assert_string_equal(status_subject_of_move(arena, move, &progress),
	                    "web-1: node2 → node1 failed: operation failed:?job 'migration out' unexpectedly failed");
	progress.error = "operation failed: job 'migration out' unexpectedly failed, operation failed: job 'migration "
	                 "out' unexpectedly failed";
	const char *subject = status_subject_of_move(arena, move, &progress);
	assert_int_equal(text_width(subject), 120);
	assert_string_equal(subject + strlen(subject) - 3, "…");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_yaml_is_that_of_the_specification),
	        cmocka_unit_test(test_nothing_known_is_still_a_document),
	        cmocka_unit_test(test_json_has_the_same_keys),
	        cmocka_unit_test(test_files_are_as_they_were_when_nothing_happened),
	        cmocka_unit_test(test_foreign_text_does_nothing),
	        cmocka_unit_test(test_page_tells_what_matters),
	        cmocka_unit_test(test_picture_shows_what_leaves_and_arrives),
	        cmocka_unit_test(test_text_is_wrapped_not_cut),
	        cmocka_unit_test(test_subject_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
