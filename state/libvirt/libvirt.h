/*
 * The hosts through libvirt: the door to libvirt and libxml2.
 *
 *     cleanup_libvirt struct libvirt *libvirt = NULL;
 *     r = libvirt_open(hosts, count, &libvirt, err);
 *     struct world world = libvirt_world(libvirt);
 *
 * One worker thread and connection a host, with keepalive; what hosts tell by themselves rings a bell. Nobody ever
 * waits for a host longer than its deadline: a call that hangs is left behind with its worker, and the next call to
 * that host gets a new one. berth's own connections drive migrations; RAM and disks go from host to host.
 */
#ifndef BERTH_LIBVIRT_H
#define BERTH_LIBVIRT_H

#include "state/error.h"
#include "state/world.h"

#include <stddef.h>

struct libvirt;

/* What must be known of a host to reach it. Copied. */
struct libvirt_host {
	const char *name;
	const char *uri;
	const char *migration_address; /* NULL: libvirt's own choice */
	const char **shared;           /* paths that are declared as shared (spec section 1) */
	size_t shared_count;
};

/* Opens no connection yet: each is opened by its worker when it is needed first. */
int libvirt_open(const struct libvirt_host *hosts, size_t count, unsigned int deadline_ms, struct libvirt **ret_libvirt,
                 struct error *err);

/* Workers that hang are left behind. */
void libvirt_close(struct libvirt *libvirt);

struct world libvirt_world(struct libvirt *libvirt);

/*
 * Readable when a host that was looked at has told of a change by itself, or one that was away answers again: look
 * again. For the whole program; belongs to it.
 */
int libvirt_events_fd(void);
bool libvirt_events_drain(void);

/*
 * Hosts that could not be reached are not waited for again by later looks, which tell what was told of them last. This
 * knocks at their doors, waits for none, and returns false when there are none.
 */
bool libvirt_knock(struct libvirt *libvirt);

static inline void libvirt_clean(struct libvirt **libvirt)
{
	libvirt_close(*libvirt);
}
#define cleanup_libvirt __attribute__((cleanup(libvirt_clean)))

#endif
