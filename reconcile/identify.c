#include "reconcile/identify.h"

#include "state/digest.h"

static void add_moves(struct digest *digest, const struct plan *plan)
{
	digest_add_number(digest, plan->move_count);
	for (size_t i = 0; i < plan->move_count; i++) {
		const struct move *move = &plan->moves[i];
		digest_add_text(digest, move->uuid);
		digest_add_text(digest, move->from);
		digest_add_text(digest, move->to);
		digest_add_text(digest, move_mode_word(move->mode));
		digest_add_number(digest, move->hop ? 1 : 0);
	}
}

static void add_host(struct digest *digest, const struct fleet_host *host)
{
	digest_add_text(digest, host->name);
	digest_add_number(digest, host->capacity);
	digest_add_number(digest, host->connected ? 1 : 0);
	if (host->seen == NULL) {
		return;
	}
	digest_add_text(digest, host->seen->uuid);
	digest_add_text(digest, host->seen->libvirt);
	digest_add_text(digest, host->seen->qemu);
	digest_add_number(digest, host->seen->pool_count);
	for (size_t i = 0; i < host->seen->pool_count; i++) {
		digest_add_text(digest, host->seen->pools[i].name);
		digest_add_number(digest, host->seen->pools[i].active ? 1 : 0);
	}
}

const char *identify_plan(struct arena *arena, const struct fleet *fleet, const struct plan *plan)
{
	struct digest *digest = digest_create(arena);
	digest_add_text(digest, fleet->desired->digest);
	add_moves(digest, plan);
	digest_add_number(digest, fleet->host_count);
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		add_host(digest, &fleet->hosts[i]);
	}
	digest_add_number(digest, fleet->vm_count);
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		const struct fleet_vm *vm = &fleet->vms[i];
		digest_add_text(digest, vm->name);
		digest_add_text(digest, vm->seen->uuid);
		digest_add_text(digest, fleet->hosts[vm->home].name);
		digest_add_text(digest, vm_state_word(vm->seen->state));
		digest_add_number(digest, vm->seen->memory);
	}
	return digest_end(digest, arena);
}
