#include "cmd/outcome.h"
#include "cmd/progress.h"
#include "cmd/source.h"
#include "reconcile/commands.h"
#include "reconcile/input.h"
#include "reconcile/pass.h"
#include "state/arena.h"
#include "state/control.h"
#include "state/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Interrupted once: no further move is started; twice: the one in flight is cancelled. */
static volatile sig_atomic_t interrupts;

static void count_interrupt(int number)
{
	(void)number;
	interrupts++;
}

static void watch_signals(void)
{
	struct sigaction action = {.sa_handler = count_interrupt};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

struct applying {
	struct progress progress; /* first: the callbacks of progress.h get this struct */
	const struct setting *setting;
	struct commands *commands;
};

static void begin(void *data, const struct plan *plan, size_t index)
{
	const struct applying *applying = data;
	commands_begin(applying->commands, &plan->moves[index]);
	progress_begin(data, plan, index);
}

static const char *tell_or_cancel(void *data, const struct move *move, const struct transfer *transfer)
{
	const struct applying *applying = data;
	const char *why = commands_attend(applying->commands, transfer);
	progress_tell(data, move, transfer);
	return interrupts < 2 ? why : "interrupted";
}

static void end(void *data, const struct plan *plan, size_t index, const struct move_ending *ending)
{
	const struct applying *applying = data;
	progress_end(data, plan, index, ending);
	commands_end(applying->commands, ending);
}

static bool is_interrupted(void *data)
{
	const struct applying *applying = data;
	commands_serve(applying->commands);
	return interrupts > 0;
}

/* Without a socket nobody can cancel but by a signal. */
static void open_orders(struct applying *applying, struct record *record, const struct desired *desired)
{
	const struct commands_settings settings = {
	        .folder = control_folder(applying->setting->config.state),
	        .id = record_id(record),
	        .record = record,
	        .log = progress_note,
	        .data = applying,
	};
	struct error err = {0};
	if (commands_open(&settings, &applying->commands, &err) < 0) {
		complain("no control socket: %s", err.message);
		return;
	}
	commands_know(applying->commands, desired);
}

static bool ask(void *data, const struct plan *plan)
{
	const struct applying *applying = data;
	const struct setting *setting = applying->setting;
	cleanup_arena struct arena *arena = arena_create();
	if (setting->options.yes || setting->options.plan != NULL) {
		return true;
	}
	fputs(plan_text(arena, plan, setting->columns, setting->colour), stdout);
	printf("\nMake these moves? [y/N] ");
	fflush(stdout);
	char answer[16];
	return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool may_ask(const struct setting *setting)
{
	return setting->options.yes || setting->options.plan != NULL ||
	       (isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0);
}

/* What is left is printed: nothing, or what could not be done and why. */
static void print_rest(struct arena *arena, const struct setting *setting, const struct pass_result *result)
{
	if (result->declined) {
		printf("Nothing is moved.\n");
	} else if (result->done == 0 || !result->plan->in_sync) {
		fputs(plan_text(arena, result->plan, setting->columns, setting->colour), stdout);
	} else {
		printf("%zu move%s made: everything is in place.\n", result->done, result->done == 1 ? "" : "s");
	}
}

static enum exit_code end_of(const struct pass_result *result)
{
	if (result->nobody) {
		return EXIT_UNREADABLE;
	}
	if (result->failed > 0) {
		return EXIT_MIGRATION_FAILED;
	}
	if (result->stopped || result->declined || result->open > 0) {
		return EXIT_INCOMPLETE;
	}
	return outcome_of(result->plan);
}

static enum exit_code carry_out(struct arena *arena, const struct setting *setting, const struct pass *pass)
{
	struct pass_result result;
	struct error err = {0};
	if (pass_run(arena, pass, &result, &err) < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	if (result.other_plan) {
		complain("the plan has changed; now it is %s: nothing is moved", result.plan->id);
		return EXIT_INVALID;
	}
	if (result.nobody) {
		complain("not one host answered");
	}
	print_rest(arena, setting, &result);
	return end_of(&result);
}

static enum exit_code refuse(struct arena *arena, const struct publisher *publisher, const char *commit,
                             const struct problem_list *problems)
{
	const char *push_error = NULL;
	struct error err = {0};
	source_print_problems(problems);
	if (pass_refuse(arena, publisher, commit, problems, &push_error, &err) < 0) {
		complain("%s", err.message);
	} else if (push_error != NULL) {
		complain("the status is not pushed yet: %s", push_error);
	}
	return EXIT_INVALID;
}

enum exit_code verb_apply(struct arena *arena, const struct setting *setting)
{
	cleanup_git struct git *git = NULL;
	cleanup_record struct record *record = NULL;
	cleanup_libvirt struct libvirt *libvirt = NULL;
	struct error err = {0};
	if (!may_ask(setting)) {
		complain("apply: there is no terminal to ask on: add --yes, or --plan with the id of a plan");
		return EXIT_INVALID;
	}
	enum exit_code code = source_work(arena, setting, "berth apply", &git, &record);
	if (code != EXIT_DONE) {
		return code;
	}
	struct pass pass = {
	        .publisher = {.git = git, .record = record, .controller = source_controller(arena, setting)},
	        .effort = setting->effort,
	        .only_plan = setting->options.plan,
	        .limits = &setting->config.limits,
	};
	struct problem_list problems = {0};
	const char *commit = NULL;
	int r = input_from_git(arena, git, &pass.desired, &commit, &problems, &err);
	if (problems.count > 0) {
		return refuse(arena, &pass.publisher, commit, &problems);
	}
	if (r == 0) {
		r = publish_set_good_commit(arena, record, commit, &err);
	}
	if (r == 0) {
		r = libvirt_open(input_hosts(arena, pass.desired), pass.desired->host_count,
		                 (unsigned int)setting->config.deadline_ms, &libvirt, &err);
	}
	if (r < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	source_print_warnings(pass.desired);
	bool terminal = isatty(STDOUT_FILENO) != 0;
	struct applying applying = {
	        .progress = {.terminal = terminal, .colour = setting->colour, .columns = setting->columns},
	        .setting = setting,
	};
	const struct pass_listener listener = {
	        .data = &applying,
	        .plan = ask,
	        .begin = begin,
	        .progress = tell_or_cancel,
	        .end = end,
	        .note = progress_note,
	        .stopping = is_interrupted,
	};
	pass.world = libvirt_world(libvirt);
	pass.listener = &listener;
	watch_signals();
	open_orders(&applying, record, pass.desired);
	code = carry_out(arena, setting, &pass);
	commands_close(applying.commands);
	return code;
}
