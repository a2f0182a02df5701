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
