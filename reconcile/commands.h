/*
 * What people tell a berth that is at work, through its control socket: to cancel the move in flight, to hold and
 * release VMs or the fleet, to look again. Holds go into the record, flushed, before they are confirmed.
 *
 *     commands_know(commands, desired);                     which VMs there are, at the begin of a pass
 *     commands_begin(commands, move);                       the listener of a pass tells what is in flight,
 *     why = commands_attend(commands, transfer);            asks all along whether it is to be cancelled,
 *     commands_end(commands, &ending);                      and how it ended: who asked for it is told
 *     commands_serve(commands);                             at any other time
 *
 * It serves what has come and never waits for a client.
 */
#ifndef BERTH_COMMANDS_H
#define BERTH_COMMANDS_H

#include "reconcile/execute.h"
#include "state/desired.h"

struct commands;

struct commands_settings {
	const char *folder; /* of the socket */
	const char *id;     /* of the record */
	struct record *record;
	void (*log)(void *data, const char *line); /* one line for each request that is carried out */
	void *data;
};

/* Borrows the record. */
int commands_open(const struct commands_settings *settings, struct commands **ret_commands, struct error *err);
void commands_close(struct commands *commands); /* NULL is allowed here and below: then nobody tells anything */

/* The socket, for a poll; -1: none. */
int commands_fd(const struct commands *commands);
const char *commands_path(const struct commands *commands);

void commands_know(struct commands *commands, const struct desired *desired);
void commands_serve(struct commands *commands);

void commands_begin(struct commands *commands, const struct move *move);
const char *commands_attend(struct commands *commands, const struct transfer *transfer);
void commands_end(struct commands *commands, const struct move_ending *ending);

/* Has anything come that a pass is to be made for? Once for each. */
bool commands_want_pass(struct commands *commands);

/* Has somebody asked to look at the repository now? Once for each. */
bool commands_want_look(struct commands *commands);

static inline void commands_clean(struct commands **commands)
{
	commands_close(*commands);
}
#define cleanup_orders __attribute__((cleanup(commands_clean)))

#endif
