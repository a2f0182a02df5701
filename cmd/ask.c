#include "cmd/ask.h"

#include "cmd/source.h"
#include "state/control.h"
#include "state/text.h"

#include <errno.h>
#include <stdio.h>

/* A berth that fetches, plans or ends a move answers when it is done with that. */
enum { ANSWER_WITHIN_MS = 180000 };

enum exit_code ask_berth(struct arena *arena, const struct setting *setting, const struct control_request *request,
                         bool *ret_nobody)
{
	struct control_request whole = *request;
	struct control_reply reply;
	struct error err = {0};
	enum exit_code code = source_record_id(arena, setting, &whole.record);
	if (code != EXIT_DONE) {
		return code;
	}
	int r = control_ask(arena, control_folder(setting->config.state), whole.record, &whole, ANSWER_WITHIN_MS,
	                    &reply, &err);
	bool is_nobody = r == -ENOENT || r == -ECONNREFUSED;
	if (is_nobody && ret_nobody != NULL) {
		*ret_nobody = true;
		return EXIT_DONE;
	}
	if (r < 0) {
		complain("%s%s", is_nobody ? "no berth is at work: " : "", err.message);
		return EXIT_UNREADABLE;
	}
	if (reply.result != CONTROL_DONE) {
		complain("%s", reply.text);
		return reply.result == CONTROL_REFUSED ? EXIT_INVALID : EXIT_INCOMPLETE;
	}
	printf("%s\n", text_printable(arena, reply.text));
	return EXIT_DONE;
}
