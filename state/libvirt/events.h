/*
 * What a host tells by events of a VM that migrates. Inside the door only; the events come in libvirt's own thread, and
 * what they told may be asked for in any.
 *
 *     struct events *events = events_listen(connection, uuid);    NULL: this host tells none, and all below say so
 *     …
 *     events_end(connection, events);
 */
#ifndef BERTH_EVENTS_H
#define BERTH_EVENTS_H

#include <libvirt/libvirt.h>

#include <stdbool.h>
#include <stdint.h>

struct events;

struct events *events_listen(virConnectPtr connection, const char *uuid);
void events_end(virConnectPtr connection, struct events *events);

/* Has this host taken the VM in, to wait for its memory? Libvirt tells it when its Prepare step is over. */
bool events_have_arrival(const struct events *events);

/* From the stop on its source to its first step on the target, as seen from here; 0 when not both were told. */
uint64_t events_downtime_ms(const struct events *at_source, const struct events *at_target);

#endif
