#include "state/arena.h"
#include "state/json.h"
#include "state/status.h"
#include "state/status_forms.h"
#include "state/units.h"
#include "state/yaml.h"

#include <inttypes.h>

/*
 * status.yaml and `berth status -o json` are one content, told to a writer of either kind. In a list the key is NULL;
 * flow: on one line, where the writer has a choice.
 */
struct teller {
	struct arena *arena;
	struct yaml_writer *yaml; /* one of the two */
	struct json *json;
};

static void yaml_key(const struct teller *teller, const char *key)
{
	if (key != NULL) {
		yaml_write_key(teller->yaml, key);
	}
}

static void open_map(const struct teller *teller, const char *key, bool flow)
{
	if (teller->json != NULL) {
		json_open_object(teller->json, key);
	} else {
		yaml_key(teller, key);
		yaml_write_map(teller->yaml, flow);
	}
}

static void open_list(const struct teller *teller, const char *key, bool flow)
{
	if (teller->json != NULL) {
		json_open_list(teller->json, key);
	} else {
		yaml_key(teller, key);
		yaml_write_list(teller->yaml, flow);
	}
}

static void close_last(const struct teller *teller)
{
	if (teller->json != NULL) {
		json_close(teller->json);
	} else {
		yaml_write_close(teller->yaml);
	}
}

static void tell_null(const struct teller *teller, const char *key)
{
	if (teller->json != NULL) {
		json_put_null(teller->json, key);
	} else {
		yaml_key(teller, key);
		yaml_write_plain(teller->yaml, "null");
	}
}

static void tell_string(const struct teller *teller, const char *key, const char *string)
{
	if (string == NULL) {
		tell_null(teller, key);
	} else if (teller->json != NULL) {
		json_put_text(teller->json, key, string);
	} else {
		yaml_key(teller, key);
		yaml_write_string(teller->yaml, string);
	}
}

static void tell_number(const struct teller *teller, const char *key, int64_t number)
{
	if (teller->json != NULL) {
		json_put_number(teller->json, key, number);
	} else {
		yaml_key(teller, key);
		yaml_write_plain(teller->yaml, arena_print(teller->arena, "%" PRId64, number));
	}
}

