#include "state/libvirt/look_vm.h"

#include "state/arena.h"
#include "state/libvirt/handle.h"
#include "state/libvirt/look_disk.h"
#include "state/libvirt/worker.h"
#include "state/libvirt/xml.h"
#include "state/text.h"

#include <stdlib.h>

#include <libvirt/virterror.h>

/* https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainState */
static enum vm_state state_of(int state)
{
	switch (state) {
	case VIR_DOMAIN_PAUSED:
		return VM_PAUSED;
	case VIR_DOMAIN_SHUTOFF:
		return VM_STOPPED;
	case VIR_DOMAIN_CRASHED:
		return VM_CRASHED;
	case VIR_DOMAIN_PMSUSPENDED:
		return VM_SUSPENDED;
	default: /* running, blocked, in shutdown, or not told: it may run */
		return VM_RUNNING;
	}
}

/* Why it stands still, or seems to run while half of it is elsewhere. */
static enum pause pause_of(int state, int reason)
{
	if (state == VIR_DOMAIN_RUNNING &&
	    (reason == VIR_DOMAIN_RUNNING_POSTCOPY || reason == VIR_DOMAIN_RUNNING_POSTCOPY_FAILED)) {
		return PAUSE_POSTCOPY;
	}
	if (state != VIR_DOMAIN_PAUSED) {
		return PAUSE_OTHER;
	}
	if (reason == VIR_DOMAIN_PAUSED_POSTCOPY || reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED) {
		return PAUSE_POSTCOPY;
	}
	if (reason == VIR_DOMAIN_PAUSED_USER) {
		return PAUSE_PERSON;
	}
	return reason == VIR_DOMAIN_PAUSED_MIGRATION ? PAUSE_MIGRATION : PAUSE_OTHER;
}

/* What binds it to its host, in either of its definitions (stored may be NULL), each thing once. */
static void refuse_ties(struct looking *looking, const struct xml_domain *now, const struct xml_domain *stored)
{
	const struct xml_domain *const both[] = {now, stored};
	size_t before = looking->vm->immovable_count;
	for (size_t k = 0; k < 2 && both[k] != NULL; k++) {
		for (size_t i = 0; i < both[k]->tie_count; i++) {
			const char *reason = arena_print(looking->arena, "it uses %s", both[k]->ties[i]);
			bool told = false;
			for (size_t n = before; n < looking->vm->immovable_count; n++) {
				told = told || text_equal(looking->vm->immovable[n].reason, reason);
			}
			if (!told) {
				look_refuse(looking, CODE_PREFLIGHT, "%s", reason);
			}
		}
	}
}

/* What a processor may have used of its host without a step of the guest: QEMU has to make it first. In ns. */
#define MADE_NS 20000000ULL

/* Has the guest run at all since this QEMU was started? What cannot be told has not happened. */
static bool has_run(virDomainPtr domain)
{
	int count = virDomainGetVcpusFlags(domain, VIR_DOMAIN_VCPU_LIVE);
	virVcpuInfoPtr cpus = count > 0 ? calloc((size_t)count, sizeof(*cpus)) : NULL;
	bool ran = false;
	int told = cpus == NULL ? 0 : virDomainGetVcpus(domain, cpus, count, NULL, 0);
	for (int i = 0; i < told; i++) {
		ran = ran || cpus[i].cpuTime > MADE_NS;
	}
	free(cpus);
	return ran;
}

static void check_state(struct looking *looking, virDomainPtr domain)
{
	const struct vm *vm = looking->vm;
	if (!vm->persistent) {
		look_refuse(looking, CODE_PREFLIGHT, "it is transient: its definition would be lost");
	}
	if (vm->state == VM_STOPPED && vm->live_only != NULL) {
		look_refuse(looking, CODE_PREFLIGHT, "it is stopped, and libvirt would not carry its %s over",
		            vm->live_only);
	}
	if (vm->state == VM_SUSPENDED) {
		look_refuse(looking, CODE_PREFLIGHT, "its guest sleeps (suspended to RAM): wake it first");
	}
	if (vm->state == VM_CRASHED) {
		look_refuse(looking, CODE_PREFLIGHT,
		            "it has crashed, and its memory is kept: destroy or reset it first");
	}
	if (vm_moves_once(vm) && !has_run(domain)) {
		look_refuse(looking, CODE_PREFLIGHT,
		            "it is paused and has not run since it came to its host or was started there: QEMU may end "
		            "when it is moved again, so resume it for a moment first");
	}
	if (virDomainHasManagedSaveImage(domain, 0) == 1) {
		look_refuse(looking, CODE_PREFLIGHT, "it has a managed-save image");
	}
}

