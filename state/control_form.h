/*
 * What is said on the control socket of a berth that is at work: one JSON object on a line is a request, one the reply.
 *
 *     {"berth": 1, "verb": "hold", "vm": "web-1", "reason": "until Monday"}
 *     {"berth": 1, "result": "done", "text": "web-1 is held"}
 *
 * Keys that are not known are passed over, so that a newer berth can say more; a request of a newer version that this
 * one cannot fulfil is refused with a reply. Pure.
 */
#ifndef BERTH_CONTROL_FORM_H
#define BERTH_CONTROL_FORM_H

#include "state/error.h"

#include <stddef.h>
#include <stdint.h>

struct arena;

enum { CONTROL_VERSION = 1, CONTROL_LONGEST = 4096 /* of a line, with its end */ };

enum control_verb { CONTROL_CANCEL, CONTROL_HOLD, CONTROL_RELEASE, CONTROL_TRIGGER };

struct control_request {
	uint64_t client; /* whom to reply to; not part of the form */
	unsigned int uid;
	enum control_verb verb;
	const char *vm;     /* NULL: the fleet */
	const char *reason; /* printable; "" for none */
	const char *record; /* whom it is for: the record's name; NULL: whoever listens */
};

enum control_result {
	CONTROL_DONE,
	CONTROL_REFUSED,  /* it was not possible, and nothing has changed */
	CONTROL_TOO_LATE, /* it cannot be ended any more */
};

struct control_reply {
	enum control_result result;
	const char *text; /* one line */
};

const char *control_verb_word(enum control_verb verb);

/* One line with its end. */
const char *control_write_request(struct arena *arena, const struct control_request *request);
const char *control_write_reply(struct arena *arena, const struct control_reply *reply);

/* -EBADMSG: it is none, with what would be right. */
int control_read_request(struct arena *arena, const char *line, size_t length, struct control_request *ret_request,
                         struct error *err);
int control_read_reply(struct arena *arena, const char *line, size_t length, struct control_reply *ret_reply,
                       struct error *err);

#endif
