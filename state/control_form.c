#include "state/control_form.h"

#include "state/arena.h"
#include "state/escape.h"
#include "state/json.h"
#include "state/text.h"
#include "state/units.h"

#include <errno.h>
#include <string.h>

static const char *const VERBS[] = {
        [CONTROL_CANCEL] = "cancel",
        [CONTROL_HOLD] = "hold",
        [CONTROL_RELEASE] = "release",
        [CONTROL_TRIGGER] = "trigger",
};

static const char *const RESULTS[] = {
        [CONTROL_DONE] = "done",
        [CONTROL_REFUSED] = "refused",
        [CONTROL_TOO_LATE] = "too-late",
};

enum { LONGEST_REASON = 200, LONGEST_TEXT = 600 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *control_verb_word(enum control_verb verb)
{
	return VERBS[verb];
}

const char *control_write_request(struct arena *arena, const struct control_request *request)
{
	struct json *json = json_begin(arena);
	json_put_number(json, "berth", CONTROL_VERSION);
	json_put_text(json, "verb", VERBS[request->verb]);
	if (request->vm != NULL) {
		json_put_text(json, "vm", request->vm);
	}
	if (request->reason != NULL && request->reason[0] != '\0') {
		json_put_text(json, "reason", request->reason);
	}
	if (request->record != NULL) {
		json_put_text(json, "record", request->record);
	}
	return json_end_line(json);
}

const char *control_write_reply(struct arena *arena, const struct control_reply *reply)
{
	struct json *json = json_begin(arena);
	json_put_number(json, "berth", CONTROL_VERSION);
	json_put_text(json, "result", RESULTS[reply->result]);
	json_put_text(json, "text", escape_cut(arena, text_printable(arena, reply->text), LONGEST_TEXT));
	return json_end_line(json);
}

struct reading {
	struct json_member *members;
	size_t count;
};

/* NULL when it is not there, or is no plain value. */
static const char *get(const struct reading *reading, const char *key)
{
	for (size_t i = 0; i < reading->count; i++) {
		if (text_equal(reading->members[i].key, key)) {
			return reading->members[i].text;
		}
	}
	return NULL;
}

static int find_word(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (text_equal(word, words[i])) {
			return (int)i;
		}
	}
	return -1;
}

static int read_members(struct arena *arena, const char *line, size_t length, struct reading *ret, struct error *err)
{
	uint64_t version = 0;
	int r = json_read_members(arena, line, length, &ret->members, &ret->count, err);
	if (r < 0) {
		return r;
	}
	const char *berth = get(ret, "berth");
	if (berth == NULL || !units_parse_number(berth, 1, INT64_MAX, &version)) {
		return error_set(err, -EBADMSG, "a version is missing: \"berth\": %d", CONTROL_VERSION);
	}
	return 0;
}

int control_read_request(struct arena *arena, const char *line, size_t length, struct control_request *ret_request,
                         struct error *err)
{
	struct reading reading = {0};
	int r = read_members(arena, line, length, &reading, err);
	if (r < 0) {
		return r;
	}
	const char *word = get(&reading, "verb");
	int verb = find_word(word, VERBS, COUNT(VERBS));
	if (verb < 0) {
		const char *nearest = word == NULL ? NULL : text_nearest(word, VERBS, COUNT(VERBS));
		return error_set(err, -EBADMSG, "unknown verb %s%s%s", word == NULL ? "" : text_printable(arena, word),
		                 nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest);
	}
	const char *reason = get(&reading, "reason");
	const char *vm = get(&reading, "vm");
	if (vm != NULL && vm[0] == '\0') {
		return error_set(err, -EBADMSG, "the name of a VM is empty");
	}
	if (vm == NULL && verb == CONTROL_CANCEL) {
		return error_set(err, -EBADMSG, "cancel needs the name of a VM");
	}
	*ret_request = (struct control_request){
	        .verb = (enum control_verb)verb,
	        .vm = vm,
	        .reason = reason == NULL ? "" : escape_cut(arena, text_printable(arena, reason), LONGEST_REASON),
	        .record = get(&reading, "record"),
	};
	return 0;
}

int control_read_reply(struct arena *arena, const char *line, size_t length, struct control_reply *ret_reply,
                       struct error *err)
{
	struct reading reading = {0};
	int r = read_members(arena, line, length, &reading, err);
	if (r < 0) {
		return r;
	}
	int result = find_word(get(&reading, "result"), RESULTS, COUNT(RESULTS));
	const char *text = get(&reading, "text");
	if (result < 0 || text == NULL) {
		return error_set(err, -EBADMSG, "not a reply of berth's");
	}
	*ret_reply = (struct control_reply){.result = (enum control_result)result, .text = text};
	return 0;
}
