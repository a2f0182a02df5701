/* The plan as JSON: the keys of spec section 4, in its order. */
#include "state/json.h"
#include "state/plan.h"

static void put_reason(struct json *json, const char *key, const struct reason *reason)
{
	if (reason == NULL) {
		json_put_null(json, key);
		return;
	}
	json_open_object(json, key);
	json_put_text(json, "code", code_word(reason->code));
	json_put_text(json, "reason", reason->text);
	json_close(json);
}

static void put_move(struct json *json, const struct move *move, size_t step)
{
	json_open_object(json, NULL);
	json_put_size(json, "step", step);
	json_put_text(json, "vm", move->vm);
	json_put_text(json, "uuid", move->uuid);
	json_put_text(json, "from", move->from);
	json_put_text(json, "to", move->to);
	json_put_text(json, "mode", move_mode_word(move->mode));
	json_put_size(json, "memory", move->memory);
	json_put_size(json, "disk", move->disk);
	json_put_bool(json, "hop", move->hop);
	json_put_text(json, "reason", move->reason);
	json_open_object(json, "free_after");
	json_put_number(json, move->from, move->free_from_after);
	json_put_number(json, move->to, move->free_to_after);
	json_close(json);
	put_reason(json, "waits", move->waits);
	json_close(json);
}

static void put_blocked(struct json *json, const struct plan *plan)
{
	json_open_list(json, "blocked");
	for (size_t i = 0; i < plan->blocked_count; i++) {
		json_open_object(json, NULL);
		json_put_text(json, "vm", plan->blocked[i].vm);
		json_put_text(json, "code", code_word(plan->blocked[i].reason.code));
		json_put_text(json, "reason", plan->blocked[i].reason.text);
		json_close(json);
	}
	json_close(json);
}

static void put_drift(struct json *json, const struct plan *plan)
{
	json_open_list(json, "drift");
	for (size_t i = 0; i < plan->drift_count; i++) {
		const struct drifted_vm *drift = &plan->drift[i];
		json_open_object(json, NULL);
		json_put_text(json, "vm", drift->vm);
		json_open_list(json, "desired");
		for (size_t j = 0; j < drift->desired_count; j++) {
			json_put_text(json, NULL, drift->desired[j]);
		}
		json_close(json);
		json_put_text(json, "actual", drift->actual);
		json_put_text(json, "action", drift_word(drift->action));
		json_close(json);
	}
	json_close(json);
}

static void put_absent(struct json *json, const struct plan *plan)
{
	json_open_list(json, "missing");
	for (size_t i = 0; i < plan->missing_count; i++) {
		json_open_object(json, NULL);
		json_put_text(json, "vm", plan->missing[i].vm);
		json_close(json);
	}
	json_close(json);
	json_open_list(json, "unknown");
	for (size_t i = 0; i < plan->unknown_count; i++) {
		json_open_object(json, NULL);
		json_put_text(json, "vm", plan->unknown[i].vm);
		json_put_text(json, "last_seen", plan->unknown[i].last_seen);
		json_close(json);
	}
	json_close(json);
}

static void put_unmanaged(struct json *json, const struct plan *plan)
{
	json_open_list(json, "unmanaged");
	for (size_t i = 0; i < plan->unmanaged_count; i++) {
		json_open_object(json, NULL);
		json_put_text(json, "vm", plan->unmanaged[i].vm);
		json_put_text(json, "uuid", plan->unmanaged[i].uuid);
		json_put_text(json, "host", plan->unmanaged[i].host);
		json_put_size(json, "memory", plan->unmanaged[i].memory);
		json_close(json);
	}
	json_close(json);
}

static void put_contested(struct json *json, const char *key, const struct contested_vm *list, size_t count)
{
	json_open_list(json, key);
	for (size_t i = 0; i < count; i++) {
		json_open_object(json, NULL);
		json_put_text(json, "vm", list[i].vm);
		json_open_list(json, "on");
		for (size_t j = 0; j < list[i].on_count; j++) {
			json_open_object(json, NULL);
			json_put_text(json, "host", list[i].on[j].host);
			json_put_text(json, "uuid", list[i].on[j].uuid);
			json_put_text(json, "state", vm_state_word(list[i].on[j].state));
			json_close(json);
		}
		json_close(json);
		json_close(json);
	}
	json_close(json);
}

static void put_hosts(struct json *json, const struct plan *plan)
{
	json_open_list(json, "hosts");
	for (size_t i = 0; i < plan->host_count; i++) {
		const struct host_claims *host = &plan->hosts[i];
		json_open_object(json, NULL);
		json_put_text(json, "host", host->host);
		json_put_text(json, "connection", host->connection == NULL ? "ok" : host->connection);
		json_put_size(json, "capacity", host->capacity);
		json_put_size(json, "claims_before", host->claims_before);
		json_put_size(json, "claims_after", host->claims_after);
		json_close(json);
	}
	json_close(json);
}

static void put_plan(struct json *json, const struct plan *plan)
{
	json_put_number(json, "berth", 1);
	json_put_text(json, "id", plan->id);
	json_put_text(json, "desired", plan->desired);
	json_put_bool(json, "in_sync", plan->in_sync);
	json_put_bool(json, "feasible", plan->feasible);
	json_open_list(json, "moves");
	for (size_t i = 0; i < plan->move_count; i++) {
		put_move(json, &plan->moves[i], i + 1);
	}
	json_close(json);
	json_put_size(json, "bound", plan->bound);
	json_put_bool(json, "optimal", plan->optimal);
	json_put_size(json, "memory", plan->memory);
	json_put_size(json, "disk", plan->disk);
	put_blocked(json, plan);
	put_drift(json, plan);
	put_absent(json, plan);
	put_unmanaged(json, plan);
	put_contested(json, "conflicts", plan->conflicts, plan->conflict_count);
	put_contested(json, "decisions", plan->decisions, plan->decision_count);
	put_hosts(json, plan);
	json_open_list(json, "warnings");
	for (size_t i = 0; i < plan->warning_count; i++) {
		json_put_text(json, NULL, plan->warnings[i]);
	}
	json_close(json);
}

void plan_put(struct json *json, const char *key, const struct plan *plan)
{
	json_open_object(json, key);
	put_plan(json, plan);
	json_close(json);
}

const char *plan_json(struct arena *arena, const struct plan *plan)
{
	struct json *json = json_begin(arena);
	put_plan(json, plan);
	return json_end(json);
}
