/*
 * Small random fleets, the same for the same seed: desired placements and inventories as they come from the parsers,
 * made by hand. Tight on purpose: hosts that are nearly full, pools that are nearly full, rules that get in the way.
 */
#ifndef BERTH_TESTS_RANDOM_FLEET_H
#define BERTH_TESTS_RANDOM_FLEET_H

#include "state/arena.h"
#include "state/desired.h"
#include "state/model.h"
#include "state/units.h"

#include <string.h>

/* A fuzz target has dice of its own. */
#ifndef RANDOM_FLEET_ROLLS
struct dice {
	uint64_t state;
};

static inline uint32_t roll(struct dice *dice, uint32_t sides)
{
	dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(dice->state >> 33) % sides;
}
#endif

static inline bool chance(struct dice *dice, uint32_t percent)
{
	return roll(dice, 100) < percent;
}

struct sample {
	struct desired *desired;
	struct inventory *inventory;
};

static inline struct labels one_label(struct arena *arena, const char *key, const char *value)
{
	struct labels labels = {arena_array(arena, 1, sizeof(struct label)), 1};
	labels.items[0] = (struct label){key, value};
	return labels;
}

static inline void make_hosts(struct arena *arena, struct dice *dice, struct sample *sample, uint32_t count)
{
	sample->desired->hosts = arena_array(arena, count, sizeof(struct desired_host));
	sample->inventory->hosts = arena_array(arena, count, sizeof(struct host));
	for (uint32_t i = 0; i < count; i++) {
		const char *name = arena_print(arena, "h%02u", i);
		sample->desired->hosts[sample->desired->host_count++] = (struct desired_host){
		        .name = name,
		        .labels = one_label(arena, "zone", chance(dice, 50) ? "a" : "b"),
		        .limit = UINT64_MAX,
		        .overhead = chance(dice, 15) ? GIB / 2 : 0,
		        .formats = chance(dice, 10) ? FORMAT_QCOW2 : 0,
		        .maintenance = chance(dice, 12),
		};
		if (chance(dice, 3)) {
			continue;
		}
		struct host *host = &sample->inventory->hosts[sample->inventory->host_count++];
		*host = (struct host){
		        .name = name,
		        .connection = chance(dice, 6) ? "no route" : NULL,
		        .uuid = "",
		        .memory = (4 + roll(dice, 6)) * GIB,
		        .libvirt = chance(dice, 92) ? "9.0.0" : "9.0.1",
		        .qemu = chance(dice, 95) ? "7.2.0" : "",
		        .cpu = "",
		        .pools_known = true,
		        .pools = arena_array(arena, 1, sizeof(struct pool)),
		        .pool_count = 1,
		};
		host->pools[0] = (struct pool){
		        "images", "dir", "/images", chance(dice, 95), FORMAT_RAW | FORMAT_QCOW2, roll(dice, 30) * GIB};
	}
}

static inline void make_disk(struct arena *arena, struct dice *dice, struct vm *vm)
{
	vm->disks = arena_array(arena, 1, sizeof(struct disk));
	vm->disk_count = 1;
	uint64_t size = (1 + roll(dice, 12)) * GIB;
	vm->disks[0] = (struct disk){
	        .target = "vda",
	        .storage = chance(dice, 60)   ? STORAGE_LOCAL
	                   : chance(dice, 90) ? STORAGE_NETWORK
	                                      : STORAGE_OTHER,
	        .format = chance(dice, 90) ? FORMAT_QCOW2 : FORMAT_RAW,
	        .source = arena_print(arena, "/images/%s", chance(dice, 95) ? vm->name : "same"),
	        .size = size,
	        .used = roll(dice, 2) * size / 2,
	};
}

static inline void make_entry(struct arena *arena, struct dice *dice, struct sample *sample, const char *name)
{
	struct desired_vm *entry = &sample->desired->vms[sample->desired->vm_count++];
	uint32_t hosts = (uint32_t)sample->desired->host_count;
	*entry = (struct desired_vm){.name = name, .migration = migration_default()};
	entry->drift = chance(dice, 10) ? DRIFT_REPORT : DRIFT_CORRECT;
	entry->labels = one_label(arena, "app", chance(dice, 50) ? "db" : "web");
	entry->migration.source_disks = chance(dice, 90) ? SOURCE_DISKS_DELETE : SOURCE_DISKS_KEEP;
	entry->migration.mode = chance(dice, 90) ? MODE_LIVE : MODE_STOPPED;
	uint32_t kind = roll(dice, 10);
	if (kind < 5) {
		entry->pinned = true;
		entry->host_count = 1;
	} else if (kind < 7) {
		entry->host_count = 2;
	}
	entry->hosts = arena_array(arena, entry->host_count, sizeof(char *));
	uint32_t first = roll(dice, hosts);
	for (size_t i = 0; i < entry->host_count; i++) {
		entry->hosts[i] = sample->desired->hosts[(first + i) % hosts].name;
	}
	if (entry->host_count == 2 && (first + 1) % hosts == 0) {
		entry->hosts[0] = sample->desired->hosts[0].name;
		entry->hosts[1] = sample->desired->hosts[first].name;
	}
	if (!entry->pinned && chance(dice, 15)) {
		entry->where = one_label(arena, "zone", "a");
	}
}

