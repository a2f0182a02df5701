#include "reconcile/simulate.h"

#include "state/arena.h"
#include "state/text.h"

#include <string.h>

/* Sums of absurd records stay at the top instead of wrapping round: such a host is full for good. */
static uint64_t add_claim(uint64_t claims, uint64_t claim)
{
	uint64_t sum;
	return __builtin_add_overflow(claims, claim, &sum) ? UINT64_MAX : sum;
}

static uint64_t take_claim(uint64_t claims, uint64_t claim)
{
	return claims == UINT64_MAX ? claims : claims - claim;
}

static int64_t change_free(int64_t free, uint64_t bytes, bool back)
{
	int64_t amount = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
	int64_t result;
	if (back) {
		return __builtin_add_overflow(free, amount, &result) ? INT64_MAX : result;
	}
	return __builtin_sub_overflow(free, amount, &result) ? INT64_MIN : result;
}

/* The pools' side of standing on a host that is not the origin; `arrives` or the undoing of it. */
static void account_disks(struct simulation *sim, uint32_t vm, uint32_t host, bool arrives)
{
	const struct fleet *fleet = sim->fleet;
	const struct fleet_vm *v = &fleet->vms[vm];
	bool frees = fleet_frees_source(fleet, vm);
	for (size_t i = 0; i < v->seen->disk_count && host != v->origin; i++) {
		const struct disk *disk = &v->seen->disks[i];
		if (host != NOWHERE && !disk_travels(fleet, disk, v->origin, host)) {
			continue;
		}
		uint32_t there = host == NOWHERE ? NOWHERE : fleet_pool_of(fleet, host, disk);
		uint32_t here =
		        disk->storage == STORAGE_LOCAL && frees ? fleet_pool_of(fleet, v->origin, disk) : NOWHERE;
		if (there != NOWHERE) {
			sim->pool_free[there] = change_free(sim->pool_free[there], disk->size, !arrives);
		}
		if (here != NOWHERE) {
			sim->pool_free[here] = change_free(sim->pool_free[here], disk->used, arrives);
		}
	}
}

static void count_member(struct simulation *sim, uint32_t vm, uint32_t host, bool arrives)
{
	const struct fleet_vm *v = &sim->fleet->vms[vm];
	for (uint32_t i = 0; i < v->rule_count; i++) {
		uint32_t tally = sim->fleet->tallies[v->rules[i]];
		uint32_t group = tally == NOWHERE ? NO_GROUP : sim->fleet->rules[v->rules[i]].groups->of[host];
		if (group != NO_GROUP) {
			uint32_t *count = &sim->counts[tally + group];
			*count = arrives ? *count + 1 : *count - 1;
		}
	}
}

/* A stale record counts for RAM only: the VM itself counts where it was found. */
static bool counts_for_rules(const struct fleet_vm *vm)
{
	return vm->standing != STANDS_STALE;
}

struct simulation *simulate_begin(struct arena *arena, const struct fleet *fleet)
{
	struct simulation *sim = arena_alloc(arena, sizeof(*sim));
	*sim = (struct simulation){
	        .fleet = fleet,
	        .at = arena_array(arena, fleet->vm_count, sizeof(*sim->at)),
	        .claims = arena_array(arena, fleet->host_count, sizeof(*sim->claims)),
	        .pool_free = arena_array(arena, fleet->pool_count, sizeof(*sim->pool_free)),
	        .counts = arena_array(arena, fleet->tally_count, sizeof(*sim->counts)),
	};
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		const struct fleet_host *host = &fleet->hosts[i];
		for (size_t j = 0; host->seen != NULL && j < host->seen->pool_count; j++) {
			uint64_t free = host->seen->pools[j].free;
			sim->pool_free[host->first_pool + j] = free > INT64_MAX ? INT64_MAX : (int64_t)free;
		}
	}
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		uint32_t home = fleet->vms[vm].home;
		sim->at[vm] = home;
		account_disks(sim, vm, home, true);
		sim->claims[home] = add_claim(sim->claims[home], fleet_claim(fleet, vm, home));
		if (counts_for_rules(&fleet->vms[vm])) {
			count_member(sim, vm, home, true);
		}
	}
	return sim;
}

