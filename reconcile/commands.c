#include "reconcile/commands.h"

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

struct commands {
	struct commands_settings settings;
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

int commands_open(const struct commands_settings *settings, struct commands **ret_commands, struct error *err)
{
	struct control *control = NULL;
	int r = control_open(settings->folder, settings->id, &control, err);
	if (r < 0) {
		return r;
	}
	struct arena *arena = arena_create();
	struct commands *commands = arena_alloc(arena, sizeof(*commands));
	*commands = (struct commands){.settings = *settings, .control = control, .arena = arena};
	*ret_commands = commands;
	return 0;
}

void commands_close(struct commands *commands)
{
	if (commands != NULL) {
		control_close(commands->control);
		arena_destroy(commands->flight);
		arena_destroy(commands->known);
		arena_destroy(commands->arena);
	}
}

int commands_fd(const struct commands *commands)
{
	return commands == NULL ? -1 : control_fd(commands->control);
}

const char *commands_path(const struct commands *commands)
{
	return control_path(commands->control);
}

static void reply(struct commands *commands, uint64_t client, enum control_result result, const char *text)
{
	const struct control_reply message = {.result = result, .text = text};
	control_reply(commands->control, client, &message);
}

static const struct known_vm *find_vm(const struct commands *commands, const char *name)
{
	for (size_t i = 0; i < commands->vm_count; i++) {
		if (text_equal(commands->vms[i].name, name)) {
			return &commands->vms[i];
		}
	}
	return NULL;
}

/* A VM that the placement does not know is most likely a slip of the finger. */
static const char *unknown_vm(struct arena *arena, const struct commands *commands, const char *name)
{
	const char **names = arena_array(arena, commands->vm_count, sizeof(*names));
	for (size_t i = 0; i < commands->vm_count; i++) {
		names[i] = commands->vms[i].name;
	}
	const char *nearest = text_nearest(name, names, commands->vm_count);
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
static void cancel(struct commands *commands, struct arena *arena, const struct control_request *request)
{
	const struct known_vm *known = find_vm(commands, request->vm);
	struct error err = {{0}};
	if (commands->flight == NULL || !text_equal(commands->vm, request->vm)) {
		reply(commands, request->client, CONTROL_REFUSED,
		      arena_print(arena, "%s is not being moved; `berth hold` keeps it from being moved", request->vm));
	} else if (commands->cancels != NULL) {
		reply(commands, request->client, CONTROL_DONE,
		      arena_print(arena, "the move of %s is being cancelled already", request->vm));
	} else if (commands->has_switched) {
		reply(commands, request->client, CONTROL_TOO_LATE,
		      arena_print(arena,
		                  "the memory of %s is on two hosts by now (post-copy): its move to %s is finished",
		                  request->vm, commands->to));
	} else {
		const struct hold hold = hold_of(arena, request, known == NULL ? "" : known->entry);
		if (holds_put(commands->settings.record, &hold, &err) < 0) {
			reply(commands, request->client, CONTROL_REFUSED, err.message);
			return;
		}
		commands->client = request->client;
		commands->cancels = arena_print(commands->flight, "by %s%s%s", hold.by,
		                                hold.reason[0] == '\0' ? "" : ": ", hold.reason);
	}
}

static void hold(struct commands *commands, struct arena *arena, const struct control_request *request)
{
	struct error err = {{0}};
	const struct hold hold = hold_of(arena, request, NULL);
	if (holds_put(commands->settings.record, &hold, &err) < 0) {
		reply(commands, request->client, CONTROL_REFUSED, err.message);
		return;
	}
	bool goes_on = commands->flight != NULL && (request->vm == NULL || text_equal(request->vm, commands->vm));
	const char *what = request->vm == NULL ? "the fleet" : request->vm;
	reply(commands, request->client, CONTROL_DONE,
	      arena_print(arena, "%s is held: no move of it is started%s%s%s", what, goes_on ? "; that of " : "",
	                  goes_on ? commands->vm : "", goes_on ? " goes on" : ""));
	commands->wants_pass = true;
}

static void release(struct commands *commands, struct arena *arena, const struct control_request *request)
{
	struct error err = {{0}};
	bool held = false;
	const char *what = request->vm == NULL ? "the fleet" : request->vm;
	int r = holds_release(commands->settings.record, request->vm, &held, &err);
	if (r == 0 && request->vm == NULL) { /* failures in a row are what else holds the fleet */
		r = consent_lift_brake(commands->settings.record, &err);
	}
	if (r < 0) {
		reply(commands, request->client, CONTROL_REFUSED, err.message);
		return;
	}
	reply(commands, request->client, CONTROL_DONE,
	      arena_print(arena, held ? "%s is released" : "%s was not held by command", what));
	commands->wants_pass = commands->wants_pass || held || request->vm == NULL;
}

static void carry_out(struct commands *commands, struct arena *arena, const struct control_request *request)
{
	if (request->record != NULL && !text_equal(request->record, commands->settings.id)) {
		reply(commands, request->client, CONTROL_REFUSED, "this berth is at work on another placement");
		return;
	}
	/* Before the first commit has been read, nobody knows which VMs there are. A release is never in the way. */
	bool checks = request->vm != NULL && commands->vm_count > 0 && request->verb != CONTROL_RELEASE;
	if (checks && find_vm(commands, request->vm) == NULL) {
		reply(commands, request->client, CONTROL_REFUSED, unknown_vm(arena, commands, request->vm));
		return;
	}
	commands->settings.log(commands->settings.data,
	                       arena_print(arena, "berth %s%s%s, by uid %u%s%s", control_verb_word(request->verb),
	                                   request->vm == NULL ? "" : " ", request->vm == NULL ? "" : request->vm,
	                                   request->uid, request->reason[0] == '\0' ? "" : ": ", request->reason));
	switch (request->verb) {
	case CONTROL_CANCEL:
		cancel(commands, arena, request);
		break;
	case CONTROL_HOLD:
		hold(commands, arena, request);
		break;
	case CONTROL_RELEASE:
		release(commands, arena, request);
		break;
	case CONTROL_TRIGGER:
		commands->wants_pass = true;
		commands->wants_look = true;
		reply(commands, request->client, CONTROL_DONE, "looking now");
		break;
	}
}

void commands_serve(struct commands *commands)
{
	cleanup_arena struct arena *arena = arena_create();
	struct control_request request;
	for (int i = 0; commands != NULL && i < MOST_AT_ONCE && control_take(commands->control, arena, &request); i++) {
		carry_out(commands, arena, &request);
	}
}

void commands_know(struct commands *commands, const struct desired *desired)
{
	if (commands == NULL) {
		return;
	}
	arena_destroy(commands->known);
	commands->known = arena_create();
	commands->vms = arena_array(commands->known, desired->vm_count, sizeof(*commands->vms));
	commands->vm_count = desired->vm_count;
	for (size_t i = 0; i < desired->vm_count; i++) {
		commands->vms[i] = (struct known_vm){
		        .name = arena_copy(commands->known, desired->vms[i].name),
		        .entry = desired_vm_whole_entry(commands->known, &desired->vms[i]),
		};
	}
}

void commands_begin(struct commands *commands, const struct move *move)
{
	if (commands == NULL) {
		return;
	}
	arena_destroy(commands->flight);
	commands->flight = arena_create();
	commands->vm = arena_copy(commands->flight, move->vm);
	commands->from = arena_copy(commands->flight, move->from);
	commands->to = arena_copy(commands->flight, move->to);
	commands->cancels = NULL;
	commands->has_switched = false;
}

const char *commands_attend(struct commands *commands, const struct transfer *transfer)
{
	if (commands == NULL) {
		return NULL;
	}
	commands->has_switched = commands->has_switched || text_equal(transfer->stall, "post-copy");
	commands_serve(commands);
	return commands->cancels;
}

/* Who asked for its end is told what it came to. */
static void tell_end(struct commands *commands, struct arena *arena, const struct move_ending *ending)
{
	const char *why = ending->reason.text == NULL ? "" : ending->reason.text;
	enum control_result result = CONTROL_DONE;
	const char *text = "";
	switch (ending->ending) {
	case ENDED_DONE:
		result = CONTROL_TOO_LATE;
		text = arena_print(arena, "it was too late: %s is on %s", commands->vm, commands->to);
		break;
	case ENDED_CANCELLED:
		text = arena_print(arena, "the move of %s is cancelled: it stays on %s, and is held", commands->vm,
		                   commands->from);
		break;
	case ENDED_REFUSED:
	case ENDED_FAILED:
		text = arena_print(arena, "the move of %s has failed, and it is held: %s", commands->vm, why);
		break;
	case ENDED_OPEN:
		result = CONTROL_TOO_LATE;
		text = arena_print(arena, "the move of %s: %s", commands->vm, why);
		break;
	}
	reply(commands, commands->client, result, text);
}

void commands_end(struct commands *commands, const struct move_ending *ending)
{
	if (commands == NULL || commands->flight == NULL) {
		return;
	}
	if (commands->cancels != NULL) {
		if (ending->ending == ENDED_DONE) {
			holds_forgive(commands->settings.record, commands->vm, NULL);
		}
		tell_end(commands, commands->flight, ending);
	}
	arena_destroy(commands->flight);
	commands->flight = NULL;
}

bool commands_want_pass(struct commands *commands)
{
	bool wants = commands != NULL && commands->wants_pass;
	if (wants) {
		commands->wants_pass = false;
	}
	return wants;
}

bool commands_want_look(struct commands *commands)
{
	bool wants = commands != NULL && commands->wants_look;
	if (wants) {
		commands->wants_look = false;
	}
	return wants;
}
