#include "state/libvirt/worker.h"

#include "state/arena.h"
#include "state/libvirt/bell.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/virterror.h>

/* Keepalive: a daemon that is silent for so long is taken as gone (interval times count). */
enum { KEEPALIVE_SECONDS = 3, KEEPALIVE_COUNT = 3 };

/* ON_THE_WAY: no effect yet, can be given up. */
enum call_stage { CALL_ON_THE_WAY, CALL_BEGUN, CALL_GIVEN_UP, CALL_OVER };

struct call {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int holders;
	enum call_stage stage;
	bool unwanted;
	bool rings;
	bool begins_itself;
	int result;
	struct error error;
	struct arena *arena;
	call_function *run;
	void *data;
};

struct worker {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int holders; /* the owner and the thread */
	bool ending;
	struct call *next;
	char *uri;
	virConnectPtr connection;
	struct ear *ear;   /* NULL: it does not listen */
	struct ears ears;  /* of the connection, if it does */
	bool connecting;   /* its first call is not begun, or it connects; under `hanging_lock`, like the next */
	uint64_t since_ms; /* when that began */
	struct worker *next_hanging; /* of those let go by their owner while they were connecting */
};

/*
 * A daemon that is frozen takes connections and never says a word, so that who connects hangs for ever, with a thread
 * and a socket. Who comes next takes that worker over instead of leaving one more behind.
 */
static pthread_mutex_t hanging_lock = PTHREAD_MUTEX_INITIALIZER;
static struct worker *hanging;

static void *allocate_or_end(size_t size)
{
	void *memory = calloc(1, size);
	if (memory == NULL) {
		abort();
	}
	return memory;
}

