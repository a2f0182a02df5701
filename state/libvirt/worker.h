/*
 * Calls into libvirt with a deadline. Inside the door only.
 *
 * A worker is a thread with one connection. A call is made by it and waited for by whoever asked; both hold it, and the
 * last one frees it, so that a call which never returns can be walked away from: everything it touches is its own.
 *
 *     struct call *call = call_create(run, sizeof(struct my_data));
 *     struct my_data *data = call_data(call);                     fill it; strings from call_arena(call)
 *     worker_start(worker, call);
 *     if (call_wait(call, 10000, err) < 0 && !call_is_over(call)) { call_give_up(call); worker_release(worker); … }
 *     call_release(call);
 */
#ifndef BERTH_WORKER_H
#define BERTH_WORKER_H

#include "state/error.h"

#include <libvirt/libvirt.h>

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct call;
struct ear;
struct worker;

/* Runs in the worker's thread. Returns 0 or a negative errno; err is the call's. */
typedef int call_function(struct call *call, virConnectPtr connection, struct error *err);

/* begins_itself: the call opens further connections and says by call_begin() when it starts to have effects. */
struct call *call_create(call_function *run, size_t data_size, bool begins_itself);
void *call_data(struct call *call);
struct arena *call_arena(struct call *call);
void call_release(struct call *call);

/* Of a call that is over: what its arena holds (its data too) lives in `arena` from now on. */
void call_take_arena(struct call *call, struct arena *arena);

/* The call's own result, or -ETIMEDOUT when it is not over in time; ms counts from now, negative: without end. */
int call_wait(struct call *call, int ms, struct error *err);
bool call_is_over(struct call *call);

/*
 * Nobody waits any more. A call whose connection has not been opened yet is then never run: what hung on the way to a
 * host must not happen to it much later, when it answers again. Returns false when it had begun: its effect is unknown.
 */
bool call_give_up(struct call *call);

/*
 * Nobody waits for it now, but whoever has the call still holds it, and will ask whether it is over: when the host has
 * answered after all, the bell is rung (state/libvirt/bell.h).
 */
void call_ring_at_end(struct call *call);

/* In a call of several steps: does somebody still wait for it? If not, it had better do no more. */
bool call_is_wanted(struct call *call);

/* In a call that opens a further connection: may it go on? False once given up; from true on, giving up is too late. */
bool call_begin(struct call *call);

/*
 * A worker of that host's that was let go while it connected, and still does, is taken over: what is asked of it then
 * waits for the same connect. So however often one that hangs is let go, there is one thread and one socket of it.
 */
struct worker *worker_create(const char *uri);

/* The same, and what its host tells by itself is heard (state/libvirt/bell.h) from its first call on. Holds the ear. */
struct worker *worker_create_listening(const char *uri, struct ear *ear);

/* At most one call at a time for each worker; another is made when the one before is over. */
void worker_start(struct worker *worker, struct call *call);

/* Lets it go: its thread ends once it has nothing to do, or should a call that hangs ever return. Does not wait. */
void worker_release(struct worker *worker);

/* A further connection for a call that needs two hosts; to be closed by it. NULL with err. */
virConnectPtr worker_connect(const char *uri, struct error *err);

/* Copies libvirt's last error of this thread. */
int libvirt_error(struct error *err, const char *what);

#endif
