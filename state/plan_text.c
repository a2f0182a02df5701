/* The plan for people: one line when there is nothing to do; otherwise the moves, and below what else is to be known.
 */
#include "state/arena.h"
#include "state/plan.h"
#include "state/text.h"
#include "state/units.h"

#include <string.h>

enum { COLUMNS_LEAST = 20, SHOWN_UNMANAGED = 5 };

struct sheet {
	struct text text;
	struct arena *arena;
	size_t columns;
	bool colour;
};

static const char BOLD[] = "\033[1m";
static const char RED[] = "\033[31m";
static const char YELLOW[] = "\033[33m";
static const char PLAIN[] = "\033[0m";

static void add_coloured(struct sheet *sheet, const char *colour, const char *words)
{
	text_add(&sheet->text, sheet->colour ? colour : "");
	text_add(&sheet->text, words);
	text_add(&sheet->text, sheet->colour ? PLAIN : "");
}

static void add_spaces(struct sheet *sheet, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		text_add(&sheet->text, " ");
	}
}

/* Words from column `indent` on, broken at spaces where the line ends; a word that is longer than a line stays whole.
 */
static void add_wrapped(struct sheet *sheet, const char *words, size_t indent)
{
	size_t at = indent;
	add_spaces(sheet, indent);
	for (const char *word = words; *word != '\0';) {
		size_t length = strcspn(word, " ");
		const char *copy = arena_copy_n(sheet->arena, word, length);
		size_t width = text_width(copy);
		if (at > indent && at + 1 + width > sheet->columns) {
			text_add(&sheet->text, "\n");
			add_spaces(sheet, indent);
			at = indent;
		} else if (at > indent) {
			text_add(&sheet->text, " ");
			at++;
		}
		text_add(&sheet->text, copy);
		at += width;
		word += length;
		word += strspn(word, " ");
	}
	text_add(&sheet->text, "\n");
}

static const char *plural(struct arena *arena, size_t count, const char *one, const char *many)
{
	return arena_print(arena, "%zu %s", count, count == 1 ? one : many);
}

static const char *size_text(struct arena *arena, uint64_t bytes)
{
	return units_size_short(arena, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes);
}

static void add_heading(struct sheet *sheet, const char *words)
{
	text_add(&sheet->text, "\n");
	add_coloured(sheet, BOLD, words);
	text_add(&sheet->text, "\n");
}

/* `12  web-1    node1 → node2   live`: the cells of a move's first line. */
enum { CELLS = 4 };

static void move_cells(const struct sheet *sheet, const struct plan *plan, size_t step, const char *cells[CELLS])
{
	struct arena *arena = sheet->arena;
	const struct move *move = &plan->moves[step];
	cells[0] = text_printable(arena, move->vm);
	cells[1] = arena_print(arena, "%s → %s", text_printable(arena, move->from), text_printable(arena, move->to));
	cells[2] = move_mode_word(move->mode);
	cells[3] = move->disk == 0 ? arena_print(arena, "%s RAM", size_text(arena, move->memory))
	                           : arena_print(arena, "%s RAM + %s disk", size_text(arena, move->memory),
	                                         size_text(arena, move->disk));
}

static const char *move_details(const struct sheet *sheet, const struct move *move)
{
	struct arena *arena = sheet->arena;
	return arena_print(arena, "%s; leaves %s free on %s, %s on %s", text_printable(arena, move->reason),
	                   units_size_short(arena, move->free_from_after), text_printable(arena, move->from),
	                   units_size_short(arena, move->free_to_after), text_printable(arena, move->to));
}

static void add_move(struct sheet *sheet, const struct plan *plan, size_t step, const size_t widths[CELLS],
                     size_t number_width)
{
	const char *cells[CELLS];
	move_cells(sheet, plan, step, cells);
	size_t indent = number_width + 4;
	size_t total = indent;
	for (size_t i = 0; i < CELLS; i++) {
		total += widths[i] + (i + 1 < CELLS ? 2 : 0);
	}
	text_print(&sheet->text, "  %*zu  ", (int)number_width, step + 1);
	add_coloured(sheet, BOLD, cells[0]);
	if (total <= sheet->columns) {
		add_spaces(sheet, widths[0] - text_width(cells[0]));
		for (size_t i = 1; i < CELLS; i++) {
			text_print(&sheet->text, "  %s", cells[i]);
			add_spaces(sheet, i + 1 < CELLS ? widths[i] - text_width(cells[i]) : 0);
		}
		text_add(&sheet->text, "\n");
	} else {
		text_add(&sheet->text, "\n");
		add_wrapped(sheet, arena_print(sheet->arena, "%s, %s, %s", cells[1], cells[2], cells[3]), indent);
	}
	add_wrapped(sheet, move_details(sheet, &plan->moves[step]), indent);
	const struct reason *waits = plan->moves[step].waits;
	if (waits != NULL) {
		add_wrapped(sheet,
		            arena_print(sheet->arena, "waits (%s): %s", code_word(waits->code),
		                        text_printable(sheet->arena, waits->text)),
		            indent);
	}
}