static inline void make_vms(struct arena *arena, struct dice *dice, struct sample *sample, uint32_t count)
{
	sample->desired->vms = arena_array(arena, count, sizeof(struct desired_vm));
	for (size_t i = 0; i < sample->inventory->host_count; i++) {
		sample->inventory->hosts[i].vms = arena_array(arena, count, sizeof(struct vm));
	}
	for (uint32_t i = 0; i < count; i++) {
		const char *name = arena_print(arena, "v%03u", i);
		if (chance(dice, 90)) {
			make_entry(arena, dice, sample, name);
		}
		if (sample->inventory->host_count == 0 || chance(dice, 3)) {
			continue;
		}
		struct host *host = &sample->inventory->hosts[roll(dice, (uint32_t)sample->inventory->host_count)];
		struct vm *vm = &host->vms[host->vm_count++];
		*vm = (struct vm){
		        .name = name,
		        .uuid = arena_print(arena, "00000000-0000-0000-0000-000000000%03u", i),
		        .state = chance(dice, 85) ? VM_RUNNING : VM_STOPPED,
		        .memory = (1 + roll(dice, 4)) * GIB,
		        .persistent = true,
		        .in_place = chance(dice, 30),
		        .migrating = chance(dice, 2),
		        .snapshots = chance(dice, 5) ? 1 : 0,
		};
		if (chance(dice, 40)) {
			make_disk(arena, dice, vm);
		}
		if (chance(dice, 3)) {
			vm->immovable = arena_array(arena, 1, sizeof(struct refusal));
			vm->immovable[0] = (struct refusal){CODE_STORAGE, "a host device"};
			vm->immovable_count = 1;
		}
	}
}

static inline void make_policies(struct arena *arena, struct dice *dice, struct sample *sample, bool together)
{
	uint32_t count = roll(dice, 3);
	sample->desired->policies = arena_array(arena, count, sizeof(struct policy));
	for (uint32_t i = 0; i < count; i++) {
		static const enum policy_kind kinds[] = {POLICY_APART, POLICY_ONLY_ON, POLICY_NOT_ON, POLICY_AT_MOST,
		                                         POLICY_TOGETHER};
		struct policy *policy = &sample->desired->policies[sample->desired->policy_count++];
		*policy = (struct policy){.name = arena_print(arena, "p%u", i),
		                          .kind = kinds[roll(dice, together ? 5 : 4)]};
		policy->vms.labels = one_label(arena, "app", "db");
		bool grouped = policy->kind == POLICY_APART || policy->kind == POLICY_TOGETHER;
		policy->by = grouped && chance(dice, 30) ? "zone" : NULL;
		policy->count = 1 + roll(dice, 3);
		policy->hosts.labels = one_label(arena, "zone", "a");
	}
}

static inline struct sample make_sample_of(struct arena *arena, struct dice *dice, bool together, uint32_t hosts,
                                           uint32_t vms)
{
	struct sample sample = {arena_alloc(arena, sizeof(struct desired)),
	                        arena_alloc(arena, sizeof(struct inventory))};
	sample.desired->digest = "sha256:0";
	make_hosts(arena, dice, &sample, hosts);
	make_vms(arena, dice, &sample, vms);
	if (chance(dice, 50)) {
		make_policies(arena, dice, &sample, together);
	}
	inventory_sort(sample.inventory);
	return sample;
}

static inline struct dice make_dice(uint64_t seed)
{
	struct dice dice = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
	roll(&dice, 2);
	return dice;
}

/* Two to four hosts, up to six VMs: small enough to search everything. */
static inline struct sample make_sample(struct arena *arena, uint64_t seed, bool together)
{
	struct dice dice = make_dice(seed);
	uint32_t hosts = 2 + roll(&dice, 3);
	return make_sample_of(arena, &dice, together, hosts, 1 + roll(&dice, 6));
}

#endif
