/* What only the two hosts of a move can tell before it; the part of state/libvirt/actions.h that asks them. */
#include "state/libvirt/actions.h"

#include "state/arena.h"
#include "state/libvirt/handle.h"
#include "state/libvirt/worker.h"
#include "state/libvirt/xml.h"
#include "state/text.h"
#include "state/units.h"

#include <errno.h>
#include <string.h>

#include <libvirt/virterror.h>

/* A move before it is made. */
struct check {
	struct arena *arena;
	virConnectPtr from;
	virConnectPtr to;
	const char *to_name;
	virDomainPtr domain;
	bool is_on;
	bool will_be_off;
	struct xml_domain now;
	struct xml_domain stored; /* what it is started with next */
};

static bool last_is(int code)
{
	virErrorPtr last = virGetLastError();
	return last != NULL && last->code == code;
}

/* What the target says of something that it does not take: whatever the error is called, the VM stays. */
static int refuse_for(const struct check *check, const char *what, struct error *err)
{
	virErrorPtr last = virGetLastError();
	return error_set(err, -EPERM, "%s does not take %s: %s", check->to_name, what,
	                 last == NULL || last->message == NULL ? "unknown error" : last->message);
}

static int check_networks(const struct check *check, const struct xml_domain *domain, struct error *err)
{
	for (size_t i = 0; i < domain->network_count; i++) {
		virNetworkPtr network = virNetworkLookupByName(check->to, domain->networks[i]);
		bool active = network != NULL && virNetworkIsActive(network) == 1;
		if (network != NULL) {
			virNetworkFree(network);
		}
		if (!active) {
			return error_set(err, -EPERM, "network %s is not active on %s", domain->networks[i],
			                 check->to_name);
		}
	}
	return 0;
}

/*
 * A read-only medium stays where it is, and must be on the target too. QEMU finds out when it starts there; for a
 * stopped VM nobody would, until it is started.
 */
static int check_media(const struct check *check, const struct xml_domain *domain, struct error *err)
{
	for (size_t i = 0; i < domain->disk_count; i++) {
		const struct xml_disk *disk = &domain->disks[i];
		bool medium = (disk->readonly || strcmp(disk->device, "cdrom") == 0) && disk->source[0] == '/';
		cleanup_volume virStorageVolPtr volume =
		        medium ? virStorageVolLookupByPath(check->to, disk->source) : NULL;
		if (medium && volume == NULL) {
			return error_set(err, -EPERM, "its medium %s is in no pool of %s", disk->source,
			                 check->to_name);
		}
	}
	return 0;
}

static int check_memory(const struct check *check, struct error *err)
{
	struct arena *arena = check->arena;
	virConnectPtr to = check->to;
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
	uint64_t needed = (uint64_t)virDomainGetMaxMemory(check->domain) * 1024;
	if (available > 0 && available < needed) {
		return error_set(err, -EPERM, "%s has %s of memory really free, it needs %s", check->to_name,
		                 units_size_short(arena, (int64_t)available), units_size_short(arena, (int64_t)needed));
	}
	return 0;
}

/* Of whatever kind: libvirt migrates no VM that has one, and a copy that is under way would not be what it is. */
static int check_jobs(virDomainPtr domain, const struct xml_domain *now, struct error *err)
{
	virDomainJobInfo job = {0};
	if (virDomainGetJobInfo(domain, &job) == 0 && job.type != VIR_DOMAIN_JOB_NONE) {
		return error_set(err, -EPERM, "another job is running on it");
	}
	for (size_t i = 0; i < now->disk_count; i++) {
		virDomainBlockJobInfo block = {0};
		if (virDomainGetBlockJobInfo(domain, now->disks[i].target, &block, 0) == 1) {
			return error_set(err, -EPERM, "a job is running on its disk %s, %llu of %llu done",
			                 now->disks[i].target, block.cur, block.end);
		}
	}
	return 0;
}