static void check_snapshots(struct looking *looking, virDomainPtr domain)
{
	virDomainCheckpointPtr *checkpoints = NULL;
	int count = virDomainListAllCheckpoints(domain, &checkpoints, 0);
	for (int i = 0; i < count; i++) {
		virDomainCheckpointFree(checkpoints[i]);
	}
	free(checkpoints);
	if (count > 0) {
		look_refuse(looking, CODE_PREFLIGHT, "it has %d checkpoint%s", count, count == 1 ? "" : "s");
	}
	int external = virDomainSnapshotNum(domain, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL);
	if (external > 0) {
		look_refuse(looking, CODE_PREFLIGHT, "it has %d external snapshot%s", external,
		            external == 1 ? "" : "s");
	}
}

/* By a migration that took it away, by its daemon, or while that was not there. */
static bool was_dropped(int state, int reason)
{
	return state == VIR_DOMAIN_SHUTOFF &&
	       (reason == VIR_DOMAIN_SHUTOFF_UNKNOWN || reason == VIR_DOMAIN_SHUTOFF_MIGRATED ||
	        reason == VIR_DOMAIN_SHUTOFF_DAEMON);
}

static int read_facts(virDomainPtr domain, struct arena *arena, struct vm *vm, struct error *err)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	int state = 0;
	int reason = 0;
	int autostart = 0;
	if (virDomainGetUUIDString(domain, uuid) < 0 || virDomainGetState(domain, &state, &reason, 0) < 0) {
		return libvirt_error(err, "a domain's state");
	}
	vm->name = arena_copy(arena, virDomainGetName(domain));
	vm->uuid = arena_copy(arena, uuid);
	vm->state = state_of(state);
	vm->pause = pause_of(state, reason);
	vm->arrived = state == VIR_DOMAIN_RUNNING && reason == VIR_DOMAIN_RUNNING_MIGRATED;
	vm->dropped = was_dropped(state, reason);
	unsigned long kib = virDomainGetMaxMemory(domain);
	int persistent = virDomainIsPersistent(domain);
	int snapshots = virDomainSnapshotNum(domain, 0);
	if (kib == 0 || persistent < 0 || snapshots < 0 ||
	    (persistent == 1 && virDomainGetAutostart(domain, &autostart) < 0)) {
		return libvirt_error(err, vm->name);
	}
	vm->memory = (uint64_t)kib * 1024;
	vm->persistent = persistent == 1;
	vm->autostart = autostart == 1;
	vm->snapshots = (unsigned int)snapshots;
	return 0;
}

static int read_definition(struct arena *arena, virDomainPtr domain, const char *name, unsigned int flags,
                           struct xml_domain *ret, struct error *err)
{
	cleanup_text char *text = virDomainGetXMLDesc(domain, flags);
	return text == NULL ? libvirt_error(err, name) : xml_read_domain(arena, text, ret, err);
}

/* stored: what it will be when it is started next; NULL for a VM that does not run, or has no other definition. */
static void look_closer(struct looking *looking, virDomainPtr domain, const struct xml_domain *now,
                        const struct xml_domain *stored)
{
	const struct xml_domain *const both[] = {now, stored};
	struct vm *vm = looking->vm;
	for (size_t k = 0; k < 2 && both[k] != NULL; k++) {
		if (both[k]->nvram != NULL || both[k]->tpm) {
			vm->live_only = both[k]->nvram != NULL ? "UEFI variables" : "TPM state";
		}
	}
	for (size_t i = 0; i < now->disk_count; i++) {
		look_disk_read(looking, &now->disks[i]);
	}
	if (stored != NULL) {
		look_disk_compare(looking, now, stored);
	}
	for (size_t k = 0; k < 2 && both[k] != NULL; k++) {
		look_disk_uses(looking, both[k]->disks, both[k]->disk_count);
		look_file_use(looking, both[k]->nvram == NULL ? "" : both[k]->nvram);
	}
	refuse_ties(looking, now, stored);
	if (vm->state != VM_STOPPED && now->cpu.invtsc) {
		look_refuse(looking, CODE_PREFLIGHT,
		            "its CPU has invtsc, and its TSC no frequency: libvirt moves it only while it is stopped");
	}
	check_state(looking, domain);
	check_snapshots(looking, domain);
}

int look_at_vm(struct arena *arena, virDomainPtr domain, const struct host *host, const char *const *shared,
               size_t shared_count, struct vm *ret_vm, struct error *err)
{
	struct vm vm = {0};
	struct xml_domain now;
	struct xml_domain stored;
	int r = read_facts(domain, arena, &vm, err);
	if (r == 0) {
		r = read_definition(arena, domain, vm.name, 0, &now, err);
	}
	bool has_two = vm.persistent && vm.state != VM_STOPPED;
	if (r == 0 && has_two) {
		r = read_definition(arena, domain, vm.name, VIR_DOMAIN_XML_INACTIVE, &stored, err);
	}
	if (r < 0) {
		return r;
	}
	struct looking looking = {
	        .arena = arena,
	        .connection = virDomainGetConnect(domain),
	        .host = host,
	        .shared = shared,
	        .shared_count = shared_count,
	        .vm = &vm,
	};
	look_closer(&looking, domain, &now, has_two ? &stored : NULL);
	*ret_vm = vm;
	return 0;
}
