#include "state/proposal.h"

#include "state/arena.h"
#include "state/json.h"
#include "state/text.h"
#include "state/units.h"

#include <inttypes.h>

static const char *const KINDS[] = {
        [PROPOSAL_BALANCE] = "balance",
        [PROPOSAL_DRAIN] = "drain",
        [PROPOSAL_VM] = "vm",
};

static const char *const MEASURES[] = {
        [PROPOSAL_BALANCE] = "spread",
        [PROPOSAL_DRAIN] = "vms",
        [PROPOSAL_VM] = "free",
};

bool proposal_is_empty(const struct proposal *proposal)
{
	return proposal->change_count == 0 && proposal->maintenance == NULL;
}

static void put_gain(struct json *json, const struct proposal *proposal)
{
	json_open_object(json, "gain");
	json_put_text(json, "measure", MEASURES[proposal->kind]);
	if (proposal->kind == PROPOSAL_BALANCE) {
		json_put_millionths(json, "before", proposal->before);
		json_put_millionths(json, "after", proposal->after);
	} else {
		json_put_number(json, "before", proposal->before);
		json_put_number(json, "after", proposal->after);
	}
	json_close(json);
}

const char *proposal_json(struct arena *arena, const struct proposal *proposal)
{
	struct json *json = json_begin(arena);
	json_put_number(json, "berth", 1);
	json_put_text(json, "kind", KINDS[proposal->kind]);
	json_put_text(json, "subject", proposal->subject);
	json_put_text(json, "maintenance", proposal->maintenance);
	json_open_list(json, "changes");
	for (size_t i = 0; i < proposal->change_count; i++) {
		json_open_object(json, NULL);
		json_put_text(json, "vm", proposal->changes[i].vm);
		json_put_text(json, "from", proposal->changes[i].from);
		json_put_text(json, "to", proposal->changes[i].to);
		json_close(json);
	}
	json_close(json);
	put_gain(json, proposal);
	json_open_list(json, "left");
	for (size_t i = 0; i < proposal->left_count; i++) {
		json_open_object(json, NULL);
		json_put_text(json, "vm", proposal->left[i].vm);
		json_put_text(json, "reason", proposal->left[i].reason);
		json_close(json);
	}
	json_close(json);
	plan_put(json, "plan", proposal->plan);
	return json_end(json);
}

static const char *count_vms(struct arena *arena, int64_t count)
{
	return arena_print(arena, "%" PRId64 " %s", count, count == 1 ? "VM" : "VMs");
}

/* `12.34 %` */
static const char *percent(struct arena *arena, int64_t millionths)
{
	return arena_print(arena, "%" PRId64 ".%02d %%", millionths / 10000, (int)(millionths / 100 % 100));
}

static void add_balance(struct text *text, struct arena *arena, const struct proposal *proposal)
{
	if (proposal_is_empty(proposal)) {
		text_print(text, "Nothing to propose: no move would gain enough; the spread over %zu %s is %s.\n",
		           proposal->host_count, proposal->host_count == 1 ? "host" : "hosts",
		           percent(arena, proposal->before));
		return;
	}
	text_print(text, "Balance: spread %s → %s over %zu hosts, with %s elsewhere\n",
	           percent(arena, proposal->before), percent(arena, proposal->after), proposal->host_count,
	           count_vms(arena, (int64_t)proposal->change_count));
}

static void add_drain(struct text *text, struct arena *arena, const struct proposal *proposal)
{
	const char *host = text_printable(arena, proposal->subject);
	text_print(text, "Drain %s: %s on it → %" PRId64 "\n", host, count_vms(arena, proposal->before),
	           proposal->after);
	if (proposal->maintenance != NULL) {
		text_print(text, "%s is to be in maintenance\n", host);
	}
	if (proposal->left_count > 0) {
		text_print(text, "\nLeft on %s\n", host);
	}
	for (size_t i = 0; i < proposal->left_count; i++) {
		text_print(text, "  %s: %s\n", text_printable(arena, proposal->left[i].vm),
		           text_printable(arena, proposal->left[i].reason));
	}
}

static void add_vm(struct text *text, struct arena *arena, const struct proposal *proposal)
{
	const char *vm = text_printable(arena, proposal->subject);
	if (proposal->note != NULL) {
		text_print(text, "Nothing to propose: %s\n", text_printable(arena, proposal->note));
		return;
	}
	text_print(text, "Move %s: with it there is %s free on its host → %s\n", vm,
	           units_size_short(arena, proposal->before), units_size_short(arena, proposal->after));
}

static void add_changes(struct text *text, struct arena *arena, const struct proposal *proposal)
{
	if (proposal->change_count > 0) {
		text_add(text, "\nNew hosts\n");
	}
	for (size_t i = 0; i < proposal->change_count; i++) {
		const struct change *change = &proposal->changes[i];
		text_print(text, "  %s: %s → %s\n", text_printable(arena, change->vm),
		           text_printable(arena, change->from), text_printable(arena, change->to));
	}
}

const char *proposal_text(struct arena *arena, const struct proposal *proposal, unsigned int columns, bool colour)
{
	struct text text;
	text_init(&text, arena);
	switch (proposal->kind) {
	case PROPOSAL_BALANCE:
		add_balance(&text, arena, proposal);
		break;
	case PROPOSAL_DRAIN:
		add_drain(&text, arena, proposal);
		break;
	case PROPOSAL_VM:
		add_vm(&text, arena, proposal);
		break;
	}
	add_changes(&text, arena, proposal);
	text_add(&text, "\n");
	text_add(&text, plan_text(arena, proposal->plan, columns, colour));
	return text_string(&text);
}