static int check_machine(const struct check *check, const struct xml_domain *domain, struct error *err)
{
	const struct xml_machine *machine = &domain->machine;
	cleanup_text char *text = virConnectGetDomainCapabilities(check->to, machine->emulator, machine->arch,
	                                                          machine->name, machine->type, 0);
	if (text != NULL || last_is(VIR_ERR_NO_SUPPORT)) {
		return 0;
	}
	return refuse_for(check, arena_print(check->arena, "its machine type %s", machine->name), err);
}

static int compare_cpu(virConnectPtr connection, const struct xml_domain *domain)
{
	const struct xml_machine *machine = &domain->machine;
	return virConnectCompareHypervisorCPU(connection, machine->emulator, machine->arch, machine->name,
	                                      machine->type, domain->cpu.text,
	                                      VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE);
}

/* The CPU that the guest sees is its host's: the target's must have all of it. */
static int check_passed_through(const struct check *check, struct error *err)
{
	cleanup_text char *text = virConnectGetCapabilities(check->from);
	struct xml_capabilities capabilities = {.cpu_text = NULL};
	int r = text == NULL ? libvirt_error(err, "capabilities")
	                     : xml_read_capabilities(check->arena, text, &capabilities, err);
	if (r < 0 || capabilities.cpu_text == NULL) {
		return r;
	}
	r = virConnectCompareCPU(check->to, capabilities.cpu_text, VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE);
	return r >= 0 || last_is(VIR_ERR_NO_SUPPORT) ? 0
	                                             : refuse_for(check, "the CPU of its host, which it is given", err);
}

/* What the source itself would not take is not for the target to refuse: emulation starts a guest with less. */
static int check_cpu(const struct check *check, const struct xml_domain *domain, struct error *err)
{
	if (domain->cpu.text == NULL) {
		return 0;
	}
	if (strcmp(domain->cpu.mode, "host-passthrough") == 0) {
		return check->is_on && !check->will_be_off ? check_passed_through(check, err) : 0;
	}
	if (strcmp(domain->cpu.mode, "custom") != 0 || compare_cpu(check->from, domain) < 0 ||
	    compare_cpu(check->to, domain) >= 0) {
		return 0;
	}
	return refuse_for(check, "its CPU", err);
}

static int check_definition(const struct check *check, const struct xml_domain *domain, struct error *err)
{
	int r = check_networks(check, domain, err);
	if (r == 0) {
		r = check_machine(check, domain, err);
	}
	return r < 0 ? r : check_cpu(check, domain, err);
}

static int read_definition(const struct check *check, unsigned int flags, struct xml_domain *ret, struct error *err)
{
	cleanup_text char *text = virDomainGetXMLDesc(check->domain, flags);
	return text == NULL ? libvirt_error(err, "its definition") : xml_read_domain(check->arena, text, ret, err);
}

int action_check_target(struct arena *arena, virConnectPtr from, virConnectPtr to, const char *to_name,
                        const char *uuid, bool will_be_off, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(from, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	struct check check = {
	        .arena = arena,
	        .from = from,
	        .to = to,
	        .to_name = to_name,
	        .domain = domain,
	        .is_on = virDomainIsActive(domain) == 1,
	        .will_be_off = will_be_off,
	};
	int r = read_definition(&check, 0, &check.now, err);
	if (r == 0) {
		r = read_definition(&check, VIR_DOMAIN_XML_INACTIVE, &check.stored, err);
	}
	if (r == 0 && check.is_on) {
		r = check_jobs(domain, &check.now, err);
	}
	if (r == 0) {
		r = check_definition(&check, &check.stored, err);
	}
	if (r == 0 && check.is_on && !will_be_off) {
		r = check_definition(&check, &check.now, err);
	}
	if (r == 0 && check.is_on) {
		r = check_memory(&check, err);
	}
	return r < 0 || !will_be_off ? r : check_media(&check, &check.stored, err);
}
