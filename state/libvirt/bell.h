/*
 * What hosts tell by themselves: a VM, network or pool was defined, started, stopped or removed, or the connection is
 * gone. Which it was does not matter: it means "look again". Inside the door only.
 *
 * One bell for the whole program, rung from libvirt's event thread.
 */
#ifndef BERTH_BELL_H
#define BERTH_BELL_H

#include <libvirt/libvirt.h>

#include <stdbool.h>

/* Whether a host has told of a change since it was last looked at. Held by whoever looks and by what is registered. */
struct ear;

struct ear *ear_create(void);
struct ear *ear_hold(struct ear *ear);
void ear_release(void *ear); /* NULL is allowed */

/* Before a look: what is told from now on counts anew. */
void ear_begin(struct ear *ear);

/* Would it have told, and has not? */
bool ear_is_quiet(struct ear *ear);

/* What is registered at one connection. libvirt keeps a connection open as long as anything is. */
struct ears {
	int domains;
	int networks;
	int pools;
	bool end;
};

/* Registers what the driver knows; what it does not know is found by the next look at everything. */
void bell_listen(virConnectPtr connection, struct ear *ear, struct ears *ret_ears);

/* To be called before the connection is closed. May hang with the host, like any call. */
void bell_deafen(virConnectPtr connection, struct ear *ear, struct ears *ears);

/* Readable when the bell was rung; belongs to this file. -1 when there is none. */
int bell_fd(void);
void bell_ring(void);

/* Was it rung? Takes it back. */
bool bell_drain(void);

#endif
