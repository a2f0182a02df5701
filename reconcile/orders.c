#include "reconcile/orders.h"

#include "reconcile/holds.h"
#include "state/arena.h"
#include "state/consent.h"
#include "state/control.h"
#include "state/text.h"

#include <errno.h>
#include <time.h>

enum { MOST_AT_ONCE = 16 }; /* requests, before the loop goes on */

struct known_vm {
	const char *name;
	const char *entry;
};

struct orders {
	struct orders_settings settings;
	struct control *control;
	struct arena *arena; /* its own */
	struct arena *known; /* of the known VMs */
	struct known_vm *vms;
	size_t vm_count;
	struct arena *flight; /* of the move in flight; NULL: there is none */
	const char *vm;
	const char *from;
	const char *to;
	const char *cancels; /* why it is to be cancelled, NULL: it is not */
	uint64_t client;     /* who asked for that */
	bool has_switched;   /* in its post-copy phase: the only way is on */
	bool wants_pass;
	bool wants_look;
};

int orders_open(const struct orders_settings *settings, struct orders **ret_orders, struct error *err)
{
	struct control *control = NULL;
	int r = control_open(settings->folder, settings->id, &control, err);
	if (r < 0) {
		return r;
	}
	struct arena *arena = arena_create();
	struct orders *orders = arena_alloc(arena, sizeof(*orders));
	*orders = (struct orders){.settings = *settings, .control = control, .arena = arena};
	*ret_orders = orders;
	return 0;
}

void orders_close(struct orders *orders)
{
	if (orders != NULL) {
		control_close(orders->control);
		arena_destroy(orders->flight);
		arena_destroy(orders->known);
		arena_destroy(orders->arena);
	}
}

int orders_fd(const struct orders *orders)
{
	return orders == NULL ? -1 : control_fd(orders->control);
}

const char *orders_path(const struct orders *orders)
{
	return control_path(orders->control);
}

static void reply(struct orders *orders, uint64_t client, enum control_result result, const char *text)
{
	const struct control_reply message = {.result = result, .text = text};
	control_reply(orders->control, client, &message);
}

static const struct known_vm *find_vm(const struct orders *orders, const char *name)
{
	for (size_t i = 0; i < orders->vm_count; i++) {
		if (text_equal(orders->vms[i].name, name)) {
			return &orders->vms[i];
		}
	}
	return NULL;
}

/* A VM that the placement does not know is most likely a slip of the finger. */
static const char *unknown_vm(struct arena *arena, const struct orders *orders, const char *name)
{
	const char **names = arena_array(arena, orders->vm_count, sizeof(*names));
	for (size_t i = 0; i < orders->vm_count; i++) {
		names[i] = orders->vms[i].name;
	}
	const char *nearest = text_nearest(name, names, orders->vm_count);
	return arena_print(arena, "the placement has no VM %s%s%s", name, nearest == NULL ? "" : "; did you mean ",
	                   nearest == NULL ? "" : nearest);
}

static struct hold hold_of(struct arena *arena, const struct control_request *request, const char *entry)
{
	return (struct hold){
	        .vm = request->vm,
	        .cancelled = entry != NULL,
	        .reason = request->reason,
	        .by = arena_print(arena, "berth %s, uid %u", control_verb_word(request->verb), request->uid),
	        .since = (int64_t)time(NULL),
	        .entry = entry,
	};
}

/* The hold is in the record before the move is touched: a berth that is killed now does not begin it again. */
static void cancel(struct orders *orders, struct arena *arena, const struct control_request *request)
{
	const struct known_vm *known = find_vm(orders, request->vm);
	struct error err = {{0}};
	if (orders->flight == NULL || !text_equal(orders->vm, request->vm)) {
		reply(orders, request->client, CONTROL_REFUSED,
		      arena_print(arena, "%s is not being moved; `berth hold` keeps it from being moved", request->vm));
	} else if (orders->cancels != NULL) {
		reply(orders, request->client, CONTROL_DONE,
		      arena_print(arena, "the move of %s is being cancelled already", request->vm));
	} else if (orders->has_switched) {
		reply(orders, request->client, CONTROL_TOO_LATE,
		      arena_print(arena,
		                  "the memory of %s is on two hosts by now (post-copy): its move to %s is finished",
		                  request->vm, orders->to));
	} else {
		const struct hold hold = hold_of(arena, request, known == NULL ? "" : known->entry);
		if (holds_put(orders->settings.record, &hold, &err) < 0) {
			reply(orders, request->client, CONTROL_REFUSED, err.message);
			return;
		}
		orders->client = request->client;
		orders->cancels = arena_print(orders->flight, "by %s%s%s", hold.by, hold.reason[0] == '\0' ? "" : ": ",
		                              hold.reason);
	}
}

static void hold(struct orders *orders, struct arena *arena, const struct control_request *request)
{
	struct error err = {{0}};
	const struct hold hold = hold_of(arena, request, NULL);
	if (holds_put(orders->settings.record, &hold, &err) < 0) {
		reply(orders, request->client, CONTROL_REFUSED, err.message);
		return;
	}
	bool goes_on = orders->flight != NULL && (request->vm == NULL || text_equal(request->vm, orders->vm));
	const char *what = request->vm == NULL ? "the fleet" : request->vm;
	reply(orders, request->client, CONTROL_DONE,
	      arena_print(arena, "%s is held: no move of it is started%s%s%s", what, goes_on ? "; that of " : "",
	                  goes_on ? orders->vm : "", goes_on ? " goes on" : ""));
	orders->wants_pass = true;
}