static void add_moves(struct sheet *sheet, const struct plan *plan)
{
	size_t widths[CELLS] = {0};
	for (size_t i = 0; i < plan->move_count; i++) {
		const char *cells[CELLS];
		move_cells(sheet, plan, i, cells);
		for (size_t j = 0; j < CELLS; j++) {
			size_t width = text_width(cells[j]);
			widths[j] = width > widths[j] ? width : widths[j];
		}
	}
	size_t number_width = 1;
	for (size_t rest = plan->move_count; rest >= 10; rest /= 10) {
		number_width++;
	}
	for (size_t i = 0; i < plan->move_count; i++) {
		add_move(sheet, plan, i, widths, number_width);
	}
}

static void add_summary(struct sheet *sheet, const struct plan *plan)
{
	struct arena *arena = sheet->arena;
	struct text line;
	text_init(&line, arena);
	text_add(&line, plan->move_count == 0 ? "No move" : plural(arena, plan->move_count, "move", "moves"));
	if (plan->move_count > 0) {
		text_print(&line, ": %s of RAM", size_text(arena, plan->memory));
		if (plan->disk > 0) {
			text_print(&line, " and %s of disks", size_text(arena, plan->disk));
		}
		text_print(&line, plan->optimal ? "; no plan needs fewer moves" : "; any plan needs %zu or more",
		           plan->bound);
	}
	if (plan->blocked_count > 0) {
		text_print(&line, "; %zu blocked", plan->blocked_count);
	}
	add_wrapped(sheet, text_string(&line), 0);
	add_wrapped(sheet, arena_print(arena, "Plan %s", plan->id), 0);
}

static void add_blocked(struct sheet *sheet, const struct plan *plan)
{
	if (plan->blocked_count == 0) {
		return;
	}
	add_heading(sheet, "Blocked");
	for (size_t i = 0; i < plan->blocked_count; i++) {
		const struct blocked_vm *blocked = &plan->blocked[i];
		text_add(&sheet->text, "  ");
		add_coloured(sheet, RED, text_printable(sheet->arena, blocked->vm));
		text_print(&sheet->text, " (%s)\n", code_word(blocked->reason.code));
		add_wrapped(sheet, text_printable(sheet->arena, blocked->reason.text), 4);
	}
}

static void add_drift(struct sheet *sheet, const struct plan *plan)
{
	if (plan->drift_count == 0) {
		return;
	}
	add_heading(sheet, "Drifted");
	for (size_t i = 0; i < plan->drift_count; i++) {
		const struct drifted_vm *drift = &plan->drift[i];
		struct text line;
		text_init(&line, sheet->arena);
		text_print(&line, "%s is on %s instead of ", text_printable(sheet->arena, drift->vm),
		           text_printable(sheet->arena, drift->actual));
		for (size_t j = 0; j < drift->desired_count; j++) {
			text_print(&line, "%s%s", j == 0 ? "" : ", ", text_printable(sheet->arena, drift->desired[j]));
		}
		text_add(&line, drift->desired_count == 0 ? "a host that suits it" : "");
		text_add(&line, drift->action == DRIFT_REPORT ? " (reported only)" : "");
		add_wrapped(sheet, text_string(&line), 2);
	}
}

static void add_contested(struct sheet *sheet, const char *heading, const struct contested_vm *list, size_t count)
{
	if (count == 0) {
		return;
	}
	add_heading(sheet, heading);
	for (size_t i = 0; i < count; i++) {
		struct text line;
		text_init(&line, sheet->arena);
		text_print(&line, "%s: ", text_printable(sheet->arena, list[i].vm));
		for (size_t j = 0; j < list[i].on_count; j++) {
			text_print(&line, "%s%s on %s (%s)", j == 0 ? "" : ", ", vm_state_word(list[i].on[j].state),
			           text_printable(sheet->arena, list[i].on[j].host),
			           text_printable(sheet->arena, list[i].on[j].uuid));
		}
		add_wrapped(sheet, text_string(&line), 2);
	}
}

