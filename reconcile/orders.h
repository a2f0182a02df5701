/*
 * What people tell a berth that is at work, through its control socket: to cancel the move in flight, to hold and
 * release VMs or the fleet, to look again. Holds go into the record, flushed, before they are confirmed.
 *
 *     orders_know(orders, desired);                     which VMs there are, at the begin of a pass
 *     orders_begin(orders, move);                       the listener of a pass tells what is in flight,
 *     why = orders_attend(orders, transfer);            asks all along whether it is to be cancelled,
 *     orders_end(orders, &ending);                      and how it ended: who asked for it is told
 *     orders_serve(orders);                             at any other time
 *
 * It serves what has come and never waits for a client.
 */
#ifndef BERTH_ORDERS_H
#define BERTH_ORDERS_H

#include "reconcile/execute.h"
#include "state/desired.h"

struct orders;

struct orders_settings {
	const char *folder; /* of the socket */
	const char *id;     /* of the record */
	struct record *record;
	void (*log)(void *data, const char *line); /* one line for each request that is carried out */
	void *data;
};

/* Borrows the record. */
int orders_open(const struct orders_settings *settings, struct orders **ret_orders, struct error *err);
void orders_close(struct orders *orders); /* NULL is allowed here and below: then nobody tells anything */

/* The socket, for a poll; -1: none. */
int orders_fd(const struct orders *orders);
const char *orders_path(const struct orders *orders);

void orders_know(struct orders *orders, const struct desired *desired);
void orders_serve(struct orders *orders);

void orders_begin(struct orders *orders, const struct move *move);
const char *orders_attend(struct orders *orders, const struct transfer *transfer);
void orders_end(struct orders *orders, const struct move_ending *ending);

/* Has anything come that a pass is to be made for? Once for each. */
bool orders_want_pass(struct orders *orders);

/* Has somebody asked to look at the repository now? Once for each. */
bool orders_want_look(struct orders *orders);

static inline void orders_clean(struct orders **orders)
{
	orders_close(*orders);
}
#define cleanup_orders __attribute__((cleanup(orders_clean)))

#endif
