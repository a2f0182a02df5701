#include "reconcile/loop.h"

#include "reconcile/commands.h"
#include "reconcile/input.h"
#include "reconcile/newer.h"
#include "state/arena.h"
#include "state/consent.h"
#include "state/digest.h"
#include "state/text.h"
#include "state/units.h"
#include "state/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

struct loop {
	const struct loop_settings *settings;
	struct watch *watch;   /* NULL: a remote repository */
	struct watch *consent; /* of what a person allows */
	struct libvirt *libvirt;
	struct newer *newer;
	struct commands *commands; /* NULL: nobody can tell it anything */
	struct arena *arena;       /* of what lives longer than a pass */
	const char *hosts;         /* which hosts `libvirt` has, as a digest */
	const char *commit;        /* that the pass in flight acts on */
	bool resync;               /* the next pass looks at all hosts, whether they have told of a change or not */
	uint64_t knock_ms;         /* until hosts that are away are asked again; 0: none is */
	uint64_t pass_ms;          /* how long the last pass took */
	bool rang;                 /* and the bell was the reason for it */
	const char *stall;         /* what was done about one of the move in flight, once it is told; NULL: nothing */
	int signals;
	unsigned int told;    /* how often it has been told to stop */
	int64_t next_attempt; /* of a move that failed, seconds since 1970; 0: there is none */
};

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void log_line(const struct loop *loop, const char *event, const char *line)
{
	loop->settings->log(loop->settings->data, event, line);
}

/* What stands between quotes in a line: obeys nobody's terminal, and ends no field. */
static const char *quotable(struct arena *arena, const char *string)
{
	char *text = arena_copy(arena, text_printable(arena, string));
	for (char *c = text; *c != '\0'; c++) {
		*c = *c == '"' ? '\'' : *c;
	}
	return text;
}

static void log_error(const struct loop *loop, const char *event, const struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	log_line(loop, event, arena_print(arena, "error=\"%s\"", quotable(arena, err->message)));
}

