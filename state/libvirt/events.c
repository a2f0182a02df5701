#include "state/libvirt/events.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct events {
	int id;
	char uuid[VIR_UUID_STRING_BUFLEN];
	atomic_bool has_arrived;
	atomic_ullong stopped_ms; /* the first time; 0: not yet */
	atomic_ullong resumed_ms;
};

static unsigned long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

static void note_first(atomic_ullong *ms)
{
	if (atomic_load(ms) == 0) {
		atomic_store(ms, now_ms());
	}
}

static void note(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *opaque)
{
	struct events *events = opaque;
	char uuid[VIR_UUID_STRING_BUFLEN];
	(void)connection;
	if (virDomainGetUUIDString(domain, uuid) < 0 || strcmp(uuid, events->uuid) != 0) {
		return;
	}
	if (event == VIR_DOMAIN_EVENT_STARTED && detail == VIR_DOMAIN_EVENT_STARTED_MIGRATED) {
		atomic_store(&events->has_arrived, true);
	} else if (event == VIR_DOMAIN_EVENT_SUSPENDED) {
		note_first(&events->stopped_ms);
	} else if (event == VIR_DOMAIN_EVENT_RESUMED) {
		note_first(&events->resumed_ms);
	}
}

struct events *events_listen(virConnectPtr connection, const char *uuid)
{
	struct events *events = calloc(1, sizeof(*events));
	if (events == NULL) {
		abort();
	}
	strncpy(events->uuid, uuid, sizeof(events->uuid) - 1);
	/* Libvirt frees it when no event can come any more. */
	int id = virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
	                                          VIR_DOMAIN_EVENT_CALLBACK(note), events, free);
	if (id < 0) {
		free(events);
		return NULL;
	}
	events->id = id;
	return events;
}

void events_end(virConnectPtr connection, struct events *events)
{
	if (events != NULL) {
		virConnectDomainEventDeregisterAny(connection, events->id);
	}
}

bool events_have_arrival(const struct events *events)
{
	return events != NULL && atomic_load(&events->has_arrived);
}

uint64_t events_downtime_ms(const struct events *at_source, const struct events *at_target)
{
	if (at_source == NULL || at_target == NULL) {
		return 0;
	}
	unsigned long long stopped_ms = atomic_load(&at_source->stopped_ms);
	unsigned long long resumed_ms = atomic_load(&at_target->resumed_ms);
	return stopped_ms > 0 && resumed_ms > stopped_ms ? resumed_ms - stopped_ms : 0;
}
