#include "state/picture_place.h"

#include "state/arena.h"

#include <stdlib.h>

bool picture_is_to_come(const struct picture *picture, size_t move)
{
	enum move_state state = picture->progress == NULL ? MOVE_PENDING : picture->progress[move].state;
	return state == MOVE_PENDING || state == MOVE_RUNNING;
}

static bool is_done(const struct picture *picture, size_t move)
{
	return picture->progress != NULL && picture->progress[move].state == MOVE_DONE;
}

static const struct host_claims *claims_of(const struct plan *plan, const char *host)
{
	for (size_t i = 0; plan != NULL && i < plan->host_count; i++) {
		if (text_equal(plan->hosts[i].host, host)) {
			return &plan->hosts[i];
		}
	}
	return NULL;
}

static int compare_places(const void *a, const void *b)
{
	const struct mark *one = a;
	const struct mark *other = b;
	int by_uuid = text_compare(one->uuid, other->uuid);
	return by_uuid != 0 ? by_uuid : text_compare(one->host, other->host);
}

static int compare_marks(const void *a, const void *b)
{
	const struct mark *one = a;
	const struct mark *other = b;
	int by_place = compare_places(a, b);
	return by_place != 0 ? by_place : (int)one->kind - (int)other->kind;
}

static void add_mark(struct picture *picture, const char *uuid, const char *host, enum kind kind, const char *note)
{
	ARENA_ADD(picture->arena, picture->marks, picture->mark_count) =
	        (struct mark){.uuid = uuid, .host = host, .kind = kind, .note = note};
}

static void collect_marks(struct picture *picture)
{
	const struct plan *plan = picture->plan;
	for (size_t i = 0; plan != NULL && i < plan->move_count; i++) {
		const struct move *move = &plan->moves[i];
		if (picture_is_to_come(picture, i)) {
			add_mark(picture, move->uuid, move->from, LEAVES,
			         arena_print(picture->arena, ", to %s", move->to));
		} else if (is_done(picture, i)) {
			add_mark(picture, move->uuid, move->to, MOVED,
			         arena_print(picture->arena, ", from %s", move->from));
		}
	}
	for (size_t i = 0; plan != NULL && i < plan->unmanaged_count; i++) {
		add_mark(picture, plan->unmanaged[i].uuid, plan->unmanaged[i].host, FOREIGN, ", not managed");
	}
	if (picture->mark_count > 1) {
		qsort(picture->marks, picture->mark_count, sizeof(picture->marks[0]), compare_marks);
	}
}

static const struct mark *find_mark(const struct picture *picture, const char *uuid, const char *host)
{
	const struct mark wanted = {.uuid = uuid, .host = host};
	const struct mark *mark = picture->mark_count == 0 ? NULL
	                                                   : bsearch(&wanted, picture->marks, picture->mark_count,
	                                                             sizeof(picture->marks[0]), compare_places);
	while (mark != NULL && mark > picture->marks && compare_places(mark - 1, mark) == 0) {
		mark--;
	}
	return mark;
}

static void add_piece(struct picture *picture, size_t row, const struct vm *vm, enum kind kind, const char *note)
{
	struct row *on = &picture->rows[row];
	double width = (double)(vm->memory + on->overhead) * picture->scale;
	ARENA_ADD(picture->arena, picture->pieces, picture->piece_count) =
	        (struct piece){.vm = vm, .row = row, .x = on->end, .width = width, .kind = kind, .note = note};
	on->end += width;
	picture->used[kind] = true;
}

static size_t row_of(const struct picture *picture, const char *host)
{
	size_t row = 0;
	while (row < picture->row_count && !text_equal(picture->rows[row].host, host)) {
		row++;
	}
	return row;
}

static const struct vm *vm_of(const struct picture *picture, const char *uuid)
{
	for (size_t i = 0; i < picture->inventory->host_count; i++) {
		const struct vm *vm = host_vm_by_uuid(&picture->inventory->hosts[i], uuid);
		if (vm != NULL) {
			return vm;
		}
	}
	return NULL;
}

/* Rows, and the scale on which the widest of them fills the bar, with what will have arrived. */
static void measure(struct picture *picture)
{
	const struct inventory *inventory = picture->inventory;
	uint64_t most = 1;
	picture->row_count = inventory->host_count < ROWS ? inventory->host_count : ROWS;
	picture->rows = arena_array(picture->arena, picture->row_count, sizeof(*picture->rows));
	for (size_t i = 0; i < picture->row_count; i++) {
		const struct host *host = &inventory->hosts[i];
		const struct host_claims *claims = claims_of(picture->plan, host->name);
		uint64_t memory = 0;
		for (size_t j = 0; j < host->vm_count; j++) {
			memory += host->vms[j].memory;
		}
		struct row row = {
		        .host = host->name, .connection = host->connection, .capacity = host->memory, .claims = memory};
		if (claims != NULL) {
			row.capacity = claims->capacity;
			row.claims = claims->claims_before > memory ? claims->claims_before : memory;
			row.overhead = host->vm_count == 0 ? 0 : (row.claims - memory) / host->vm_count;
		}
		uint64_t coming = 0;
		uint64_t widest = row.claims > row.capacity ? row.claims : row.capacity;
		for (size_t j = 0; picture->plan != NULL && j < picture->plan->move_count; j++) {
			const struct move *move = &picture->plan->moves[j];
			if (picture_is_to_come(picture, j) && text_equal(move->to, row.host)) {
				coming += move->memory + row.overhead;
			}
		}
		widest = row.claims + coming > widest ? row.claims + coming : widest;
		most = widest > most ? widest : most;
		picture->rows[i] = row;
	}
	picture->scale = (double)BAR / (double)most;
	picture->row_height = picture->row_count <= 8 ? 60 : picture->row_count <= 30 ? 40 : 26;
	picture->bar_height = picture->row_height * 3 / 5;
}

static void place_pieces(struct picture *picture)
{
	const struct plan *plan = picture->plan;
	for (size_t i = 0; i < picture->row_count; i++) {
		const struct host *host = &picture->inventory->hosts[i];
		for (size_t j = 0; j < host->vm_count; j++) {
			const struct mark *mark = find_mark(picture, host->vms[j].uuid, host->name);
			add_piece(picture, i, &host->vms[j], mark == NULL ? STAYS : mark->kind,
			          mark == NULL ? "" : mark->note);
		}
	}
	for (size_t i = 0; plan != NULL && i < plan->move_count; i++) {
		const struct vm *vm = vm_of(picture, plan->moves[i].uuid);
		size_t row = row_of(picture, plan->moves[i].to);
		if (picture_is_to_come(picture, i) && vm != NULL && row < picture->row_count) {
			add_piece(picture, row, vm, ARRIVES,
			          arena_print(picture->arena, ", from %s", plan->moves[i].from));
		}
	}
}

void picture_place(struct picture *picture)
{
	measure(picture);
	for (size_t i = 0; i < picture->row_count; i++) {
		picture->rows[i].end = LABEL + MARGIN;
	}
	collect_marks(picture);
	place_pieces(picture);
}