static void take_signals(struct loop *loop)
{
	struct signalfd_siginfo info;
	while (read(loop->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		loop->told++;
		log_line(loop, "stop", loop->told == 1 ? "when=\"the move in flight is over\"" : "when=now");
	}
}

static void take_orders(struct loop *loop)
{
	commands_serve(loop->commands);
	if (commands_want_look(loop->commands)) {
		newer_hurry(loop->newer);
	}
}

/* A newer commit ends a plan between two moves: what is still wanted is planned again from there. */
static bool is_stopping(void *data)
{
	struct loop *loop = data;
	take_signals(loop);
	take_orders(loop);
	return loop->told > 0 || newer_has_come(loop->newer);
}

/* And in a move it ends that, if it does not ask for it any more. */
static const struct desired *look_for_newer(void *data, struct arena *arena)
{
	struct loop *loop = data;
	return newer_look(loop->newer, arena);
}

static void log_stall(const struct loop *loop, const struct move *move)
{
	cleanup_arena struct arena *arena = arena_create();
	log_line(loop, "move.stalled",
	         arena_print(arena, "vm=\"%s\" stall=%s", quotable(arena, move->vm), loop->stall));
}

static const char *keep_on(void *data, const struct move *move, const struct transfer *transfer)
{
	struct loop *loop = data;
	if (transfer->stall != NULL && loop->stall == NULL) {
		loop->stall = transfer->stall;
		log_stall(loop, move);
	}
	take_signals(loop);
	take_orders(loop);
	const char *why = commands_attend(loop->commands, transfer);
	return loop->told < 2 ? why : "berth was told twice to stop";
}

/* Names from outside are quoted, and obey nobody's terminal. */
static const char *move_fields(struct arena *arena, const struct plan *plan, size_t index)
{
	const struct move *move = &plan->moves[index];
	return arena_print(arena, "vm=\"%s\" from=%s to=%s mode=%s step=%zu/%zu plan=%s desired=%s",
	                   quotable(arena, move->vm), move->from, move->to, move_mode_word(move->mode), index + 1,
	                   plan->move_count, plan->id, plan->desired == NULL ? "" : plan->desired);
}

static void log_begin(void *data, const struct plan *plan, size_t index)
{
	cleanup_arena struct arena *arena = arena_create();
	struct loop *loop = data;
	loop->stall = NULL;
	commands_begin(loop->commands, &plan->moves[index]);
	log_line(data, "move.begin", move_fields(arena, plan, index));
}

static const char *outcome_fields(struct arena *arena, const struct move_ending *ending)
{
	const struct outcome *outcome = &ending->outcome;
	return arena_print(arena, "ms=%llu downtime_ms=%llu bytes=%llu stall=%s iterations=%llu dirty_bytes_per_s=%llu",
	                   (unsigned long long)ending->ms, (unsigned long long)outcome->downtime_ms,
	                   (unsigned long long)outcome->bytes, outcome->stall == NULL ? "none" : outcome->stall,
	                   (unsigned long long)outcome->iterations, (unsigned long long)outcome->dirty_bytes_per_s);
}

static void log_end(void *data, const struct plan *plan, size_t index, const struct move_ending *ending)
{
	static const char *const events[] = {
	        [ENDED_DONE] = "move.done",           [ENDED_REFUSED] = "move.refused", [ENDED_FAILED] = "move.failed",
	        [ENDED_CANCELLED] = "move.cancelled", [ENDED_OPEN] = "move.open",
	};
	cleanup_arena struct arena *arena = arena_create();
	const struct loop *loop = data;
	newer_wait(loop->newer); /* the move is told next, by the same door */
	const char *why = ending->reason.text == NULL ? "" : quotable(arena, ending->reason.text);
	log_line(data, events[ending->ending],
	         arena_print(arena, "%s %s%s%s%s", move_fields(arena, plan, index), outcome_fields(arena, ending),
	                     why[0] == '\0' ? "" : " reason=\"", why, why[0] == '\0' ? "" : "\""));
	commands_end(loop->commands, ending);
}

static void log_note(void *data, const char *line)
{
	cleanup_arena struct arena *arena = arena_create();
	log_line(data, "note", arena_print(arena, "text=\"%s\"", quotable(arena, line)));
}

static void log_order(void *data, const char *line)
{
	cleanup_arena struct arena *arena = arena_create();
	log_line(data, "control", arena_print(arena, "text=\"%s\"", quotable(arena, line)));
}

static const char *digest_of_hosts(struct arena *arena, const struct libvirt_host *hosts, size_t count)
{
	struct digest *digest = digest_create(arena);
	for (size_t i = 0; i < count; i++) {
		digest_add_text(digest, hosts[i].name);
		digest_add_text(digest, hosts[i].uri);
		digest_add_text(digest, hosts[i].migration_address);
		digest_add_number(digest, hosts[i].shared_count);
		for (size_t k = 0; k < hosts[i].shared_count; k++) {
			digest_add_text(digest, hosts[i].shared[k]);
		}
	}
	return digest_end(digest, arena);
}

/* Connections are kept from pass to pass, as long as the hosts are the same. */
static int connect(struct loop *loop, struct arena *arena, const struct desired *desired, struct error *err)
{
	struct libvirt_host *hosts = input_hosts(arena, desired);
	const char *digest = digest_of_hosts(arena, hosts, desired->host_count);
	if (loop->libvirt != NULL && text_equal(digest, loop->hosts)) {
		return 0;
	}
	libvirt_close(loop->libvirt);
	loop->libvirt = NULL;
	int r = libvirt_open(hosts, desired->host_count, (unsigned int)loop->settings->deadline_ms, &loop->libvirt,
	                     err);
	if (r == 0) {
		arena_destroy(loop->arena);
		loop->arena = arena_create();
		loop->hosts = arena_copy(loop->arena, digest);
	}
	return r;
}

static void refuse(struct loop *loop, struct arena *arena, const struct publisher *publisher, const char *commit,
                   const struct problem_list *problems)
{
	const char *push_error = NULL;
	struct error err = {0};
	log_line(loop, "commit.invalid",
	         arena_print(arena, "desired=%s errors=%zu first=\"%s\"", commit, problems->count,
	                     quotable(arena, problems->lines[0])));
	if (pass_refuse(arena, publisher, commit, problems, &push_error, &err) < 0) {
		log_error(loop, "status.error", &err);
	} else if (push_error != NULL) {
		log_note(loop, push_error);
	}
}

static int act(struct loop *loop, struct arena *arena, struct pass *pass, struct error *err)
{
	struct pass_result result = {0};
	int r = publish_set_good_commit(arena, pass->publisher.record, loop->commit, err);
	newer_begin(loop->newer, loop->commit);
	commands_know(loop->commands, pass->desired);
	if (r == 0) {
		r = connect(loop, arena, pass->desired, err);
	}
	if (r == 0) {
		libvirt_events_drain(); /* whatever they told, it is looked at now */
		loop->resync = false;
		pass->world = libvirt_world(loop->libvirt);
		r = pass_run(arena, pass, &result, err);
	}
	if (r == 0) {
		loop->next_attempt = result.next_attempt;
		log_line(loop, "pass",
		         arena_print(arena, "desired=%s phase=%s done=%zu failed=%zu blocked=%zu", loop->commit,
		                     phase_word(result.phase), result.done, result.failed, result.plan->blocked_count));
	}
	return r;
}

static void make_pass(struct loop *loop)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct loop_settings *settings = loop->settings;
	const struct pass_listener listener = {
	        .data = loop,
	        .begin = log_begin,
	        .progress = keep_on,
	        .newer = look_for_newer,
	        .end = log_end,
	        .note = log_note,
	        .stopping = is_stopping,
	};
	struct pass pass = {
	        .publisher = {.git = settings->git, .record = settings->record, .controller = settings->controller},
	        .listener = &listener,
	        .effort = settings->effort,
	        .limits = settings->limits,
	        .retries = true,
	        .look = loop->resync ? LOOK_PLAIN : LOOK_CHANGED,
	};
	struct problem_list problems = {0};
	struct error err = {0};
	uint64_t begun_ms = now_ms();
	loop->commit = NULL;
	loop->next_attempt = 0;
	int r = input_from_git(arena, settings->git, &pass.desired, &loop->commit, &problems, &err);
	if (problems.count > 0) {
		refuse(loop, arena, &pass.publisher, loop->commit, &problems);
		r = 0;
	} else if (r == 0) {
		r = act(loop, arena, &pass, &err);
	}
	if (r < 0) {
		log_error(loop, "pass.error", &err);
	}
	loop->commit = NULL;
	loop->pass_ms = now_ms() - begun_ms;
}