static void release(struct orders *orders, struct arena *arena, const struct control_request *request)
{
	struct error err = {{0}};
	bool held = false;
	const char *what = request->vm == NULL ? "the fleet" : request->vm;
	int r = holds_release(orders->settings.record, request->vm, &held, &err);
	if (r == 0 && request->vm == NULL) { /* failures in a row are what else holds the fleet */
		r = consent_lift_brake(orders->settings.record, &err);
	}
	if (r < 0) {
		reply(orders, request->client, CONTROL_REFUSED, err.message);
		return;
	}
	reply(orders, request->client, CONTROL_DONE,
	      arena_print(arena, held ? "%s is released" : "%s was not held by command", what));
	orders->wants_pass = orders->wants_pass || held || request->vm == NULL;
}

static void carry_out(struct orders *orders, struct arena *arena, const struct control_request *request)
{
	if (request->record != NULL && !text_equal(request->record, orders->settings.id)) {
		reply(orders, request->client, CONTROL_REFUSED, "this berth is at work on another placement");
		return;
	}
	/* Before the first commit has been read, nobody knows which VMs there are. A release is never in the way. */
	bool checks = request->vm != NULL && orders->vm_count > 0 && request->verb != CONTROL_RELEASE;
	if (checks && find_vm(orders, request->vm) == NULL) {
		reply(orders, request->client, CONTROL_REFUSED, unknown_vm(arena, orders, request->vm));
		return;
	}
	orders->settings.log(orders->settings.data,
	                     arena_print(arena, "berth %s%s%s, by uid %u%s%s", control_verb_word(request->verb),
	                                 request->vm == NULL ? "" : " ", request->vm == NULL ? "" : request->vm,
	                                 request->uid, request->reason[0] == '\0' ? "" : ": ", request->reason));
	switch (request->verb) {
	case CONTROL_CANCEL:
		cancel(orders, arena, request);
		break;
	case CONTROL_HOLD:
		hold(orders, arena, request);
		break;
	case CONTROL_RELEASE:
		release(orders, arena, request);
		break;
	case CONTROL_TRIGGER:
		orders->wants_pass = true;
		orders->wants_look = true;
		reply(orders, request->client, CONTROL_DONE, "looking now");
		break;
	}
}

void orders_serve(struct orders *orders)
{
	cleanup_arena struct arena *arena = arena_create();
	struct control_request request;
	for (int i = 0; orders != NULL && i < MOST_AT_ONCE && control_take(orders->control, arena, &request); i++) {
		carry_out(orders, arena, &request);
	}
}

void orders_know(struct orders *orders, const struct desired *desired)
{
	if (orders == NULL) {
		return;
	}
	arena_destroy(orders->known);
	orders->known = arena_create();
	orders->vms = arena_array(orders->known, desired->vm_count, sizeof(*orders->vms));
	orders->vm_count = desired->vm_count;
	for (size_t i = 0; i < desired->vm_count; i++) {
		orders->vms[i] = (struct known_vm){
		        .name = arena_copy(orders->known, desired->vms[i].name),
		        .entry = desired_vm_whole_entry(orders->known, &desired->vms[i]),
		};
	}
}

void orders_begin(struct orders *orders, const struct move *move)
{
	if (orders == NULL) {
		return;
	}
	arena_destroy(orders->flight);
	orders->flight = arena_create();
	orders->vm = arena_copy(orders->flight, move->vm);
	orders->from = arena_copy(orders->flight, move->from);
	orders->to = arena_copy(orders->flight, move->to);
	orders->cancels = NULL;
	orders->has_switched = false;
}

const char *orders_attend(struct orders *orders, const struct transfer *transfer)
{
	if (orders == NULL) {
		return NULL;
	}
	orders->has_switched = orders->has_switched || text_equal(transfer->note, "post-copy");
	orders_serve(orders);
	return orders->cancels;
}

/* Who asked for its end is told what it came to. */
static void tell_end(struct orders *orders, struct arena *arena, const struct move_ending *ending)
{
	const char *why = ending->reason.text == NULL ? "" : ending->reason.text;
	enum control_result result = CONTROL_DONE;
	const char *text = "";
	switch (ending->ending) {
	case ENDED_DONE:
		result = CONTROL_TOO_LATE;
		text = arena_print(arena, "it was too late: %s is on %s", orders->vm, orders->to);
		break;
	case ENDED_CANCELLED:
		text = arena_print(arena, "the move of %s is cancelled: it stays on %s, and is held", orders->vm,
		                   orders->from);
		break;
	case ENDED_REFUSED:
	case ENDED_FAILED:
		text = arena_print(arena, "the move of %s has failed, and it is held: %s", orders->vm, why);
		break;
	case ENDED_OPEN:
		result = CONTROL_TOO_LATE;
		text = arena_print(arena, "the move of %s: %s", orders->vm, why);
		break;
	}
	reply(orders, orders->client, result, text);
}

void orders_end(struct orders *orders, const struct move_ending *ending)
{
	if (orders == NULL || orders->flight == NULL) {
		return;
	}
	if (orders->cancels != NULL) {
		if (ending->ending == ENDED_DONE) {
			holds_forgive(orders->settings.record, orders->vm, NULL);
		}
		tell_end(orders, orders->flight, ending);
	}
	arena_destroy(orders->flight);
	orders->flight = NULL;
}

bool orders_want_pass(struct orders *orders)
{
	bool wants = orders != NULL && orders->wants_pass;
	if (wants) {
		orders->wants_pass = false;
	}
	return wants;
}

bool orders_want_look(struct orders *orders)
{
	bool wants = orders != NULL && orders->wants_look;
	if (wants) {
		orders->wants_look = false;
	}
	return wants;
}
