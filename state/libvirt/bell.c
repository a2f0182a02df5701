#include "state/libvirt/bell.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <libvirt/virterror.h>

static int bell = -1;

static void make_bell(void)
{
	bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

int bell_fd(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_bell);
	return bell;
}

void bell_ring(void)
{
	eventfd_write(bell_fd(), 1); /* it cannot be fuller than rung */
}

bool bell_drain(void)
{
	eventfd_t times = 0;
	return eventfd_read(bell_fd(), &times) == 0 && times > 0;
}

struct ear {
	atomic_uint holders;
	atomic_bool listens;
	atomic_bool heard;
};

struct ear *ear_create(void)
{
	struct ear *ear = calloc(1, sizeof(*ear));
	if (ear == NULL) {
		abort();
	}
	atomic_store(&ear->holders, 1);
	return ear;
}

struct ear *ear_hold(struct ear *ear)
{
	atomic_fetch_add(&ear->holders, 1);
	return ear;
}

void ear_release(void *data)
{
	struct ear *ear = data;
	if (ear != NULL && atomic_fetch_sub(&ear->holders, 1) == 1) {
		free(ear);
	}
}

void ear_begin(struct ear *ear)
{
	atomic_store(&ear->heard, false);
}

bool ear_is_quiet(struct ear *ear)
{
	return atomic_load(&ear->listens) && !atomic_load(&ear->heard);
}

/* First the mark, then the bell: whoever hears the bell finds the mark. */
static void hear(struct ear *ear)
{
	atomic_store(&ear->heard, true);
	bell_ring();
}

static int note_domain(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *ear)
{
	(void)connection;
	(void)domain;
	(void)event;
	(void)detail;
	hear(ear);
	return 0;
}

static void note_network(virConnectPtr connection, virNetworkPtr network, int event, int detail, void *ear)
{
	(void)connection;
	(void)network;
	(void)event;
	(void)detail;
	hear(ear);
}

static void note_pool(virConnectPtr connection, virStoragePoolPtr pool, int event, int detail, void *ear)
{
	(void)connection;
	(void)pool;
	(void)event;
	(void)detail;
	hear(ear);
}

static void note_end(virConnectPtr connection, int reason, void *ear)
{
	(void)connection;
	(void)reason;
	hear(ear);
}

/* libvirt lets go of what it was given when it is not called any more; where it takes nothing, it is let go here. */
static int keep_or_release(int id, struct ear *ear)
{
	if (id < 0) {
		ear_release(ear);
	}
	return id;
}

void bell_listen(virConnectPtr connection, struct ear *ear, struct ears *ret_ears)
{
	ret_ears->domains = keep_or_release(
	        virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
	                                         VIR_DOMAIN_EVENT_CALLBACK(note_domain), ear_hold(ear), ear_release),
	        ear);
	ret_ears->networks = keep_or_release(
	        virConnectNetworkEventRegisterAny(connection, NULL, VIR_NETWORK_EVENT_ID_LIFECYCLE,
	                                          VIR_NETWORK_EVENT_CALLBACK(note_network), ear_hold(ear), ear_release),
	        ear);
	ret_ears->pools =
	        keep_or_release(virConnectStoragePoolEventRegisterAny(
	                                connection, NULL, VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
	                                VIR_STORAGE_POOL_EVENT_CALLBACK(note_pool), ear_hold(ear), ear_release),
	                        ear);
	ret_ears->end = virConnectRegisterCloseCallback(connection, note_end, ear_hold(ear), ear_release) == 0;
	if (!ret_ears->end) {
		ear_release(ear);
	}
	virResetLastError();
	atomic_store(&ear->listens, ret_ears->domains >= 0 && ret_ears->end);
}

void bell_deafen(virConnectPtr connection, struct ear *ear, struct ears *ears)
{
	atomic_store(&ear->listens, false);
	if (ears->domains >= 0) {
		virConnectDomainEventDeregisterAny(connection, ears->domains);
	}
	if (ears->networks >= 0) {
		virConnectNetworkEventDeregisterAny(connection, ears->networks);
	}
	if (ears->pools >= 0) {
		virConnectStoragePoolEventDeregisterAny(connection, ears->pools);
	}
	if (ears->end) {
		virConnectUnregisterCloseCallback(connection, note_end);
	}
	*ears = (struct ears){-1, -1, -1, false};
}
