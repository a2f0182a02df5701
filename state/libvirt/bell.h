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

/* What is registered at one connection. libvirt keeps a connection open as long as anything is. */
struct ears {
	int domains;
	int networks;
	int pools;
	bool end;
};

/* Registers what the driver knows; what it does not know is found by the next look in any case. */
void bell_listen(virConnectPtr connection, struct ears *ret_ears);

/* To be called before the connection is closed. May hang with the host, like any call. */
void bell_deafen(virConnectPtr connection, struct ears *ears);

/* Readable when the bell was rung; belongs to this file. -1 when there is none. */
int bell_fd(void);

void bell_ring(void);

/* Was it rung? Takes it back. */
bool bell_drain(void);

#endif
