/*
 * Any bytes as a line on the control socket. What must hold: what is read is written and read back equal, on one line
 * that the other side takes, and what people are shown of it is printable.
 */
#include "state/arena.h"
#include "state/control_form.h"
#include "state/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void must_be_line(const char *line)
{
	must(strchr(line, '\n') == line + strlen(line) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena *arena = arena_create();
	struct control_request request;
	struct control_reply reply;
	struct error err = {{0}};
	if (control_read_request(arena, (const char *)data, size, &request, &err) == 0) {
		const char *line = control_write_request(arena, &request);
		struct control_request again;
		must_be_line(line);
		must(text_is_printable(request.reason));
		must(control_read_request(arena, line, strlen(line), &again, &err) == 0);
		must(again.verb == request.verb && text_equal(again.vm, request.vm));
		must(text_equal(again.reason, request.reason) && text_equal(again.record, request.record));
	} else {
		must(err.message[0] != '\0' && strchr(err.message, '\n') == NULL);
	}
	if (control_read_reply(arena, (const char *)data, size, &reply, &err) == 0) {
		const char *line = control_write_reply(arena, &reply);
		must_be_line(line);
		must(control_read_reply(arena, line, strlen(line), &reply, &err) == 0);
		must(text_is_printable(reply.text));
	}
	return 0;
}
