/*
 * Room for a VM that finds no place, on the final placement: others get other places. As few blocked as can be found
 * comes before as few moves as can be found.
 */
#include "reconcile/place.h"

enum { EJECTED_AT_MOST = 8 };

/* One that was placed before, or that may stay as long as nobody needs its room. */
static bool may_be_exchanged(const struct draft *draft, uint32_t vm)
{
	const struct wish *wish = &draft->wishes[vm];
	bool placed = wish->flexible && wish->goal != NOWHERE;
	bool stays = wish->why == WHY_NONE && place_is_sticky(draft, vm) && wish->grouped == NULL;
	return !wish->barred && (placed || stays);
}

/* Only RAM and policies make one that could stay give way: what its own disks leave behind is no reason. */
static bool needs_its_place(const struct draft *draft, uint32_t vm, uint32_t other)
{
	struct obstacle obstacle;
	uint32_t host = draft->final->at[other];
	return draft->wishes[other].why != WHY_NONE ||
	       (!simulate_has_room(draft->final, vm, draft->fleet->vms[vm].home, host, &obstacle) &&
	        (obstacle.kind == OBSTACLE_MEMORY || obstacle.kind == OBSTACLE_STEP));
}

/* Would the other one, lifted off, find another place, once the first stands where it stood? */
static bool exchange(struct draft *draft, uint32_t vm, uint32_t other)
{
	uint32_t host = draft->final->at[other];
	simulate_move(draft->final, other, NOWHERE);
	if (simulate_has_room(draft->final, vm, draft->fleet->vms[vm].home, host, NULL)) {
		simulate_move(draft->final, vm, host);
		uint32_t elsewhere = place_best_host(draft, other);
		if (elsewhere != NOWHERE) {
			if (draft->wishes[other].why == WHY_NONE) {
				place_lift(draft, other, WHY_ROOM, NULL);
			}
			simulate_move(draft->final, other, elsewhere);
			draft->wishes[other].goal = elsewhere;
			draft->wishes[vm].goal = host;
			return true;
		}
		simulate_move(draft->final, vm, NOWHERE);
	}
	simulate_move(draft->final, other, host);
	return false;
}

/*
 * Makes room for a VM by giving another one another place: first one that has to leave its home anyway, then one that
 * could stay. As few blocked as can be found comes before as few moves as can be found.
 */
static bool by_exchange(struct draft *draft, uint32_t vm, uint32_t *tries_left)
{
	for (int stays = 0; stays < 2; stays++) {
		for (uint32_t other = 0; *tries_left > 0 && other < draft->fleet->vm_count; other++) {
			bool leaves = draft->wishes[other].why != WHY_NONE;
			if (other == vm || leaves == (stays == 1) || !may_be_exchanged(draft, other) ||
			    !place_could_go(draft, vm, draft->final->at[other]) || !needs_its_place(draft, vm, other)) {
				continue;
			}
			(*tries_left)--;
			if (exchange(draft, vm, other)) {
				return true;
			}
		}
	}
	return false;
}

/* Those that made way for one VM, and how to undo it. */
struct ejected {
	uint32_t vms[EJECTED_AT_MOST];
	uint32_t hosts[EJECTED_AT_MOST];
	struct wish wishes[EJECTED_AT_MOST];
	uint32_t count;
};

static void take_back(struct draft *draft, const struct ejected *ejected)
{
	for (uint32_t i = ejected->count; i > 0; i--) {
		simulate_move(draft->final, ejected->vms[i - 1], ejected->hosts[i - 1]);
		draft->wishes[ejected->vms[i - 1]] = ejected->wishes[i - 1];
	}
}

/* Gives VMs of an overfull host other places, largest first, as long as it is overfull. */
static void eject(struct draft *draft, uint32_t host, uint32_t vm, struct ejected *ejected)
{
	for (uint32_t i = 0; i < draft->fleet->vm_count && ejected->count < EJECTED_AT_MOST; i++) {
		uint32_t other = draft->by_size[i];
		if (simulate_free(draft->final, host) >= 0) {
			return;
		}
		if (other == vm || draft->final->at[other] != host || !may_be_exchanged(draft, other)) {
			continue;
		}
		struct wish before = draft->wishes[other];
		simulate_move(draft->final, other, NOWHERE);
		uint32_t elsewhere = place_best_host(draft, other);
		if (elsewhere == NOWHERE) {
			simulate_move(draft->final, other, host);
			continue;
		}
		ejected->vms[ejected->count] = other;
		ejected->hosts[ejected->count] = host;
		ejected->wishes[ejected->count++] = before;
		if (before.why == WHY_NONE) {
			place_lift(draft, other, WHY_ROOM, NULL);
		}
		draft->wishes[other].goal = elsewhere;
		simulate_move(draft->final, other, elsewhere);
	}
}

/* Makes room by giving several others other places: on the first host where that will do. */
static bool by_ejecting(struct draft *draft, uint32_t vm, uint32_t *tries_left)
{
	uint32_t home = draft->fleet->vms[vm].home;
	for (uint32_t host = 0; host<draft->fleet->host_count && * tries_left> 0; host++) {
		struct obstacle obstacle;
		if (!place_could_go(draft, vm, host) || simulate_has_room(draft->final, vm, home, host, &obstacle) ||
		    obstacle.kind != OBSTACLE_MEMORY || simulate_free(draft->final, host) < 0) {
			continue;
		}
		(*tries_left)--;
		struct ejected ejected = {.count = 0};
		simulate_move(draft->final, vm, host);
		eject(draft, host, vm, &ejected);
		simulate_move(draft->final, vm, NOWHERE);
		if (simulate_has_room(draft->final, vm, home, host, NULL)) {
			simulate_move(draft->final, vm, host);
			draft->wishes[vm].goal = host;
			return true;
		}
		take_back(draft, &ejected);
	}
	return false;
}

bool place_by_exchange(struct draft *draft, uint32_t vm, uint32_t *tries_left)
{
	return by_exchange(draft, vm, tries_left) || (draft->ejects && by_ejecting(draft, vm, tries_left));
}
