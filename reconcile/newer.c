#include "reconcile/newer.h"

#include "reconcile/input.h"
#include "state/arena.h"
#include "state/text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* Asking a repository on this machine for its tip is cheap, but not for nothing. */
enum { LOOK_EVERY_MS = 500 };

struct newer {
	struct arena *arena;
	struct git *git;
	uint64_t every_ms;
	uint64_t next_ms; /* when to look again */
	char commit[80];  /* that the pass acts on */
	char judged[80];  /* the newer one that has been told; "": none yet */
	pthread_t thread; /* while is_fetching */
	bool is_fetching;
	atomic_bool is_over; /* the thread's */
};

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct newer *newer_create(struct git *git, uint64_t poll_ms)
{
	struct arena *arena = arena_create();
	struct newer *newer = arena_alloc(arena, sizeof(*newer));
	newer->arena = arena;
	newer->git = git;
	newer->every_ms = git_is_remote(git) ? poll_ms : LOOK_EVERY_MS;
	return newer;
}

void newer_destroy(struct newer *newer)
{
	if (newer != NULL) {
		newer_wait(newer);
		arena_destroy(newer->arena);
	}
}

static void keep(char to[static 80], const char *commit)
{
	strncpy(to, commit, 79);
}

void newer_begin(struct newer *newer, const char *commit)
{
	memset(newer->commit, 0, sizeof(newer->commit));
	memset(newer->judged, 0, sizeof(newer->judged));
	keep(newer->commit, commit);
	newer->next_ms = now_ms() + newer->every_ms;
}

void newer_hurry(struct newer *newer)
{
	newer->next_ms = 0;
}

/* Each time that it is due. */
static bool is_due(struct newer *newer)
{
	uint64_t now = now_ms();
	if (now < newer->next_ms) {
		return false;
	}
	newer->next_ms = now + newer->every_ms;
	return true;
}

static void *fetch(void *data)
{
	struct newer *newer = data;
	git_fetch(newer->git, NULL); /* a server that does not answer changes nothing, and is told between two passes */
	atomic_store(&newer->is_over, true);
	return NULL;
}

void newer_wait(struct newer *newer)
{
	if (newer->is_fetching) {
		pthread_join(newer->thread, NULL);
		newer->is_fetching = false;
	}
}

/* The tip, if it is neither the pass's commit nor one that has been told. */
static const char *find_newer(struct newer *newer, struct arena *arena)
{
	const char *tip = NULL;
	bool is_known = git_tip(newer->git, arena, &tip, NULL) < 0 || text_equal(tip, newer->commit) ||
	                text_equal(tip, newer->judged);
	return is_known ? NULL : tip;
}

const struct desired *newer_look(struct newer *newer, struct arena *arena)
{
	bool has_fetched = false;
	if (newer->is_fetching) {
		if (!atomic_load(&newer->is_over)) {
			return NULL;
		}
		newer_wait(newer);
		has_fetched = true;
	}
	if (!has_fetched && !is_due(newer)) {
		return NULL;
	}
	if (!has_fetched && git_is_remote(newer->git)) {
		atomic_store(&newer->is_over, false);
		newer->is_fetching = pthread_create(&newer->thread, NULL, fetch, newer) == 0;
		return NULL;
	}
	cleanup_arena struct arena *own = arena_create();
	const struct desired *desired = NULL;
	const char *tip = find_newer(newer, own);
	const char *commit = NULL;
	struct problem_list problems = {0};
	if (tip == NULL) {
		return NULL;
	}
	keep(newer->judged, tip);
	return input_from_git(arena, newer->git, &desired, &commit, &problems, NULL) == 0 ? desired : NULL;
}

bool newer_has_come(struct newer *newer)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *tip = NULL;
	newer_wait(newer);
	if (git_is_remote(newer->git) && is_due(newer)) {
		git_fetch(newer->git, NULL);
	}
	return git_tip(newer->git, arena, &tip, NULL) == 0 && !text_equal(tip, newer->commit);
}
