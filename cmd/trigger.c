#include "cmd/ask.h"

enum exit_code verb_trigger(struct arena *arena, const struct setting *setting)
{
	const struct control_request request = {.verb = CONTROL_TRIGGER};
	return ask_berth(arena, setting, &request, NULL);
}
