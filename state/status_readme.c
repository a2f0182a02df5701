#include "state/arena.h"
#include "state/escape.h"
#include "state/status.h"
#include "state/status_forms.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROWS = 100, /* of one table: a page is read by people */
	BAR = 10,
};

struct page {
	struct arena *arena;
	struct text text;
};

static const char *md(const struct page *page, const char *foreign)
{
	return escape_markdown(page->arena, foreign);
}

static const char *mark_of(enum phase phase)
{
	switch (phase) {
	case PHASE_INVALID:
		return "❌";
	case PHASE_NEEDS_DECISION:
		return "❓";
	case PHASE_DISCONNECTED:
		return "🔌";
	case PHASE_HELD:
		return "✋";
	case PHASE_PROGRESSING:
		return "🔄";
	case PHASE_BLOCKED:
		return "⛔";
	case PHASE_DRIFTED:
		return "↪️";
	case PHASE_IN_SYNC:
		return "✅";
	}
	abort();
}

static size_t shown(size_t count)
{
	return count < ROWS ? count : ROWS;
}

static void add_rest(struct page *page, size_t count)
{
	if (count > ROWS) {
		text_print(&page->text, "\n… and %zu more.\n", count - ROWS);
	}
}

static void add_count(struct page *page, size_t count, const char *what)
{
	if (count > 0) {
		text_print(&page->text, ", %zu %s", count, what);
	}
}

static void add_head(struct page *page, const struct status *status)
{
	const struct counts *counts = &status->counts;
	const struct plan *plan = status->plan;
	text_print(&page->text, "# %s %s\n\n", mark_of(status->phase), phase_word(status->phase));
	if (status->reason != NULL && status->reason[0] != '\0') {
		text_print(&page->text, "**%s**\n\n", md(page, status->reason));
	}
	text_print(&page->text, "%zu VM%s: %zu in place", counts->vms, counts->vms == 1 ? "" : "s", counts->in_place);
	add_count(page, counts->to_move, "to move");
	add_count(page, counts->blocked, "blocked");
	add_count(page, counts->drifted, "drifted");
	add_count(page, counts->missing, "missing");
	add_count(page, counts->unknown, "unknown");
	add_count(page, counts->unmanaged, "unmanaged");
	text_add(&page->text, ".\n");
	if (status->desired != NULL) {
		text_print(&page->text, "Placement of commit `%.12s`", md(page, status->desired));
		if (plan != NULL && plan->id != NULL) {
			text_print(&page->text, ", plan `%.19s`", plan->id);
		}
		text_add(&page->text, ".\n");
	}
}

static void add_errors(struct page *page, const struct status *status)
{
	const char *errors = status_errors(page->arena, status);
	if (errors == NULL) {
		return;
	}
	text_add(&page->text, "\n## Error\n\n");
	size_t lines = 0;
	for (const char *line = errors; *line != '\0';) {
		size_t n = strcspn(line, "\n");
		if (++lines <= ROWS) {
			text_print(&page->text, "- **!** %s\n", md(page, arena_copy_n(page->arena, line, n)));
		}
		line += n + (line[n] != '\0');
	}
	add_rest(page, lines);
}

static const char *state_cell(const struct page *page, const struct move *move, const struct move_progress *progress)
{
	const char *error = progress->error == NULL ? "" : arena_print(page->arena, ": %s", md(page, progress->error));
	switch (progress->state) {
	case MOVE_PENDING:
		return move->waits == NULL ? "pending"
		                           : arena_print(page->arena, "waits (%s): %s", code_word(move->waits->code),
		                                         md(page, move->waits->text));
	case MOVE_RUNNING:
		return "🔄 running";
	case MOVE_DONE:
		return arena_print(page->arena, "✅ %s", status_took(page->arena, progress));
	case MOVE_FAILED:
		return arena_print(page->arena, "❌ failed%s", error);
	case MOVE_CANCELLED:
		return arena_print(page->arena, "cancelled%s", error);
	}
	abort();
}