struct simulation *simulate_copy(struct arena *arena, const struct simulation *sim)
{
	const struct fleet *fleet = sim->fleet;
	struct simulation *copy = arena_alloc(arena, sizeof(*copy));
	*copy = (struct simulation){
	        .fleet = fleet,
	        .at = arena_grow(arena, sim->at, fleet->vm_count, fleet->vm_count, sizeof(*sim->at)),
	        .claims = arena_grow(arena, sim->claims, fleet->host_count, fleet->host_count, sizeof(*sim->claims)),
	        .pool_free = arena_grow(arena, sim->pool_free, fleet->pool_count, fleet->pool_count,
	                                sizeof(*sim->pool_free)),
	        .counts = arena_grow(arena, sim->counts, fleet->tally_count, fleet->tally_count, sizeof(*sim->counts)),
	};
	return copy;
}

const struct fleet *fleet_after(struct arena *arena, const struct simulation *sim)
{
	const struct fleet *fleet = sim->fleet;
	struct fleet *after = arena_alloc(arena, sizeof(*after));
	*after = *fleet;
	after->vms = arena_grow(arena, fleet->vms, fleet->vm_count, fleet->vm_count, sizeof(*fleet->vms));
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		after->vms[vm].home = sim->at[vm];
	}
	return after;
}

static uint32_t group_at(const struct simulation *sim, const struct rule *rule, uint32_t vm)
{
	bool counts = sim->at[vm] != NOWHERE && counts_for_rules(&sim->fleet->vms[vm]);
	return counts ? rule->groups->of[sim->at[vm]] : NO_GROUP;
}

uint32_t simulate_count(const struct simulation *sim, uint32_t rule, uint32_t group)
{
	const struct rule *r = &sim->fleet->rules[rule];
	if (sim->fleet->tallies[rule] != NOWHERE) {
		return sim->counts[sim->fleet->tallies[rule] + group];
	}
	uint32_t count = 0;
	for (uint32_t i = 0; i < r->member_count; i++) {
		count += group_at(sim, r, r->members[i]) == group ? 1 : 0;
	}
	return count;
}

uint32_t simulate_next_group(const struct simulation *sim, uint32_t rule, uint32_t group)
{
	const struct rule *r = &sim->fleet->rules[rule];
	uint32_t next = NO_GROUP;
	uint32_t from = group == NO_GROUP ? 0 : group + 1;
	if (sim->fleet->tallies[rule] != NOWHERE) {
		for (next = from; next < r->groups->count && simulate_count(sim, rule, next) == 0; next++) {
		}
		return next < r->groups->count ? next : NO_GROUP;
	}
	for (uint32_t i = 0; i < r->member_count; i++) {
		uint32_t there = group_at(sim, r, r->members[i]);
		next = there != NO_GROUP && there >= from && there < next ? there : next;
	}
	return next;
}

static bool tell(struct obstacle *ret_obstacle, struct obstacle obstacle)
{
	if (ret_obstacle != NULL) {
		*ret_obstacle = obstacle;
	}
	return false;
}

static bool memory_fits(const struct simulation *sim, struct obstacle at, struct obstacle *ret_obstacle)
{
	at.kind = OBSTACLE_MEMORY;
	at.need = fleet_claim(sim->fleet, at.vm, at.host);
	at.free = simulate_free(sim, at.host);
	return (at.free >= 0 && (uint64_t)at.free >= at.need) || tell(ret_obstacle, at);
}

/* The sum of what travels into one pool must fit. Few disks, few pools: each disk asks for its own pool's sum. */
static bool space_fits(const struct simulation *sim, struct obstacle at, struct obstacle *ret_obstacle)
{
	const struct vm *seen = sim->fleet->vms[at.vm].seen;
	at.kind = OBSTACLE_SPACE;
	for (size_t i = 0; i < seen->disk_count; i++) {
		at.disk = &seen->disks[i];
		at.pool = disk_travels(sim->fleet, at.disk, at.from, at.host)
		                  ? fleet_pool_of(sim->fleet, at.host, at.disk)
		                  : NOWHERE;
		if (at.pool == NOWHERE) {
			continue;
		}
		at.need = 0;
		for (size_t j = 0; j < seen->disk_count; j++) {
			if (disk_travels(sim->fleet, &seen->disks[j], at.from, at.host) &&
			    fleet_pool_of(sim->fleet, at.host, &seen->disks[j]) == at.pool) {
				at.need = add_claim(at.need, seen->disks[j].size);
			}
		}
		at.free = sim->pool_free[at.pool];
		if (at.free < 0 || (uint64_t)at.free < at.need) {
			return tell(ret_obstacle, at);
		}
	}
	return true;
}

