#include "reconcile/mend.h"

#include "reconcile/search.h"
#include "state/arena.h"

#include <stdlib.h>
#include <string.h>

enum {
	TRIES = 64,       /* with effort 1 */
	WORK = 20 * 1000, /* questions of one search */
	HOSTS = 6,        /* of a part */
	VMS = 40,         /* of a part */
	TARGETS = 2,      /* hosts where the VM could end, that are looked at */
};

/* A part of the fleet around one VM. */
struct part {
	const struct draft *alone;
	const struct scope *whole;
	const struct simulation *sim;
	uint32_t vm;
	uint32_t hosts[HOSTS];
	uint32_t host_count;
	uint32_t near_count; /* the first of the hosts: where the VM is, and where it could end */
	uint32_t vms[VMS];
	uint32_t vm_count;
};

static bool has_host(const struct part *part, uint32_t host)
{
	for (uint32_t i = 0; i < part->host_count; i++) {
		if (part->hosts[i] == host) {
			return true;
		}
	}
	return false;
}

static bool is_near(const struct part *part, uint32_t host)
{
	for (uint32_t i = 0; i < part->near_count; i++) {
		if (part->hosts[i] == host) {
			return true;
		}
	}
	return false;
}

static void add_host(struct part *part, uint32_t host)
{
	if (host != NOWHERE && part->host_count < HOSTS && !has_host(part, host)) {
		part->hosts[part->host_count++] = host;
	}
}

/* The host with the most free RAM that is not in the part yet; ends: one where the VM could end. */
static uint32_t freest(const struct part *part, bool ends)
{
	const struct fleet *fleet = part->alone->fleet;
	uint32_t best = NOWHERE;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		const struct fleet_host *h = &fleet->hosts[host];
		bool usable = h->connected && h->desired != NULL && !h->desired->maintenance;
		if (!usable || has_host(part, host) ||
		    (ends && (!fleet_suits(fleet, part->vm, host) ||
		              !obstacle_absent(fleet, part->vm, part->sim->at[part->vm], host, NULL)))) {
			continue;
		}
		if (best == NOWHERE || simulate_free(part->sim, host) > simulate_free(part->sim, best)) {
			best = host;
		}
	}
	return best;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;
	return left < right ? -1 : left > right;
}

/* Those that matter most come first: whoever is not in place, then the smaller. */
static bool matters_more(const struct part *part, uint32_t a, uint32_t b)
{
	uint32_t left = judge_still_to_move(part->alone, part->sim, a);
	uint32_t right = judge_still_to_move(part->alone, part->sim, b);
	if (left != right) {
		return left > right;
	}
	return part->alone->fleet->vms[a].seen->memory < part->alone->fleet->vms[b].seen->memory;
}

/* A VM of the part's hosts; when there are too many, one that matters less gives way. */
static void add_vm(struct part *part, uint32_t vm)
{
	if (part->vm_count < VMS) {
		part->vms[part->vm_count++] = vm;
		return;
	}
	uint32_t least = 0;
	for (uint32_t i = 1; i < part->vm_count; i++) {
		if (matters_more(part, part->vms[least], part->vms[i])) {
			least = i;
		}
	}
	if (matters_more(part, vm, part->vms[least]) && part->vms[least] != part->vm) {
		part->vms[least] = vm;
	}
}

static struct part make_part(const struct draft *alone, const struct scope *whole, const struct simulation *sim,
                             uint32_t vm)
{
	struct part part = {.alone = alone, .whole = whole, .sim = sim, .vm = vm};
	add_host(&part, sim->at[vm]);
	for (uint32_t i = 0; i < TARGETS; i++) {
		add_host(&part, freest(&part, true));
	}
	part.near_count = part.host_count;
	while (part.host_count < HOSTS) {
		uint32_t host = freest(&part, false);
		if (host == NOWHERE) {
			break;
		}
		add_host(&part, host);
	}
	add_vm(&part, vm);
	for (uint32_t i = 0; i < whole->vm_count; i++) {
		uint32_t other = whole->vms[i];
		/* Of the other hosts it is the room that counts: who has his place there is left alone. */
		bool near = is_near(&part, sim->at[other]);
		if (other != vm &&
		    (near || (has_host(&part, sim->at[other]) && judge_still_to_move(alone, sim, other) > 0))) {
			add_vm(&part, other);
		}
	}
	qsort(part.vms, part.vm_count, sizeof(part.vms[0]), compare_numbers);
	return part;
}

static void append(struct draft *draft, struct route *route, const struct route *more)
{
	struct step *steps = arena_array(draft->arena, route->count + more->count, sizeof(*steps));
	if (route->count > 0) {
		memcpy(steps, route->steps, route->count * sizeof(*steps));
	}
	memcpy(steps + route->count, more->steps, more->count * sizeof(*steps));
	route->steps = steps;
	route->count += more->count;
	route->bytes += more->bytes;
}

bool mend_route(const struct draft *alone, const struct scope *whole, struct route *route, unsigned int effort)
{
	struct draft *scratch = draft_copy(alone);
	struct simulation *sim = simulate_copy(alone->arena, alone->start);
	uint64_t left = (uint64_t)TRIES * effort;
	bool any = false;
	route_apply(sim, route, false);
	for (uint32_t i = 0; i < whole->vm_count && left > 0; i++) {
		uint32_t vm = whole->vms[i];
		if (!judge_is_amiss(alone, sim, vm)) {
			continue;
		}
		left--;
		struct part part = make_part(alone, whole, sim, vm);
		struct scope scope = {part.vms, part.vm_count, part.hosts, part.host_count};
		uint32_t before = judge_unplaced(alone, sim, &scope);
		struct finding finding = search_exact(alone, sim, &scope, (uint64_t)WORK * effort, true);
		if (!finding.found || finding.unplaced >= before) {
			continue;
		}
		route_apply(sim, &finding.route, false);
		if (judge_may_pause(alone, sim, whole)) {
			append(scratch, route, &finding.route);
			any = true;
		} else {
			route_apply(sim, &finding.route, true);
		}
	}
	return any;
}