static void add_plan(struct page *page, const struct status *status)
{
	const struct plan *plan = status->plan;
	size_t done = 0;
	if (plan->move_count == 0) {
		return;
	}
	for (size_t i = 0; i < plan->move_count; i++) {
		done += status_progress(status, i).state == MOVE_DONE;
	}
	text_print(&page->text, "\n## Plan: %zu of %zu moves done\n\n", done, plan->move_count);
	text_add(&page->text, "| | VM | from | to | how | RAM | disks | why | state |\n"
	                      "| ---: | --- | --- | --- | --- | ---: | ---: | --- | --- |\n");
	for (size_t i = 0; i < shown(plan->move_count); i++) {
		const struct move *move = &plan->moves[i];
		struct move_progress progress = status_progress(status, i);
		const char *disk = move->disk == 0 ? "" : units_size_short(page->arena, (int64_t)move->disk);
		text_print(&page->text, "| %zu | %s | %s | %s | %s%s | %s | %s | %s | %s |\n", i + 1,
		           md(page, move->vm), md(page, move->from), md(page, move->to), move_mode_word(move->mode),
		           move->hop ? ", hop" : "", units_size_short(page->arena, (int64_t)move->memory), disk,
		           md(page, move->reason), state_cell(page, move, &progress));
	}
	add_rest(page, plan->move_count);
}

/* The host's name, with a link to its inventory where the name is one that berth gives to files. */
static const char *host_link(const struct page *page, const struct inventory *inventory, const char *name)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	if (inventory_host(inventory, name) == NULL || name[strspn(name, safe)] != '\0') {
		return md(page, name);
	}
	return arena_print(page->arena, "[%s](inventory/%s.yaml)", md(page, name), name);
}

static void add_bar(struct page *page, uint64_t part, uint64_t whole)
{
	uint64_t percent = whole == 0 ? 100 : part > UINT64_MAX / 100 ? 999 : part * 100 / whole;
	for (uint64_t i = 0; i < BAR; i++) {
		text_add(&page->text, percent >= (i + 1) * 100 / BAR - 100 / BAR / 2 ? "█" : "░");
	}
	text_print(&page->text, " %llu %%%s", (unsigned long long)percent, part > whole ? " **over**" : "");
}

static void add_hosts(struct page *page, const struct plan *plan, const struct inventory *inventory)
{
	if (plan->host_count == 0) {
		return;
	}
	text_add(&page->text, "\n## Hosts\n\n| host | fill | claimed | of | after the plan | VMs | connection |\n"
	                      "| --- | --- | ---: | ---: | ---: | ---: | --- |\n");
	for (size_t i = 0; i < shown(plan->host_count); i++) {
		const struct host_claims *claims = &plan->hosts[i];
		const struct host *host = inventory_host(inventory, claims->host);
		text_print(&page->text, "| %s | ", host_link(page, inventory, claims->host));
		add_bar(page, claims->claims_before, claims->capacity);
		text_print(&page->text, " | %s | %s | %s | %zu | %s |\n",
		           units_size_short(page->arena, (int64_t)claims->claims_before),
		           units_size_short(page->arena, (int64_t)claims->capacity),
		           units_size_short(page->arena, (int64_t)claims->claims_after),
		           host == NULL ? 0 : host->vm_count,
		           claims->connection == NULL ? "ok" : md(page, claims->connection));
	}
	add_rest(page, plan->host_count);
}

static void add_blocked_and_drift(struct page *page, const struct plan *plan)
{
	if (plan->blocked_count > 0) {
		text_add(&page->text, "\n## Blocked\n\n| VM | code | reason |\n| --- | --- | --- |\n");
	}
	for (size_t i = 0; i < shown(plan->blocked_count); i++) {
		const struct blocked_vm *vm = &plan->blocked[i];
		text_print(&page->text, "| %s | %s | %s |\n", md(page, vm->vm), code_word(vm->reason.code),
		           md(page, vm->reason.text));
	}
	add_rest(page, plan->blocked_count);
	if (plan->drift_count > 0) {
		text_add(&page->text, "\n## Drifted\n\n| VM | is on | belongs on | what is done |\n"
		                      "| --- | --- | --- | --- |\n");
	}
	for (size_t i = 0; i < shown(plan->drift_count); i++) {
		const struct drifted_vm *vm = &plan->drift[i];
		text_print(&page->text, "| %s | %s | ", md(page, vm->vm), md(page, vm->actual));
		for (size_t j = 0; j < vm->desired_count; j++) {
			text_print(&page->text, "%s%s", j == 0 ? "" : ", ", md(page, vm->desired[j]));
		}
		text_print(&page->text, " | %s |\n", drift_word(vm->action));
	}
	add_rest(page, plan->drift_count);
}

