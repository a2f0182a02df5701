#include "cmd/source.h"
#include "reconcile/loop.h"
#include "state/arena.h"
#include "state/control.h"
#include "state/units.h"

#include <stdio.h>
#include <time.h>

static void print_event(void *data, const char *event, const char *line)
{
	(void)data;
	cleanup_arena struct arena *arena = arena_create();
	printf("%s event=%s%s%s\n", units_time(arena, (int64_t)time(NULL)), event, line[0] == '\0' ? "" : " ", line);
	fflush(stdout);
}

enum exit_code verb_run(struct arena *arena, const struct setting *setting)
{
	cleanup_git struct git *git = NULL;
	cleanup_record struct record *record = NULL;
	struct error err = {0};
	enum exit_code code = source_work(arena, setting, "berth run", &git, &record);
	if (code != EXIT_DONE) {
		return code;
	}
	const struct loop_settings settings = {
	        .git = git,
	        .record = record,
	        .controller = source_controller(arena, setting),
	        .effort = setting->effort,
	        .poll_ms = setting->config.poll_ms,
	        .resync_ms = setting->config.resync_ms,
	        .deadline_ms = setting->config.deadline_ms,
	        .limits = &setting->config.limits,
	        .control = control_folder(setting->config.state),
	        .log = print_event,
	};
	print_event(NULL, "start", arena_print(arena, "version=%s controller=%s", BERTH_VERSION, settings.controller));
	if (loop_run(&settings, &err) < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	print_event(NULL, "end", "");
	return EXIT_DONE;
}
