#include "state/libvirt/bell.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
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

static int note_domain(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *unused)
{
	(void)connection;
	(void)domain;
	(void)event;
	(void)detail;
	(void)unused;
	bell_ring();
	return 0;
}

static void note_network(virConnectPtr connection, virNetworkPtr network, int event, int detail, void *unused)
{
	(void)connection;
	(void)network;
	(void)event;
	(void)detail;
	(void)unused;
	bell_ring();
}

static void note_pool(virConnectPtr connection, virStoragePoolPtr pool, int event, int detail, void *unused)
{
	(void)connection;
	(void)pool;
	(void)event;
	(void)detail;
	(void)unused;
	bell_ring();
}

static void note_end(virConnectPtr connection, int reason, void *unused)
{
	(void)connection;
	(void)reason;
	(void)unused;
	bell_ring();
}

void bell_listen(virConnectPtr connection, struct ears *ret_ears)
{
	*ret_ears = (struct ears){
	        .domains = virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
	                                                    VIR_DOMAIN_EVENT_CALLBACK(note_domain), NULL, NULL),
	        .networks = virConnectNetworkEventRegisterAny(connection, NULL, VIR_NETWORK_EVENT_ID_LIFECYCLE,
	                                                      VIR_NETWORK_EVENT_CALLBACK(note_network), NULL, NULL),
	        .pools = virConnectStoragePoolEventRegisterAny(connection, NULL, VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
	                                                       VIR_STORAGE_POOL_EVENT_CALLBACK(note_pool), NULL, NULL),
	        .end = virConnectRegisterCloseCallback(connection, note_end, NULL, NULL) == 0,
	};
	virResetLastError();
}

void bell_deafen(virConnectPtr connection, struct ears *ears)
{
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
