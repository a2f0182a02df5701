#include "state/libvirt/look.h"

#include "state/arena.h"
#include "state/libvirt/look_vm.h"
#include "state/libvirt/worker.h"
#include "state/libvirt/xml.h"
#include "state/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/virterror.h>

/* libvirt's numbers: major * 1,000,000 + minor * 1,000 + release. */
static const char *version_text(struct arena *arena, unsigned long version)
{
	return arena_print(arena, "%lu.%lu.%lu", version / 1000000, version / 1000 % 1000, version % 1000);
}

static int read_node(struct arena *arena, virConnectPtr connection, struct host *host, struct error *err)
{
	virNodeInfo node;
	unsigned long version = 0;
	if (virNodeGetInfo(connection, &node) < 0) {
		return libvirt_error(err, "host information");
	}
	host->memory = (uint64_t)node.memory * 1024;
	if (virConnectGetLibVersion(connection, &version) < 0) {
		return libvirt_error(err, "libvirt's version");
	}
	host->libvirt = version_text(arena, version);
	if (virConnectGetVersion(connection, &version) < 0) {
		return libvirt_error(err, "the hypervisor's version");
	}
	host->qemu = version_text(arena, version);
	char *xml = virConnectGetCapabilities(connection);
	if (xml == NULL) {
		return libvirt_error(err, "capabilities");
	}
	struct xml_capabilities capabilities = {.host_uuid = "", .cpu = ""};
	int r = xml_read_capabilities(arena, xml, &capabilities, err);
	free(xml);
	host->uuid = capabilities.host_uuid;
	host->cpu = capabilities.cpu;
	return r;
}

static int read_networks(struct arena *arena, virConnectPtr connection, struct host *host, struct error *err)
{
	virNetworkPtr *networks = NULL;
	int count = virConnectListAllNetworks(connection, &networks, VIR_CONNECT_LIST_NETWORKS_ACTIVE);
	if (count < 0) {
		return libvirt_error(err, "networks");
	}
	for (int i = 0; i < count; i++) {
		ARENA_ADD(arena, host->networks, host->network_count) =
		        arena_copy(arena, virNetworkGetName(networks[i]));
		virNetworkFree(networks[i]);
	}
	free(networks);
	return 0;
}

static unsigned int formats_of(const char *type)
{
	if (strcmp(type, "dir") == 0 || strcmp(type, "fs") == 0 || strcmp(type, "netfs") == 0 ||
	    strcmp(type, "gluster") == 0) {
		return FORMAT_RAW | FORMAT_QCOW2;
	}
	return FORMAT_RAW;
}

/*
 * Of the kinds that berth makes volumes in. One that cannot be read is stopped by libvirt (storagePoolRefreshImpl in
 * its storage_driver.c), for a moment's trouble too: berth leaves no pool stopped that it found running.
 */
static void refresh_pool(virStoragePoolPtr handle, const char *type)
{
	bool is_ours = strcmp(type, "dir") == 0 || strcmp(type, "fs") == 0;
	if (is_ours && virStoragePoolIsActive(handle) == 1 && virStoragePoolRefresh(handle, 0) < 0 &&
	    virStoragePoolIsActive(handle) == 0) {
		virStoragePoolCreate(handle, 0);
	}
}

static int read_pool(struct arena *arena, virStoragePoolPtr handle, bool refresh, struct pool *pool, struct error *err)
{
	char *xml = virStoragePoolGetXMLDesc(handle, 0);
	if (xml == NULL) {
		return libvirt_error(err, "a pool's definition");
	}
	struct xml_pool description = {.type = "", .path = ""};
	int r = xml_read_pool(arena, xml, &description, err);
	free(xml);
	if (r < 0) {
		return r;
	}
	if (refresh) {
		refresh_pool(handle, description.type);
	}
	virStoragePoolInfo info;
	if (virStoragePoolGetInfo(handle, &info) < 0) {
		return libvirt_error(err, "a pool's figures");
	}
	*pool = (struct pool){
	        .name = arena_copy(arena, virStoragePoolGetName(handle)),
	        .type = description.type,
	        .path = description.path,
	        .active = info.state == VIR_STORAGE_POOL_RUNNING || info.state == VIR_STORAGE_POOL_DEGRADED,
	        .formats = formats_of(description.type),
	        .free = info.available,
	};
	return 0;
}

static bool is_gone(void)
{
	virErrorPtr last = virGetLastError();
	return last != NULL && (last->code == VIR_ERR_NO_DOMAIN || last->code == VIR_ERR_NO_STORAGE_POOL);
}

static int read_pools(struct arena *arena, virConnectPtr connection, bool refresh, struct host *host, struct error *err)
{
	virStoragePoolPtr *handles = NULL;
	int count = virConnectListAllStoragePools(connection, &handles, 0);
	if (count < 0) {
		return libvirt_error(err, "storage pools");
	}
	int r = 0;
	for (int i = 0; i < count; i++) {
		struct pool pool;
		int one = r < 0 ? r : read_pool(arena, handles[i], refresh, &pool, err);
		if (one == 0) {
			ARENA_ADD(arena, host->pools, host->pool_count) = pool;
		} else if (r == 0 && !is_gone()) {
			r = one;
		}
		virStoragePoolFree(handles[i]);
	}
	free(handles);
	host->pools_known = true;
	return r;
}

static int read_vms(struct arena *arena, virConnectPtr connection, const char *const *shared, size_t shared_count,
                    struct host *host, struct error *err)
{
	virDomainPtr *domains = NULL;
	int count = virConnectListAllDomains(connection, &domains, 0);
	if (count < 0) {
		return libvirt_error(err, "domains");
	}
	int r = 0;
	for (int i = 0; i < count; i++) {
		struct vm vm;
		int one = r < 0 ? r : look_at_vm(arena, domains[i], host, shared, shared_count, &vm, err);
		if (one == 0) {
			ARENA_ADD(arena, host->vms, host->vm_count) = vm;
		} else if (r == 0 && !is_gone()) { /* one that went away meanwhile is not there */
			r = one;
		}
		virDomainFree(domains[i]);
	}
	free(domains);
	return r;
}

int look_at_host(struct arena *arena, virConnectPtr connection, bool refresh, const char *const *shared,
                 size_t shared_count, struct host *host, struct error *err)
{
	int r = read_node(arena, connection, host, err);
	if (r == 0) {
		r = read_networks(arena, connection, host, err);
	}
	if (r == 0) {
		r = read_pools(arena, connection, refresh, host, err);
	}
	if (r == 0) {
		r = read_vms(arena, connection, shared, shared_count, host, err);
	}
	if (r == 0) {
		host->seen = (int64_t)time(NULL);
	}
	return r;
}

bool look_is_migrating(virConnectPtr connection, const char *uuid)
{
	virDomainPtr domain = virDomainLookupByUUIDString(connection, uuid);
	if (domain == NULL) {
		return false;
	}
	int type = VIR_DOMAIN_JOB_NONE;
	virTypedParameterPtr params = NULL;
	int count = 0;
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
	if (virDomainGetJobStats(domain, &type, &params, &count, 0) == 0) {
		virTypedParamsGetInt(params, count, VIR_DOMAIN_JOB_OPERATION, &operation);
		virTypedParamsFree(params, count);
	}
	virDomainFree(domain);
	return type != VIR_DOMAIN_JOB_NONE && (operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN ||
	                                       operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT);
}
