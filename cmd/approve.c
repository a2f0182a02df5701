#include "cmd/source.h"
#include "state/arena.h"
#include "state/consent.h"

#include <stdio.h>
#include <string.h>

/* As identify_plan() makes it. */
static bool is_id(const char *text)
{
	static const char begin[] = "sha256:";
	const size_t digits = 64;
	return strncmp(text, begin, strlen(begin)) == 0 && strlen(text) == strlen(begin) + digits &&
	       strspn(text + strlen(begin), "0123456789abcdef") == digits;
}

enum exit_code verb_approve(struct arena *arena, const struct setting *setting)
{
	cleanup_record struct record *record = NULL;
	const char *id = setting->options.operand;
	struct error err = {0};
	if (id == NULL || !is_id(id)) {
		complain("approve: %s: 'berth status' and 'berth plan' show the id of a plan, sha256:…",
		         id == NULL ? "which plan?" : "this is no id of a plan");
		return EXIT_INVALID;
	}
	enum exit_code code = source_record(arena, setting, &record);
	if (code != EXIT_DONE) {
		return code;
	}
	if (consent_approve(record, id, &err) < 0) {
		complain("%s", err.message);
		return EXIT_INVALID;
	}
	printf("Plan %s may run, as long as it is the plan.\n", id);
	return EXIT_DONE;
}
