#include "state/arena.h"
#include "state/desired.h"
#include "state/digest.h"

#include <string.h>

const char *desired_vm_entry(struct arena *arena, const struct desired_vm *vm)
{
	struct digest *digest = digest_create(arena);
	digest_add_number(digest, vm->pinned ? 1 : 0);
	digest_add_number(digest, vm->host_count);
	for (size_t i = 0; i < vm->host_count; i++) {
		digest_add_text(digest, vm->hosts[i]);
	}
	digest_add_number(digest, vm->where.count);
	for (size_t i = 0; i < vm->where.count; i++) {
		digest_add_text(digest, vm->where.items[i].key);
		digest_add_text(digest, vm->where.items[i].value);
	}
	return arena_copy_n(arena, digest_end(digest, arena) + strlen("sha256:"), 16);
}

const char *desired_vm_whole_entry(struct arena *arena, const struct desired_vm *vm)
{
	const struct migration *migration = &vm->migration;
	struct digest *digest = digest_create(arena);
	digest_add_text(digest, desired_vm_entry(arena, vm));
	digest_add_number(digest, migration->mode);
	digest_add_number(digest, migration->auto_converge ? 1 : 0);
	digest_add_number(digest, migration->on_stall);
	digest_add_number(digest, migration->stall_timeout_ms);
	digest_add_number(digest, migration->timeout_ms);
	digest_add_number(digest, migration->bandwidth_mib_per_s);
	digest_add_number(digest, migration->max_downtime_ms);
	digest_add_number(digest, migration->connections);
	digest_add_number(digest, migration->tls ? 1 : 0);
	digest_add_number(digest, migration->source_disks);
	digest_add_number(digest, migration->source_disks_ms);
	digest_add_number(digest, migration->snapshots);
	digest_add_number(digest, migration->versions);
	return arena_copy_n(arena, digest_end(digest, arena) + strlen("sha256:"), 16);
}
