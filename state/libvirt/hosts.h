/* The hosts of a pass with their workers: looked at side by side, and asked one by one. Inside the door only. */
#ifndef BERTH_HOSTS_H
#define BERTH_HOSTS_H

#include "state/libvirt/bell.h"
#include "state/libvirt/host_call.h"
#include "state/libvirt/libvirt.h"

struct arena;

/* A host, its settings, and the worker that looks at it. */
struct connected_host {
	struct libvirt_host settings;
	struct worker *worker; /* NULL: to be made when it is needed */
	struct ear *ear;
	struct host last;     /* as it was when it was looked at last */
	struct arena *memory; /* of that; NULL: it is not known */

	/*
	 * One that could not be reached is not asked again by a look, but by a knock that nobody waits for: the look
	 * that it has not answered, or libvirt_knock().
	 */
	bool away;
	struct call *knock; /* NULL: none is under way */
	uint64_t knock_ms;  /* since when */
	struct error why;   /* it is away */
};

struct libvirt {
	struct arena *arena;
	struct connected_host *hosts;
	size_t host_count;
	unsigned int deadline_ms;
};

/* NULL when there is none of the name. */
struct connected_host *hosts_find(struct libvirt *libvirt, const char *name);

/* As `look` of struct world_functions; data is a struct libvirt. */
const struct inventory *hosts_look(void *data, struct arena *arena, const char *const *names, size_t count,
                                   unsigned int how);

/* Lets all workers go. */
void hosts_close(struct libvirt *libvirt);

/* host_call_make() by the host's worker. */
int hosts_call(struct connected_host *host, const struct request *request, unsigned int deadline_ms,
               struct arena *arena, struct answer *ret_answer, struct error *err);

/* The same for a host by its name, which stands before what it has to say. ret_number may be NULL. */
int hosts_ask(struct libvirt *libvirt, const char *name, const struct request *request, uint64_t *ret_number,
              struct error *err);

/* The same for an answer that is more than a number: it lives in the arena. */
int hosts_ask_for(struct libvirt *libvirt, const char *name, const struct request *request, struct arena *arena,
                  struct answer *ret_answer, struct error *err);

#endif