static bool has_disk_at(const struct vm *vm, const char *path)
{
	for (size_t i = 0; i < vm->disk_count; i++) {
		if (vm->disks[i].storage != STORAGE_MEDIA && text_equal(vm->disks[i].source, path)) {
			return true;
		}
	}
	return false;
}

/* No VM there, nor what one has left there, may have a disk at the path that a disk is copied to. */
static bool paths_fit(const struct simulation *sim, struct obstacle at, struct obstacle *ret_obstacle)
{
	const struct fleet *fleet = sim->fleet;
	const struct fleet_vm *vm = &fleet->vms[at.vm];
	at.kind = OBSTACLE_IN_THE_WAY;
	for (uint32_t i = 0; i < vm->rival_count; i++) {
		at.other = vm->rivals[i];
		const struct fleet_vm *rival = &fleet->vms[at.other];
		bool left_behind = rival->origin == at.host && !fleet_frees_source(fleet, at.other);
		if (sim->at[at.other] != at.host && !left_behind) {
			continue;
		}
		for (size_t j = 0; j < vm->seen->disk_count; j++) {
			at.disk = &vm->seen->disks[j];
			if (disk_travels(fleet, at.disk, at.from, at.host) &&
			    has_disk_at(rival->seen, at.disk->source)) {
				return tell(ret_obstacle, at);
			}
		}
	}
	return true;
}

static bool allows(const struct simulation *sim, uint32_t number, uint32_t from, uint32_t to)
{
	const struct rule *rule = &sim->fleet->rules[number];
	return rule->row->allows(rule, to == NO_GROUP ? 0 : simulate_count(sim, number, to), from, to);
}

static bool rules_fit(const struct simulation *sim, struct obstacle at, struct obstacle *ret_obstacle)
{
	const struct fleet_vm *vm = &sim->fleet->vms[at.vm];
	at.kind = OBSTACLE_STEP;
	for (uint32_t i = 0; i < vm->rule_count; i++) {
		at.rule = &sim->fleet->rules[vm->rules[i]];
		if (at.rule->row->allows != NULL &&
		    !allows(sim, vm->rules[i], at.rule->groups->of[at.from], at.rule->groups->of[at.host])) {
			return tell(ret_obstacle, at);
		}
	}
	return true;
}

bool simulate_has_room(const struct simulation *sim, uint32_t vm, uint32_t from, uint32_t to,
                       struct obstacle *ret_obstacle)
{
	struct obstacle at = {.vm = vm, .host = to, .from = from, .other = NOWHERE, .pool = NOWHERE};
	return memory_fits(sim, at, ret_obstacle) && rules_fit(sim, at, ret_obstacle) &&
	       space_fits(sim, at, ret_obstacle) && paths_fit(sim, at, ret_obstacle);
}

bool simulate_allows(const struct simulation *sim, uint32_t vm, uint32_t to, struct obstacle *ret_obstacle)
{
	uint32_t from = sim->at[vm];
	struct obstacle at = {.vm = vm, .host = to};
	if (ret_obstacle == NULL && !memory_fits(sim, at, NULL)) {
		return false; /* the cheapest question, and the most frequent answer */
	}
	return obstacle_absent(sim->fleet, vm, from, to, ret_obstacle) &&
	       simulate_has_room(sim, vm, from, to, ret_obstacle);
}

void simulate_move(struct simulation *sim, uint32_t vm, uint32_t to)
{
	const struct fleet *fleet = sim->fleet;
	uint32_t from = sim->at[vm];
	if (from != NOWHERE) {
		sim->claims[from] = take_claim(sim->claims[from], fleet_claim(fleet, vm, from));
		count_member(sim, vm, from, false);
	}
	account_disks(sim, vm, from, false);
	sim->at[vm] = to;
	if (to != NOWHERE) {
		sim->claims[to] = add_claim(sim->claims[to], fleet_claim(fleet, vm, to));
		count_member(sim, vm, to, true);
	}
	account_disks(sim, vm, to, true);
}