/* Is the placement another one than `commit`? A repository that cannot be asked changes nothing. */
static bool has_moved(struct loop *loop, const char *commit)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *tip = NULL;
	struct error err = {0};
	int r = git_fetch(loop->settings->git, &err);
	if (r == 0) {
		r = git_tip(loop->settings->git, arena, &tip, &err);
	}
	if (r < 0) {
		log_error(loop, "repository.error", &err);
		return false;
	}
	return !text_equal(tip, commit);
}

/* Growing, as long as a host is away. */
static void knock(struct loop *loop)
{
	const uint64_t least_ms = 1000;
	const uint64_t most_ms = 60000;
	uint64_t next_ms = loop->knock_ms == 0 ? least_ms : loop->knock_ms * 2;
	bool is_away = loop->libvirt != NULL && libvirt_knock(loop->libvirt);
	loop->knock_ms = !is_away ? 0 : next_ms > most_ms ? most_ms : next_ms;
}

/* Several events come with each change; they make one pass. */
static bool has_rung(short revents)
{
	const struct timespec together = {.tv_nsec = 50000000};
	if ((revents & POLLIN) == 0) {
		return false;
	}
	nanosleep(&together, NULL);
	return libvirt_events_drain();
}

/* How long until the next pass, if nothing happens before. A clock that was set back makes it no longer than a resync.
 */
static uint64_t longest_wait_ms(const struct loop *loop)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (loop->next_attempt == 0) {
		return loop->settings->resync_ms;
	}
	/* A whole second later than it must be: the next pass is then not too early for it by a rounding. */
	int64_t seconds = loop->next_attempt + 1 - (int64_t)now.tv_sec;
	uint64_t wait_ms = seconds < 1 ? 1000 : (uint64_t)seconds * 1000;
	return wait_ms < loop->settings->resync_ms ? wait_ms : loop->settings->resync_ms;
}

/* When the next thing is due, in ms of the monotonic clock. */
struct timers {
	uint64_t look; /* a pass in any case */
	uint64_t poll; /* of a remote repository; UINT64_MAX: a local one tells by itself */
	uint64_t knock;
	uint64_t bell; /* heard from then on */
};

static void set_poll(const struct loop *loop, struct timers *timers, uint64_t now)
{
	timers->poll = loop->watch == NULL ? now + loop->settings->poll_ms : UINT64_MAX;
}

static void set_knock(struct loop *loop, struct timers *timers, uint64_t now)
{
	knock(loop);
	timers->knock = loop->knock_ms == 0 ? UINT64_MAX : now + loop->knock_ms;
}

