#include "cmd/ask.h"

enum exit_code verb_cancel(struct arena *arena, const struct setting *setting)
{
	const struct control_request request = {
	        .verb = CONTROL_CANCEL,
	        .vm = setting->options.operand,
	        .reason = setting->options.reason,
	};
	if (request.vm == NULL) {
		complain("cancel: which VM?");
		return EXIT_INVALID;
	}
	return ask_berth(arena, setting, &request, NULL);
}
