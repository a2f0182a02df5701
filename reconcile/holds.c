#include "reconcile/holds.h"

#include "state/arena.h"
#include "state/text.h"

#include <string.h>

static const char FILE_NAME[] = "holds.yaml";

int holds_read(struct arena *arena, struct record *record, struct hold_list *ret_list, struct error *err)
{
	const char *bytes = NULL;
	int r = record_read_file(record, arena, FILE_NAME, &bytes, err);
	if (r < 0 || bytes == NULL) {
		*ret_list = (struct hold_list){0};
		return r;
	}
	const struct desired_file file = {
	        .name = arena_print(arena, "%s/%s", record_folder(record), FILE_NAME),
	        .bytes = bytes,
	        .length = strlen(bytes),
	};
	return hold_read(arena, &file, ret_list, err);
}

static int write_list(struct arena *arena, struct record *record, const struct hold_list *list, struct error *err)
{
	return record_write_file(record, FILE_NAME, hold_write(arena, list), err);
}

int holds_put(struct record *record, const struct hold *hold, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	struct hold_list list = {0};
	int r = holds_read(arena, record, &list, err);
	if (r < 0) {
		return r;
	}
	list = hold_put(arena, &list, hold);
	return write_list(arena, record, &list, err);
}

int holds_release(struct record *record, const char *vm, bool *ret_held, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	struct hold_list list = {0};
	int r = holds_read(arena, record, &list, err);
	if (r < 0) {
		return r;
	}
	struct hold_list left = hold_remove(arena, &list, vm, false);
	left = hold_remove(arena, &left, vm, true);
	*ret_held = left.count < list.count;
	return *ret_held ? write_list(arena, record, &left, err) : 0;
}

int holds_forgive(struct record *record, const char *vm, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	struct hold_list list = {0};
	int r = holds_read(arena, record, &list, err);
	if (r < 0 || hold_find(&list, vm, true) == NULL) {
		return r;
	}
	list = hold_remove(arena, &list, vm, true);
	return write_list(arena, record, &list, err);
}

struct hold_list holds_standing(struct arena *arena, const struct desired *desired, const struct hold_list *list)
{
	struct hold_list left = {0};
	for (size_t i = 0; i < list->count; i++) {
		const struct hold *hold = &list->items[i];
		const struct desired_vm *vm = hold->cancelled ? desired_vm(desired, hold->vm) : NULL;
		if (!hold->cancelled || (vm != NULL && text_equal(desired_vm_whole_entry(arena, vm), hold->entry))) {
			ARENA_ADD(arena, left.items, left.count) = *hold;
		}
	}
	return left;
}

int holds_expire(struct arena *arena, struct record *record, const struct desired *desired, struct hold_list *list,
                 struct error *err)
{
	struct hold_list left = holds_standing(arena, desired, list);
	int r = left.count < list->count ? write_list(arena, record, &left, err) : 0;
	if (r == 0) {
		*list = left;
	}
	return r;
}

static const char *hold_text(struct arena *arena, const struct hold *hold)
{
	return hold->reason[0] == '\0' ? arena_print(arena, "by command (%s)", hold->by)
	                               : arena_print(arena, "%s (%s)", hold->reason, hold->by);
}

const struct desired *holds_apply(struct arena *arena, const struct desired *desired, const struct hold_list *list)
{
	const struct hold *fleet = hold_find(list, NULL, false);
	if (list->count == 0) {
		return desired;
	}
	struct desired *held = arena_alloc(arena, sizeof(*held));
	*held = *desired;
	if (held->hold == NULL && fleet != NULL) {
		held->hold = hold_text(arena, fleet);
	}
	held->vms = arena_array(arena, desired->vm_count, sizeof(*held->vms));
	for (size_t i = 0; i < desired->vm_count; i++) {
		struct desired_vm *vm = &held->vms[i];
		*vm = desired->vms[i];
		const struct hold *hold = hold_find(list, vm->name, false);
		if (vm->hold == NULL && hold != NULL) {
			vm->hold = hold_text(arena, hold);
		}
	}
	return held;
}

static struct refusal refusal_of(struct arena *arena, const struct hold *hold)
{
	return (struct refusal){
	        .code = CODE_CANCELLED,
	        .reason = arena_print(arena, "its move was cancelled: %s; until its entry changes or it is released",
	                              hold_text(arena, hold)),
	};
}

void holds_set_aside(struct arena *arena, const struct hold_list *list, const struct inventory *inventory,
                     const struct set_aside *items, size_t count, struct set_aside **ret_items, size_t *ret_count)
{
	struct set_aside *all = NULL;
	size_t all_count = 0;
	for (size_t i = 0; i < list->count; i++) {
		for (size_t h = 0; list->items[i].cancelled && h < inventory->host_count; h++) {
			const struct vm *vm = host_vm(&inventory->hosts[h], list->items[i].vm);
			if (vm != NULL) {
				ARENA_ADD(arena, all, all_count) = (struct set_aside){
				        .uuid = vm->uuid,
				        .why = refusal_of(arena, &list->items[i]),
				};
			}
		}
	}
	for (size_t i = 0; i < count; i++) { /* what has happened in this pass is told first */
		ARENA_ADD(arena, all, all_count) = items[i];
	}
	*ret_items = all;
	*ret_count = all_count;
}
