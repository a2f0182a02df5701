/*
 * The control socket of a berth that is at work, and how one speaks to it. The door to sockets.
 *
 *     r = control_open(folder, id, &control, err);
 *     poll(control_fd(control)); while (control_take(control, arena, &request)) { … control_reply(control, …) }
 *
 * Nothing here ever waits for who asks: a client that says half a request, says too much, or does not read its reply is
 * left behind, and the oldest of too many makes room. A reply may be given much later; until then the client waits.
 */
#ifndef BERTH_CONTROL_H
#define BERTH_CONTROL_H

#include "state/control_form.h"

#include <stdbool.h>

struct control;

/* The folder of the sockets of those who keep their record in `state`: /run/berth for the usual one, itself else. */
const char *control_folder(const char *state);

/*
 * Listens at `control` in the folder; where another process does so already, at control-ID. Who may connect: the owner,
 * and the group berth where there is one.
 */
int control_open(const char *folder, const char *id, struct control **ret_control, struct error *err);
void control_close(struct control *control); /* and removes the socket */
const char *control_path(const struct control *control);

/* Readable when somebody says something. */
int control_fd(const struct control *control);

/* The next request; false when there is none now. What is no request is answered here. It lives in the arena. */
bool control_take(struct control *control, struct arena *arena, struct control_request *ret_request);

/* To the client of a request, once; one that has gone is no error. */
void control_reply(struct control *control, uint64_t client, const struct control_reply *reply);

/*
 * Asks the berth with that id (NULL: the first one) and waits for its reply. -ECONNREFUSED or -ENOENT: nobody listens;
 * -ETIMEDOUT.
 */
int control_ask(struct arena *arena, const char *folder, const char *id, const struct control_request *request,
                unsigned int timeout_ms, struct control_reply *ret_reply, struct error *err);

static inline void control_clean(struct control **control)
{
	control_close(*control);
}
#define cleanup_control __attribute__((cleanup(control_clean)))

#endif
