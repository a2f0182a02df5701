#include "state/status_read.h"

#include "state/arena.h"
#include "state/problems.h"
#include "state/text.h"
#include "state/units.h"
#include "state/yaml.h"

#include <errno.h>
#include <stdio.h>

/* NULL for a key that is not there, or null, or no scalar. */
static const char *get_text(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key, NULL);
	return node == NULL || node->kind != YAML_SCALAR || yaml_is_null(node) ? NULL : node->text;
}

static const char *get_word(const struct yaml_node *map, const char *key)
{
	const char *text = get_text(map, key);
	return text == NULL ? "" : text;
}

static uint64_t get_number(const struct yaml_node *map, const char *key)
{
	uint64_t number = 0;
	units_parse_number(get_word(map, key), 0, INT64_MAX, &number);
	return number;
}

/* Of whole seconds, or seconds with three decimals. */
static uint64_t get_ms(const struct yaml_node *map, const char *key)
{
	unsigned long long seconds = 0;
	unsigned int ms = 0;
	sscanf(get_word(map, key), "%12llu.%3u", &seconds, &ms);
	return seconds * 1000 + ms;
}

static int64_t get_time(const struct yaml_node *map, const char *key)
{
	int64_t seconds = 0;
	units_parse_time(get_word(map, key), &seconds);
	return seconds;
}

/* A list of mappings; ret_count is 0 when there is none. What is no mapping in it is read as an empty one. */
static struct yaml_node *const *get_list(const struct yaml_node *map, const char *key, size_t *ret_count)
{
	const struct yaml_node *node = yaml_get(map, key, NULL);
	bool is_list = node != NULL && node->kind == YAML_SEQUENCE;
	for (size_t i = 0; is_list && i < node->count; i++) {
		is_list = node->items[i]->kind == YAML_MAPPING;
	}
	*ret_count = is_list ? node->count : 0;
	return is_list ? node->items : NULL;
}

static const struct yaml_node *get_map(const struct yaml_node *map, const char *key)
{
	static const struct yaml_node nothing = {.kind = YAML_MAPPING};
	const struct yaml_node *node = yaml_get(map, key, NULL);
	return node != NULL && node->kind == YAML_MAPPING ? node : &nothing;
}

static enum move_mode read_mode(const char *word)
{
	for (enum move_mode mode = MOVE_LIVE; mode <= MOVE_OFFLINE; mode++) {
		if (text_equal(word, move_mode_word(mode))) {
			return mode;
		}
	}
	return MOVE_LIVE;
}

static enum move_state read_state(const char *word)
{
	for (enum move_state state = MOVE_PENDING; state <= MOVE_CANCELLED; state++) {
		if (text_equal(word, move_state_word(state))) {
			return state;
		}
	}
	return MOVE_PENDING;
}

static const struct reason *read_waits(struct arena *arena, const struct yaml_node *node)
{
	const struct yaml_node *map = yaml_get(node, "waits", NULL);
	if (map == NULL || map->kind != YAML_MAPPING) {
		return NULL;
	}
	struct reason *waits = arena_alloc(arena, sizeof(*waits));
	waits->code = CODE_HOLD;
	code_parse(get_word(map, "code"), &waits->code);
	waits->text = get_word(map, "reason");
	return waits;
}

static int64_t read_free(const struct yaml_node *node, const char *host)
{
	const char *text = get_word(get_map(node, "free_after"), host);
	bool negative = text[0] == '-';
	uint64_t number = 0;
	units_parse_number(negative ? text + 1 : text, 0, INT64_MAX, &number);
	return negative ? -(int64_t)number : (int64_t)number;
}

static void read_move(struct arena *arena, const struct yaml_node *node, struct move *move,
                      struct move_progress *progress)
{
	*move = (struct move){
	        .vm = get_word(node, "vm"),
	        .uuid = get_word(node, "uuid"),
	        .from = get_word(node, "from"),
	        .to = get_word(node, "to"),
	        .mode = read_mode(get_word(node, "mode")),
	        .memory = get_number(node, "memory"),
	        .disk = get_number(node, "disk"),
	        .hop = text_equal(get_word(node, "hop"), "true"),
	        .reason = get_word(node, "reason"),
	        .waits = read_waits(arena, node),
	};
	move->free_from_after = read_free(node, move->from);
	move->free_to_after = read_free(node, move->to);
	*progress = (struct move_progress){
	        .state = read_state(get_word(node, "state")),
	        .started = get_time(node, "started"),
	        .ms = get_ms(node, "seconds"),
	        .downtime_ms = get_number(node, "downtime_ms"),
	        .bytes = get_number(node, "bytes"),
	        .stall = get_text(node, "stall"),
	        .iterations = get_number(node, "iterations"),
	        .dirty_bytes_per_s = get_number(node, "dirty_bytes_per_s"),
	        .error = get_text(node, "error"),
	};
}

static void read_moves(struct arena *arena, const struct yaml_node *top, struct plan *plan, struct status *status)
{
	const struct yaml_node *map = get_map(top, "plan");
	struct yaml_node *const *items = get_list(map, "moves", &plan->move_count);
	struct move_progress *progress = arena_array(arena, plan->move_count, sizeof(*progress));
	plan->id = get_word(map, "id");
	plan->moves = arena_array(arena, plan->move_count, sizeof(*plan->moves));
	for (size_t i = 0; i < plan->move_count; i++) {
		read_move(arena, items[i], &plan->moves[i], &progress[i]);
	}
	status->progress = progress;
}