static int ms_until_first(const struct timers *timers, uint64_t now)
{
	uint64_t first = timers->look < timers->poll ? timers->look : timers->poll;
	first = first < timers->knock ? first : timers->knock;
	first = timers->bell > now && timers->bell < first ? timers->bell : first;
	uint64_t ms = first > now ? first - now : 0;
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* Hosts that ring all the time, be it that a look at them makes them do so, get a fifth of the time at most. */
static void set_bell(struct loop *loop, struct timers *timers, uint64_t now)
{
	const uint64_t most_ms = 5000;
	uint64_t rest_ms = loop->pass_ms * 4 > most_ms ? most_ms : loop->pass_ms * 4;
	timers->bell = loop->rang ? now + rest_ms : now;
	loop->rang = false;
}

/* Waits until there is a reason for a pass, or to stop. */
static void wait_for_reason(struct loop *loop, const char *commit)
{
	uint64_t now = now_ms();
	struct timers timers = {.look = now + longest_wait_ms(loop)};
	set_poll(loop, &timers, now);
	set_knock(loop, &timers, now);
	set_bell(loop, &timers, now);
	for (; loop->told == 0 && now < timers.look; now = now_ms()) {
		if (commands_want_pass(loop->commands)) {
			has_moved(loop, commit);
			loop->resync = true;
			return;
		}
		struct pollfd fds[] = {
		        {.fd = loop->signals, .events = POLLIN},
		        {.fd = loop->watch == NULL ? -1 : watch_fd(loop->watch), .events = POLLIN},
		        {.fd = watch_fd(loop->consent), .events = POLLIN},
		        {.fd = commands_fd(loop->commands), .events = POLLIN},
		        {.fd = now < timers.bell ? -1 : libvirt_events_fd(), .events = POLLIN},
		};
		poll(fds, sizeof(fds) / sizeof(fds[0]), ms_until_first(&timers, now));
		now = now_ms();
		take_signals(loop);
		commands_serve(loop->commands);
		if ((fds[2].revents & POLLIN) != 0 && watch_drain(loop->consent)) {
			return;
		}
		if (has_rung(fds[4].revents)) {
			loop->rang = true;
			return;
		}
		bool look = now >= timers.poll || ((fds[1].revents & POLLIN) != 0 && watch_drain(loop->watch));
		if (look && has_moved(loop, commit)) {
			return;
		}
		if (now >= timers.poll) {
			set_poll(loop, &timers, now);
		}
		if (now >= timers.knock) {
			set_knock(loop, &timers, now);
		}
	}
	loop->resync = true;
}

static int open_signals(struct error *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0) {
		int code = -errno;
		return error_set(err, code, "signalfd: %s", strerror(-code));
	}
	return fd;
}

static int open_watches(struct loop *loop, struct error *err)
{
	const struct loop_settings *settings = loop->settings;
	cleanup_arena struct arena *arena = arena_create();
	const char *folder = NULL;
	int r = consent_folder(settings->record, arena, &folder, err);
	if (r == 0) {
		r = watch_open_folder(folder, &loop->consent, err);
	}
	if (r == 0 && !git_is_remote(settings->git)) {
		r = watch_open(git_directory(settings->git), git_head_directory(settings->git), &loop->watch, err);
	}
	return r;
}

/* Without a socket it works on all the same: what is to be done stands in the repository. */
static void open_orders(struct loop *loop)
{
	const struct commands_settings settings = {
	        .folder = loop->settings->control,
	        .id = record_id(loop->settings->record),
	        .record = loop->settings->record,
	        .log = log_order,
	        .data = loop,
	};
	struct error err = {0};
	if (commands_open(&settings, &loop->commands, &err) < 0) {
		log_error(loop, "control.error", &err);
		return;
	}
	log_order(loop, arena_print(loop->arena, "listening at %s", commands_path(loop->commands)));
}

int loop_run(const struct loop_settings *settings, struct error *err)
{
	struct loop loop = {
	        .settings = settings,
	        .resync = true,
	        .arena = arena_create(),
	        .newer = newer_create(settings->git, settings->poll_ms),
	};
	loop.signals = open_signals(err);
	int r = loop.signals < 0 ? loop.signals : open_watches(&loop, err);
	if (r == 0) {
		open_orders(&loop);
	}
	while (r == 0 && loop.told == 0) {
		cleanup_arena struct arena *arena = arena_create();
		const char *tip = NULL;
		struct error tip_error = {0};
		if (git_tip(settings->git, arena, &tip, &tip_error) < 0) {
			log_error(&loop, "repository.error", &tip_error);
		} else {
			make_pass(&loop);
		}
		wait_for_reason(&loop, tip);
	}
	watch_close(loop.watch);
	watch_close(loop.consent);
	libvirt_close(loop.libvirt);
	newer_destroy(loop.newer);
	commands_close(loop.commands);
	arena_destroy(loop.arena);
	if (loop.signals >= 0) {
		close(loop.signals);
	}
	return r;
}
