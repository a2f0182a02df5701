#include "state/libvirt/actions.h"

#include "state/arena.h"
#include "state/libvirt/handle.h"
#include "state/libvirt/worker.h"
#include "state/libvirt/xml.h"
#include "state/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

virDomainPtr action_domain(virConnectPtr connection, const char *uuid, struct error *err)
{
	virDomainPtr domain = virDomainLookupByUUIDString(connection, uuid);
	if (domain == NULL) {
		libvirt_error(err, NULL);
	}
	return domain;
}

int action_set_autostart(virConnectPtr connection, const char *uuid, bool autostart, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainSetAutostart(domain, autostart ? 1 : 0) < 0 ? libvirt_error(err, "autostart") : 0;
}

int action_undefine(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	/* Nothing that only this host has may go with the definition. */
	const unsigned int flags = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_TPM;
	return virDomainUndefineFlags(domain, flags) < 0 ? libvirt_error(err, "undefine") : 0;
}

int action_define(virConnectPtr from, virConnectPtr to, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr source = action_domain(from, uuid, err);
	if (source == NULL) {
		return -ENOENT;
	}
	const unsigned int flags = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE;
	cleanup_text char *xml = virDomainGetXMLDesc(source, flags);
	if (xml == NULL) {
		return libvirt_error(err, "its definition");
	}
	cleanup_domain virDomainPtr target = virDomainDefineXMLFlags(to, xml, VIR_DOMAIN_DEFINE_VALIDATE);
	return target == NULL ? libvirt_error(err, "define") : 0;
}

int action_state(virConnectPtr connection, const char *uuid, int *ret_state, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	int reason;
	return virDomainGetState(domain, ret_state, &reason, 0) < 0 ? libvirt_error(err, NULL) : 0;
}

int action_shutdown(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainShutdown(domain) < 0 ? libvirt_error(err, "shutdown") : 0;
}

int action_start(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainCreate(domain) < 0 ? libvirt_error(err, "start") : 0;
}

int action_resume(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainResume(domain) < 0 ? libvirt_error(err, "resume") : 0;
}

static int check_networks(struct arena *arena, virConnectPtr to, const struct xml_domain *domain, struct error *err)
{
	(void)arena;
	for (size_t i = 0; i < domain->network_count; i++) {
		virNetworkPtr network = virNetworkLookupByName(to, domain->networks[i]);
		bool active = network != NULL && virNetworkIsActive(network) == 1;
		if (network != NULL) {
			virNetworkFree(network);
		}
		if (!active) {
			return error_set(err, -EPERM, "network %s is not active on the target", domain->networks[i]);
		}
	}
	return 0;
}

/*
 * A read-only medium stays where it is, and must be on the target too. QEMU finds out when it starts there; for a
 * stopped VM nobody would, until it is started.
 */
static int check_media(virConnectPtr to, const struct xml_domain *domain, struct error *err)
{
	for (size_t i = 0; i < domain->disk_count; i++) {
		const struct xml_disk *disk = &domain->disks[i];
		bool medium = (disk->readonly || strcmp(disk->device, "cdrom") == 0) && disk->source[0] == '/';
		cleanup_volume virStorageVolPtr volume = medium ? virStorageVolLookupByPath(to, disk->source) : NULL;
		if (medium && volume == NULL) {
			return error_set(err, -EPERM, "its medium %s is in no pool of the target", disk->source);
		}
	}
	return 0;
}

static int check_memory(struct arena *arena, virConnectPtr to, virDomainPtr domain, struct error *err)
{
	unsigned long long available = virNodeGetFreeMemory(to);
	int node_stats = 0;
	virNodeMemoryStatsPtr stats = NULL;
	/* What buffers and caches hold can be had as well: the kernel gives it back when it is asked for memory. */
	if (virNodeGetMemoryStats(to, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &node_stats, 0) == 0 && node_stats > 0) {
		stats = arena_array(arena, (size_t)node_stats, sizeof(*stats));
		if (virNodeGetMemoryStats(to, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &node_stats, 0) < 0) {
			node_stats = 0;
		}
		for (int i = 0; i < node_stats; i++) {
			if (strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_BUFFERS) == 0 ||
			    strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_CACHED) == 0) {
				available += stats[i].value * 1024;
			}
		}
	}
	uint64_t needed = (uint64_t)virDomainGetMaxMemory(domain) * 1024;
	if (available > 0 && available < needed) {
		return error_set(err, -EPERM, "the target has %s of memory really free, it needs %s",
		                 units_size_short(arena, (int64_t)available), units_size_short(arena, (int64_t)needed));
	}
	return 0;
}

int action_check_target(struct arena *arena, virConnectPtr from, virConnectPtr to, const char *uuid, bool will_be_off,
                        struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(from, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	cleanup_text char *text = virDomainGetXMLDesc(domain, 0);
	if (text == NULL) {
		return libvirt_error(err, "its definition");
	}
	struct xml_domain xml;
	int r = xml_read_domain(arena, text, &xml, err);
	if (r == 0) {
		r = check_networks(arena, to, &xml, err);
	}
	virDomainJobInfo job = {0};
	if (r == 0 && virDomainIsActive(domain) == 1) {
		if (virDomainGetJobInfo(domain, &job) == 0 && job.type != VIR_DOMAIN_JOB_NONE) {
			return error_set(err, -EPERM, "another job is running on it");
		}
		r = check_memory(arena, to, domain, err);
	}
	if (r == 0 && will_be_off) {
		r = check_media(to, &xml, err);
	}
	return r;
}