static void tell_size(const struct teller *teller, const char *key, uint64_t number)
{
	tell_number(teller, key, number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

static void tell_bool(const struct teller *teller, const char *key, bool value)
{
	if (teller->json != NULL) {
		json_put_bool(teller->json, key, value);
	} else {
		yaml_key(teller, key);
		yaml_write_plain(teller->yaml, value ? "true" : "false");
	}
}

static void tell_time(const struct teller *teller, const char *key, int64_t seconds)
{
	if (seconds == 0) {
		tell_null(teller, key);
	} else if (teller->json != NULL) {
		json_put_text(teller->json, key, units_time(teller->arena, seconds));
	} else {
		yaml_key(teller, key);
		yaml_write_plain(teller->yaml, units_time(teller->arena, seconds));
	}
}

/* In seconds with three decimals: how much longer than libvirt's own migration it took can be told from it. */
static void tell_seconds(const struct teller *teller, const char *key, uint64_t ms)
{
	if (teller->json != NULL) {
		json_put_millionths(teller->json, key, (int64_t)ms * 1000);
	} else {
		yaml_key(teller, key);
		yaml_write_plain(teller->yaml,
		                 arena_print(teller->arena, "%" PRIu64 ".%03" PRIu64, ms / 1000, ms % 1000));
	}
}

static void tell_counts(const struct teller *teller, const struct counts *counts)
{
	open_map(teller, "counts", true);
	tell_size(teller, "vms", counts->vms);
	tell_size(teller, "in_place", counts->in_place);
	tell_size(teller, "to_move", counts->to_move);
	tell_size(teller, "blocked", counts->blocked);
	tell_size(teller, "drifted", counts->drifted);
	tell_size(teller, "unmanaged", counts->unmanaged);
	tell_size(teller, "missing", counts->missing);
	tell_size(teller, "unknown", counts->unknown);
	close_last(teller);
}

/* What changes while a move runs is not told: it alone would make a commit. */
static void tell_progress(const struct teller *teller, const struct move_progress *progress)
{
	bool ended = progress->state != MOVE_PENDING && progress->state != MOVE_RUNNING;
	tell_string(teller, "state", move_state_word(progress->state));
	tell_time(teller, "started", progress->started);
	if (ended) {
		tell_seconds(teller, "seconds", progress->ms);
		tell_size(teller, "downtime_ms", progress->downtime_ms);
		tell_size(teller, "bytes", progress->bytes);
		tell_string(teller, "stall", progress->stall);
		tell_size(teller, "iterations", progress->iterations);
		tell_size(teller, "dirty_bytes_per_s", progress->dirty_bytes_per_s);
	} else {
		tell_null(teller, "seconds");
		tell_null(teller, "downtime_ms");
		tell_null(teller, "bytes");
		tell_null(teller, "stall");
		tell_null(teller, "iterations");
		tell_null(teller, "dirty_bytes_per_s");
	}
	tell_string(teller, "error", progress->error);
}

static void tell_move(const struct teller *teller, const struct move *move, size_t step,
                      const struct move_progress *progress)
{
	open_map(teller, NULL, false);
	tell_size(teller, "step", step);
	tell_string(teller, "vm", move->vm);
	tell_string(teller, "uuid", move->uuid);
	tell_string(teller, "from", move->from);
	tell_string(teller, "to", move->to);
	tell_string(teller, "mode", move_mode_word(move->mode));
	tell_size(teller, "memory", move->memory);
	tell_size(teller, "disk", move->disk);
	tell_bool(teller, "hop", move->hop);
	tell_string(teller, "reason", move->reason);
	open_map(teller, "free_after", true);
	tell_number(teller, move->from, move->free_from_after);
	tell_number(teller, move->to, move->free_to_after);
	close_last(teller);
	if (move->waits == NULL) {
		tell_null(teller, "waits");
	} else {
		open_map(teller, "waits", true);
		tell_string(teller, "code", code_word(move->waits->code));
		tell_string(teller, "reason", move->waits->text);
		close_last(teller);
	}
	tell_progress(teller, progress);
	close_last(teller);
}

static void tell_plan(const struct teller *teller, const struct status *status)
{
	const struct plan *plan = status->plan;
	if (plan == NULL) {
		tell_null(teller, "plan");
		return;
	}
	open_map(teller, "plan", false);
	tell_string(teller, "id", plan->id);
	open_list(teller, "moves", false);
	for (size_t i = 0; i < plan->move_count; i++) {
		struct move_progress progress = status_progress(status, i);
		tell_move(teller, &plan->moves[i], i + 1, &progress);
	}
	close_last(teller);
	close_last(teller);
}

static void tell_drift(const struct teller *teller, const struct plan *plan)
{
	open_list(teller, "drift", false);
	for (size_t i = 0; i < plan->drift_count; i++) {
		const struct drifted_vm *vm = &plan->drift[i];
		open_map(teller, NULL, false);
		tell_string(teller, "vm", vm->vm);
		open_list(teller, "desired", true);
		for (size_t j = 0; j < vm->desired_count; j++) {
			tell_string(teller, NULL, vm->desired[j]);
		}
		close_last(teller);
		tell_string(teller, "actual", vm->actual);
		tell_string(teller, "action", drift_word(vm->action));
		close_last(teller);
	}
	close_last(teller);
}

static void tell_contested(const struct teller *teller, const char *key, const struct contested_vm *vms, size_t count)
{
	open_list(teller, key, false);
	for (size_t i = 0; i < count; i++) {
		open_map(teller, NULL, false);
		tell_string(teller, "vm", vms[i].vm);
		open_list(teller, "on", false);
		for (size_t j = 0; j < vms[i].on_count; j++) {
			const struct sighting *on = &vms[i].on[j];
			open_map(teller, NULL, true);
			tell_string(teller, "host", on->host);
			tell_string(teller, "uuid", on->uuid);
			tell_string(teller, "state", vm_state_word(on->state));
			close_last(teller);
		}
		close_last(teller);
		close_last(teller);
	}
	close_last(teller);
}

/* What the plan found beside its moves: empty lists where there is none. */
static void tell_findings(const struct teller *teller, const struct plan *found)
{
	static const struct plan nothing = {0};
	const struct plan *plan = found == NULL ? &nothing : found;
	open_list(teller, "blocked", false);
	for (size_t i = 0; i < plan->blocked_count; i++) {
		open_map(teller, NULL, false);
		tell_string(teller, "vm", plan->blocked[i].vm);
		tell_string(teller, "code", code_word(plan->blocked[i].reason.code));
		tell_string(teller, "reason", plan->blocked[i].reason.text);
		close_last(teller);
	}
	close_last(teller);
	tell_drift(teller, plan);
	tell_contested(teller, "decisions", plan->decisions, plan->decision_count);
	tell_contested(teller, "conflicts", plan->conflicts, plan->conflict_count);
	open_list(teller, "hosts", false);
	for (size_t i = 0; i < plan->host_count; i++) {
		const char *connection = plan->hosts[i].connection;
		open_map(teller, NULL, true);
		tell_string(teller, "host", plan->hosts[i].host);
		tell_string(teller, "connection", connection == NULL ? "ok" : connection);
		close_last(teller);
	}
	close_last(teller);
}

static void tell_failures(const struct teller *teller, const struct status *status)
{
	open_list(teller, "failures", false);
	for (size_t i = 0; i < status->failure_count; i++) {
		const struct failure *failure = &status->failures[i];
		open_map(teller, NULL, false);
		tell_string(teller, "vm", failure->vm);
		tell_number(teller, "attempts", failure->attempts);
		tell_time(teller, "next", failure->next);
		tell_string(teller, "error", failure->error);
		close_last(teller);
	}
	close_last(teller);
}

/* The keys of spec section 6, in its order. */
static void tell(const struct teller *teller, const struct status *status)
{
	tell_number(teller, "berth", 1);
	tell_string(teller, "desired", status->desired);
	tell_string(teller, "phase", phase_word(status->phase));
	tell_string(teller, "reason", status->reason);
	tell_counts(teller, &status->counts);
	tell_plan(teller, status);
	tell_findings(teller, status->plan);
	tell_failures(teller, status);
	tell_string(teller, "error", status_errors(teller->arena, status));
}

const char *status_yaml(struct arena *arena, const struct status *status)
{
	const struct teller teller = {.arena = arena, .yaml = yaml_write_begin(arena)};
	yaml_write_map(teller.yaml, false);
	tell(&teller, status);
	yaml_write_close(teller.yaml);
	return yaml_write_end(teller.yaml);
}

const char *status_json(struct arena *arena, const struct status *status)
{
	const struct teller teller = {.arena = arena, .json = json_begin(arena)};
	tell(&teller, status);
	return json_end(teller.json);
}