static void init_lock(pthread_mutex_t *lock, pthread_cond_t *changed)
{
	pthread_condattr_t attributes;
	pthread_mutex_init(lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

struct call *call_create(call_function *run, size_t data_size, bool begins_itself)
{
	struct call *call = allocate_or_end(sizeof(*call));
	init_lock(&call->lock, &call->changed);
	call->holders = 1;
	call->run = run;
	call->begins_itself = begins_itself;
	call->arena = arena_create();
	call->data = arena_alloc(call->arena, data_size);
	return call;
}

void *call_data(struct call *call)
{
	return call->data;
}

struct arena *call_arena(struct call *call)
{
	return call->arena;
}

void call_take_arena(struct call *call, struct arena *arena)
{
	pthread_mutex_lock(&call->lock);
	assert(call->stage == CALL_OVER);
	arena_adopt(arena, call->arena);
	call->arena = NULL;
	pthread_mutex_unlock(&call->lock);
}

void call_release(struct call *call)
{
	if (call == NULL) {
		return;
	}
	pthread_mutex_lock(&call->lock);
	bool last = --call->holders == 0;
	pthread_mutex_unlock(&call->lock);
	if (last) {
		pthread_mutex_destroy(&call->lock);
		pthread_cond_destroy(&call->changed);
		arena_destroy(call->arena);
		free(call);
	}
}

bool call_is_over(struct call *call)
{
	pthread_mutex_lock(&call->lock);
	bool over = call->stage == CALL_OVER;
	pthread_mutex_unlock(&call->lock);
	return over;
}

bool call_give_up(struct call *call)
{
	pthread_mutex_lock(&call->lock);
	bool in_time = call->stage == CALL_ON_THE_WAY;
	call->unwanted = true;
	if (in_time) {
		call->stage = CALL_GIVEN_UP;
	}
	pthread_mutex_unlock(&call->lock);
	return in_time;
}

void call_ring_at_end(struct call *call)
{
	pthread_mutex_lock(&call->lock);
	call->rings = true;
	bool over = call->stage == CALL_OVER;
	pthread_mutex_unlock(&call->lock);
	if (over) { /* just now: nobody has been told */
		bell_ring();
	}
}

bool call_is_wanted(struct call *call)
{
	pthread_mutex_lock(&call->lock);
	bool wanted = !call->unwanted;
	pthread_mutex_unlock(&call->lock);
	return wanted;
}

static bool is_given_up(struct call *call)
{
	pthread_mutex_lock(&call->lock);
	bool given_up = call->stage == CALL_GIVEN_UP;
	pthread_mutex_unlock(&call->lock);
	return given_up;
}

bool call_begin(struct call *call)
{
	pthread_mutex_lock(&call->lock);
	bool goes_on = call->stage != CALL_GIVEN_UP;
	if (goes_on) {
		call->stage = CALL_BEGUN;
	}
	pthread_mutex_unlock(&call->lock);
	return goes_on;
}

static struct timespec time_from_now(int ms)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

int call_wait(struct call *call, int ms, struct error *err)
{
	struct timespec end = time_from_now(ms < 0 ? 0 : ms);
	int waited = 0;
	pthread_mutex_lock(&call->lock);
	while (call->stage != CALL_OVER && waited == 0) {
		waited = ms < 0 ? pthread_cond_wait(&call->changed, &call->lock)
		                : pthread_cond_timedwait(&call->changed, &call->lock, &end);
	}
	bool over = call->stage == CALL_OVER;
	int result = call->result;
	if (over && result < 0 && err != NULL) {
		*err = call->error;
	}
	pthread_mutex_unlock(&call->lock);
	if (!over) {
		return error_set(err, -ETIMEDOUT, "no answer within %d.%d s", ms / 1000, ms % 1000 / 100);
	}
	return result;
}

int libvirt_error(struct error *err, const char *what)
{
	virErrorPtr last = virGetLastError();
	const char *message = last == NULL || last->message == NULL ? "unknown error" : last->message;
	int code = -EIO;
	if (last != NULL) {
		switch (last->code) {
		case VIR_ERR_NO_DOMAIN:
		case VIR_ERR_NO_STORAGE_VOL:
		case VIR_ERR_NO_STORAGE_POOL:
			code = -ENOENT;
			break;
		case VIR_ERR_STORAGE_VOL_EXIST:
			code = -EEXIST;
			break;
		case VIR_ERR_OPERATION_ABORTED:
			code = -ECANCELED;
			break;
		case VIR_ERR_OPERATION_INVALID:
		case VIR_ERR_OPERATION_DENIED:
		case VIR_ERR_OPERATION_UNSUPPORTED:
		case VIR_ERR_CONFIG_UNSUPPORTED:
		case VIR_ERR_ARGUMENT_UNSUPPORTED:
		case VIR_ERR_INVALID_ARG:
			code = -EPERM; /* it answered, and has done nothing */
			break;
		default:
			break;
		}
	}
	return what == NULL ? error_set(err, code, "%s", message) : error_set(err, code, "%s: %s", what, message);
}

static void be_silent(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static void *run_events(void *unused)
{
	(void)unused;
	for (;;) {
		if (virEventRunDefaultImpl() < 0) {
			struct timespec pause = {.tv_nsec = 100000000};
			nanosleep(&pause, NULL);
		}
	}
	return NULL;
}

/* Keepalive needs an event loop; it lives in a thread of its own as long as the program. */
static void start_events(void)
{
	pthread_t thread;
	virSetErrorFunc(NULL, be_silent);
	if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0) {
		return;
	}
	if (pthread_create(&thread, NULL, run_events, NULL) == 0) {
		pthread_detach(thread);
	}
}

/* Nobody is there to type a password. */
static int refuse_to_ask(virConnectCredentialPtr credentials, unsigned int count, void *data)
{
	(void)credentials;
	(void)count;
	(void)data;
	return -1;
}

virConnectPtr worker_connect(const char *uri, struct error *err)
{
	virConnectAuth auth = {.cb = refuse_to_ask};
	virConnectPtr connection = virConnectOpenAuth(uri, &auth, 0);
	if (connection == NULL) {
		libvirt_error(err, NULL);
		return NULL;
	}
	/* Drivers without a remote daemon have no keepalive: nothing to keep alive there. */
	if (virConnectSetKeepAlive(connection, KEEPALIVE_SECONDS, KEEPALIVE_COUNT) < 0) {
		virResetLastError();
	}
	return connection;
}

/* Takes it off the list of those that hang; the caller holds the lock. Returns false when it is not there. */
static bool unlist(struct worker *worker)
{
	struct worker **at = &hanging;
	while (*at != NULL && *at != worker) {
		at = &(*at)->next_hanging;
	}
	bool found = *at != NULL;
	if (found) {
		*at = worker->next_hanging;
	}
	return found;
}

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void set_connecting(struct worker *worker, bool connecting)
{
	pthread_mutex_lock(&hanging_lock);
	worker->connecting = connecting;
	worker->since_ms = now_ms();
	unlist(worker);
	pthread_mutex_unlock(&hanging_lock);
}

static void disconnect(struct worker *worker)
{
	if (worker->connection == NULL) {
		return;
	}
	if (worker->ear != NULL) {
		bell_deafen(worker->connection, worker->ear, &worker->ears);
	}
	virConnectClose(worker->connection);
	worker->connection = NULL;
}

static int connect_if_needed(struct worker *worker, struct error *err)
{
	if (worker->connection != NULL && virConnectIsAlive(worker->connection) == 1) {
		return 0;
	}
	disconnect(worker);
	set_connecting(worker, true);
	worker->connection = worker_connect(worker->uri, err);
	set_connecting(worker, false);
	if (worker->connection == NULL) {
		return -ENOTCONN;
	}
	if (worker->ear != NULL) {
		bell_listen(worker->connection, worker->ear, &worker->ears);
	}
	return 0;
}

static void end_call(struct call *call, int result, const struct error *err)
{
	pthread_mutex_lock(&call->lock);
	call->result = result;
	call->error = *err;
	call->stage = CALL_OVER;
	bool rings = call->rings && result != -ENOTCONN;
	pthread_cond_broadcast(&call->changed);
	pthread_mutex_unlock(&call->lock);
	call_release(call);
	if (rings) {
		bell_ring();
	}
}

static void make_call(struct worker *worker, struct call *call)
{
	struct error err = {0};
	int result = is_given_up(call) ? -ECANCELED : connect_if_needed(worker, &err);
	if (result == -ECANCELED) {
		set_connecting(worker, false); /* nobody may take it over as one that connects */
	}
	if (result == 0 && (is_given_up(call) || (!call->begins_itself && !call_begin(call)))) {
		result = error_set(&err, -ECANCELED, "given up");
	}
	if (result == 0) {
		result = call->run(call, worker->connection, &err);
	}
	if (result == -EIO && virConnectIsAlive(worker->connection) != 1) {
		result = -ENOTCONN;
	}
	end_call(call, result, &err);
}

/* Returns true for the last one. */
static bool drop_holder(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	bool last = --worker->holders == 0;
	worker->ending = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	return last;
}

static void release_holder(struct worker *worker)
{
	if (drop_holder(worker)) {
		pthread_mutex_destroy(&worker->lock);
		pthread_cond_destroy(&worker->changed);
		ear_release(worker->ear);
		free(worker->uri);
		free(worker);
	}
}

static void *work(void *data)
{
	struct worker *worker = data;
	for (;;) {
		pthread_mutex_lock(&worker->lock);
		while (worker->next == NULL && !worker->ending) {
			pthread_cond_wait(&worker->changed, &worker->lock);
		}
		struct call *call = worker->next;
		worker->next = NULL;
		pthread_mutex_unlock(&worker->lock);
		if (call == NULL) {
			break;
		}
		make_call(worker, call);
	}
	disconnect(worker);
	release_holder(worker);
	return NULL;
}

/*
 * A host that is switched off while somebody waits for its answer tells nothing of it: that connect never ends, and
 * whoever shared it would wait for ever. So another is tried after a while, and each further one after twice as long.
 */
enum { PATIENCE_MS = 120000, MOST_DOUBLINGS = 10 };

/* The youngest, unless it hangs too long; the caller holds the lock. */
static struct worker *find_hanging(const char *uri, const struct ear *ear)
{
	struct worker *youngest = NULL;
	unsigned int count = 0;
	for (struct worker *worker = hanging; worker != NULL; worker = worker->next_hanging) {
		if (worker->ear == ear && strcmp(worker->uri, uri) == 0) {
			count++;
			youngest = youngest == NULL || worker->since_ms > youngest->since_ms ? worker : youngest;
		}
	}
	unsigned int doublings = count > MOST_DOUBLINGS ? MOST_DOUBLINGS : count;
	bool is_old = youngest != NULL && now_ms() - youngest->since_ms > (uint64_t)PATIENCE_MS << (doublings - 1);
	return is_old ? NULL : youngest;
}

/* A worker of that kind for that host which was let go and still hangs in its connect; it has an owner again. NULL:
 * none. */
static struct worker *take_over(const char *uri, const struct ear *ear)
{
	struct call *given_up = NULL;
	pthread_mutex_lock(&hanging_lock);
	struct worker *worker = find_hanging(uri, ear);
	if (worker != NULL) {
		unlist(worker);
		pthread_mutex_lock(&worker->lock);
		worker->holders++;
		worker->ending = false;
		given_up = worker->next; /* of its last owner, who came after the connect had begun */
		worker->next = NULL;
		pthread_mutex_unlock(&worker->lock);
	}
	pthread_mutex_unlock(&hanging_lock);
	if (given_up != NULL) {
		struct error err = {0};
		/* Its host has not answered: for that result nothing is rung. */
		end_call(given_up, error_set(&err, -ENOTCONN, "given up"), &err);
	}
	return worker;
}

static struct worker *create(const char *uri, struct ear *ear)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, start_events);
	struct worker *hangs = take_over(uri, ear);
	if (hangs != NULL) {
		return hangs;
	}
	struct worker *worker = allocate_or_end(sizeof(*worker));
	init_lock(&worker->lock, &worker->changed);
	worker->holders = 2;
	worker->ear = ear == NULL ? NULL : ear_hold(ear);
	worker->connecting = true;
	worker->since_ms = now_ms();
	worker->uri = strdup(uri);
	if (worker->uri == NULL) {
		abort();
	}
	pthread_t thread;
	if (pthread_create(&thread, NULL, work, worker) != 0) {
		abort();
	}
	pthread_detach(thread);
	return worker;
}

struct worker *worker_create(const char *uri)
{
	return create(uri, NULL);
}

struct worker *worker_create_listening(const char *uri, struct ear *ear)
{
	return create(uri, ear);
}

void worker_start(struct worker *worker, struct call *call)
{
	pthread_mutex_lock(&call->lock);
	call->holders++;
	pthread_mutex_unlock(&call->lock);
	pthread_mutex_lock(&worker->lock);
	assert(worker->next == NULL);
	worker->next = call;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
}

void worker_release(struct worker *worker)
{
	if (worker == NULL) {
		return;
	}
	pthread_mutex_lock(&hanging_lock);
	bool hangs = worker->connecting;
	if (hangs) {
		worker->next_hanging = hanging;
		hanging = worker;
		drop_holder(worker); /* never the last: the thread is one */
	}
	pthread_mutex_unlock(&hanging_lock);
	if (!hangs) {
		release_holder(worker);
	}
}