static void add_named(struct sheet *sheet, const char *heading, const struct named_vm *list, size_t count)
{
	if (count == 0) {
		return;
	}
	add_heading(sheet, heading);
	for (size_t i = 0; i < count; i++) {
		const char *vm = text_printable(sheet->arena, list[i].vm);
		const char *seen = list[i].last_seen == NULL ? NULL : text_printable(sheet->arena, list[i].last_seen);
		add_wrapped(sheet, seen == NULL ? vm : arena_print(sheet->arena, "%s, last seen on %s", vm, seen), 2);
	}
}

static void add_unmanaged(struct sheet *sheet, const struct plan *plan)
{
	if (plan->unmanaged_count == 0) {
		return;
	}
	add_heading(sheet, "Unmanaged");
	struct text line;
	text_init(&line, sheet->arena);
	text_print(&line, "%s: ", plural(sheet->arena, plan->unmanaged_count, "VM", "VMs"));
	for (size_t i = 0; i < plan->unmanaged_count && i < SHOWN_UNMANAGED; i++) {
		text_print(&line, "%s%s on %s", i == 0 ? "" : ", ", text_printable(sheet->arena, plan->unmanaged[i].vm),
		           text_printable(sheet->arena, plan->unmanaged[i].host));
	}
	text_add(&line, plan->unmanaged_count > SHOWN_UNMANAGED ? ", …" : "");
	add_wrapped(sheet, text_string(&line), 2);
}

static void add_warnings(struct sheet *sheet, const struct plan *plan)
{
	if (plan->warning_count == 0) {
		return;
	}
	text_add(&sheet->text, "\n");
	add_coloured(sheet, YELLOW, "Warnings");
	text_add(&sheet->text, "\n");
	for (size_t i = 0; i < plan->warning_count; i++) {
		add_wrapped(sheet, text_printable(sheet->arena, plan->warnings[i]), 2);
	}
}

/* Hosts that do not answer are told, whatever else there is: what is said of them is what was last known. */
static void add_silent(struct sheet *sheet, const struct plan *plan)
{
	bool first = true;
	for (size_t i = 0; i < plan->host_count; i++) {
		const struct host_claims *host = &plan->hosts[i];
		if (host->connection == NULL) {
			continue;
		}
		if (first) {
			add_heading(sheet, "No answer");
			first = false;
		}
		add_wrapped(sheet,
		            arena_print(sheet->arena, "%s: %s", text_printable(sheet->arena, host->host),
		                        text_printable(sheet->arena, host->connection)),
		            2);
	}
}

/* `In sync: nothing to move (2 missing, 3 unmanaged)` */
static void add_in_sync(struct sheet *sheet, const struct plan *plan)
{
	text_add(&sheet->text, "In sync: nothing to move");
	if (plan->missing_count + plan->unmanaged_count > 0) {
		text_add(&sheet->text, " (");
		if (plan->missing_count > 0) {
			text_print(&sheet->text, "%zu missing%s", plan->missing_count,
			           plan->unmanaged_count > 0 ? ", " : "");
		}
		if (plan->unmanaged_count > 0) {
			text_print(&sheet->text, "%zu unmanaged", plan->unmanaged_count);
		}
		text_add(&sheet->text, ")");
	}
	text_add(&sheet->text, "\n");
}

const char *plan_text(struct arena *arena, const struct plan *plan, unsigned int columns, bool colour)
{
	struct sheet sheet = {
	        .arena = arena, .columns = columns < COLUMNS_LEAST ? COLUMNS_LEAST : columns, .colour = colour};
	text_init(&sheet.text, arena);
	if (plan->in_sync) {
		add_in_sync(&sheet, plan);
		add_silent(&sheet, plan);
		add_warnings(&sheet, plan);
		return text_string(&sheet.text);
	}
	add_summary(&sheet, plan);
	if (plan->move_count > 0) {
		add_heading(&sheet, "Moves");
		add_moves(&sheet, plan);
	}
	add_blocked(&sheet, plan);
	add_drift(&sheet, plan);
	add_contested(&sheet, "Needs a decision: one VM on several hosts", plan->decisions, plan->decision_count);
	add_contested(&sheet, "In conflict: one name, several VMs", plan->conflicts, plan->conflict_count);
	add_named(&sheet, "Missing: no host has it", plan->missing, plan->missing_count);
	add_named(&sheet, "Unknown: not on any host that answered", plan->unknown, plan->unknown_count);
	add_unmanaged(&sheet, plan);
	add_silent(&sheet, plan);
	add_warnings(&sheet, plan);
	return text_string(&sheet.text);
}