static void read_drift(struct arena *arena, const struct yaml_node *node, struct drifted_vm *vm)
{
	const struct yaml_node *desired = yaml_get(node, "desired", NULL);
	*vm = (struct drifted_vm){
	        .vm = get_word(node, "vm"),
	        .actual = get_word(node, "actual"),
	        .action = text_equal(get_word(node, "action"), "report") ? DRIFT_REPORT : DRIFT_CORRECT,
	};
	for (size_t i = 0; desired != NULL && desired->kind == YAML_SEQUENCE && i < desired->count; i++) {
		const struct yaml_node *host = desired->items[i];
		ARENA_ADD(arena, vm->desired, vm->desired_count) = host->kind == YAML_SCALAR ? host->text : "";
	}
}

static struct contested_vm *read_contested(struct arena *arena, const struct yaml_node *top, const char *key,
                                           size_t *ret_count)
{
	struct yaml_node *const *items = get_list(top, key, ret_count);
	struct contested_vm *vms = arena_array(arena, *ret_count, sizeof(*vms));
	for (size_t i = 0; i < *ret_count; i++) {
		struct yaml_node *const *on = get_list(items[i], "on", &vms[i].on_count);
		vms[i].vm = get_word(items[i], "vm");
		vms[i].on = arena_array(arena, vms[i].on_count, sizeof(*vms[i].on));
		for (size_t j = 0; j < vms[i].on_count; j++) {
			vms[i].on[j].host = get_word(on[j], "host");
			vms[i].on[j].uuid = get_word(on[j], "uuid");
			vms[i].on[j].state = VM_STOPPED;
			vm_state_parse(get_word(on[j], "state"), &vms[i].on[j].state);
		}
	}
	return vms;
}

static void read_findings(struct arena *arena, const struct yaml_node *top, struct plan *plan)
{
	struct yaml_node *const *items = get_list(top, "blocked", &plan->blocked_count);
	plan->blocked = arena_array(arena, plan->blocked_count, sizeof(*plan->blocked));
	for (size_t i = 0; i < plan->blocked_count; i++) {
		plan->blocked[i].vm = get_word(items[i], "vm");
		plan->blocked[i].reason.code = CODE_UNKNOWN;
		code_parse(get_word(items[i], "code"), &plan->blocked[i].reason.code);
		plan->blocked[i].reason.text = get_word(items[i], "reason");
	}
	items = get_list(top, "drift", &plan->drift_count);
	plan->drift = arena_array(arena, plan->drift_count, sizeof(*plan->drift));
	for (size_t i = 0; i < plan->drift_count; i++) {
		read_drift(arena, items[i], &plan->drift[i]);
	}
	plan->decisions = read_contested(arena, top, "decisions", &plan->decision_count);
	plan->conflicts = read_contested(arena, top, "conflicts", &plan->conflict_count);
	items = get_list(top, "hosts", &plan->host_count);
	plan->hosts = arena_array(arena, plan->host_count, sizeof(*plan->hosts));
	for (size_t i = 0; i < plan->host_count; i++) {
		const char *connection = get_word(items[i], "connection");
		plan->hosts[i].host = get_word(items[i], "host");
		plan->hosts[i].connection = text_equal(connection, "ok") ? NULL : connection;
	}
}

static void read_failures(struct arena *arena, const struct yaml_node *top, struct status *status)
{
	struct yaml_node *const *items = get_list(top, "failures", &status->failure_count);
	struct failure *failures = arena_array(arena, status->failure_count, sizeof(*failures));
	for (size_t i = 0; i < status->failure_count; i++) {
		failures[i].vm = get_word(items[i], "vm");
		failures[i].attempts = (unsigned int)get_number(items[i], "attempts");
		failures[i].next = get_time(items[i], "next");
		failures[i].error = get_text(items[i], "error");
	}
	status->failures = failures;
}

static bool read_phase(const char *word, enum phase *ret_phase)
{
	for (enum phase phase = PHASE_INVALID; phase <= PHASE_IN_SYNC; phase++) {
		if (text_equal(word, phase_word(phase))) {
			*ret_phase = phase;
			return true;
		}
	}
	return false;
}

int status_read(struct arena *arena, const struct desired_file *file, const struct status **ret_status,
                struct error *err)
{
	struct problems problems;
	problems_init(&problems, arena);
	const struct yaml_node *top = yaml_read(arena, file, &problems);
	struct status *status = arena_alloc(arena, sizeof(*status));
	struct plan *plan = arena_alloc(arena, sizeof(*plan));
	if (top == NULL || top->kind != YAML_MAPPING || problems.count > 0 ||
	    !read_phase(get_word(top, "phase"), &status->phase)) {
		return error_set(err, -EBADMSG, "%s on the status branch is not one of berth's", file->name);
	}
	const struct yaml_node *counts = get_map(top, "counts");
	status->desired = get_text(top, "desired");
	status->reason = get_word(top, "reason");
	status->counts = (struct counts){
	        .vms = get_number(counts, "vms"),
	        .in_place = get_number(counts, "in_place"),
	        .to_move = get_number(counts, "to_move"),
	        .blocked = get_number(counts, "blocked"),
	        .drifted = get_number(counts, "drifted"),
	        .unmanaged = get_number(counts, "unmanaged"),
	        .missing = get_number(counts, "missing"),
	        .unknown = get_number(counts, "unknown"),
	};
	status->error = get_text(top, "error");
	read_moves(arena, top, plan, status);
	read_findings(arena, top, plan);
	read_failures(arena, top, status);
	status->plan = plan;
	*ret_status = status;
	return 0;
}