static void add_contested(struct page *page, const char *title, const struct contested_vm *vms, size_t count)
{
	if (count > 0) {
		text_print(&page->text, "\n## %s\n\n| VM | host | UUID | state |\n| --- | --- | --- | --- |\n", title);
	}
	for (size_t i = 0; i < shown(count); i++) {
		for (size_t j = 0; j < vms[i].on_count; j++) {
			const struct sighting *on = &vms[i].on[j];
			text_print(&page->text, "| %s | %s | %s | %s |\n", md(page, vms[i].vm), md(page, on->host),
			           md(page, on->uuid), vm_state_word(on->state));
		}
	}
	add_rest(page, count);
}

static void add_absent(struct page *page, const struct plan *plan)
{
	if (plan->unknown_count > 0) {
		text_add(&page->text, "\n## Unknown\n\n| VM | last seen on |\n| --- | --- |\n");
	}
	for (size_t i = 0; i < shown(plan->unknown_count); i++) {
		const struct named_vm *vm = &plan->unknown[i];
		text_print(&page->text, "| %s | %s |\n", md(page, vm->vm),
		           vm->last_seen == NULL ? "" : md(page, vm->last_seen));
	}
	add_rest(page, plan->unknown_count);
	if (plan->missing_count > 0) {
		text_add(&page->text, "\n## Missing\n\nEvery host was asked, none has them:\n\n");
	}
	for (size_t i = 0; i < shown(plan->missing_count); i++) {
		text_print(&page->text, "- **%s**\n", md(page, plan->missing[i].vm));
	}
	add_rest(page, plan->missing_count);
	if (plan->unmanaged_count > 0) {
		text_add(&page->text, "\n## Unmanaged\n\n| VM | host | RAM |\n| --- | --- | ---: |\n");
	}
	for (size_t i = 0; i < shown(plan->unmanaged_count); i++) {
		const struct unmanaged_vm *vm = &plan->unmanaged[i];
		text_print(&page->text, "| %s | %s | %s |\n", md(page, vm->vm), md(page, vm->host),
		           units_size_short(page->arena, (int64_t)vm->memory));
	}
	add_rest(page, plan->unmanaged_count);
}

static void add_failures(struct page *page, const struct status *status)
{
	if (status->failure_count > 0) {
		text_add(&page->text, "\n## Failures\n\n| VM | attempts | not again before | error |\n"
		                      "| --- | ---: | --- | --- |\n");
	}
	for (size_t i = 0; i < shown(status->failure_count); i++) {
		const struct failure *failure = &status->failures[i];
		text_print(&page->text, "| %s | %u | %s | %s |\n", md(page, failure->vm), failure->attempts,
		           failure->next == 0 ? "" : units_time(page->arena, failure->next),
		           failure->error == NULL ? "" : md(page, failure->error));
	}
	add_rest(page, status->failure_count);
}

static void add_warnings(struct page *page, const struct plan *plan)
{
	if (plan->warning_count > 0) {
		text_add(&page->text, "\n## Warnings\n\n");
	}
	for (size_t i = 0; i < shown(plan->warning_count); i++) {
		text_print(&page->text, "- **!** %s\n", md(page, plan->warnings[i]));
	}
	add_rest(page, plan->warning_count);
}

const char *status_readme(struct arena *arena, const struct status *status, const struct inventory *inventory)
{
	static const struct plan nothing = {0};
	const struct plan *plan = status->plan == NULL ? &nothing : status->plan;
	struct page page = {.arena = arena};
	text_init(&page.text, arena);
	add_head(&page, status);
	add_errors(&page, status);
	text_add(&page.text, "\n![The hosts and their VMs](placement.svg)\n");
	add_contested(&page, "Needs a decision", plan->decisions, plan->decision_count);
	add_contested(&page, "Conflicts", plan->conflicts, plan->conflict_count);
	add_blocked_and_drift(&page, plan);
	if (status->plan != NULL) {
		add_plan(&page, status);
	}
	add_failures(&page, status);
	add_hosts(&page, plan, inventory);
	add_absent(&page, plan);
	add_warnings(&page, plan);
	text_add(&page.text, "\nThe same for programs: [status.yaml](status.yaml).\n");
	return text_string(&page.text);
}
