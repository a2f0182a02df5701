#include "reconcile/balance_data.h"

#include "state/arena.h"

static uint32_t begin_of(const struct balance *b, uint32_t item)
{
	return b->begin[b->items[item].vms[0]];
}

/* Is what goes back a loss that is not worth the moves that it saves? A gain always is. */
static bool may_lose(const struct balance *b, int64_t gain, uint32_t moves)
{
	return gain >= 0 || !balance_is_worth(b, -gain, moves);
}

static bool take_back(struct balance *b, uint32_t item)
{
	uint32_t at = balance_at(b, item);
	uint32_t home = begin_of(b, item);
	if (at == home) {
		return false;
	}
	uint64_t left = b->sim->claims[at] - balance_claim(b, item, at);
	uint64_t full = b->sim->claims[home] + balance_claim(b, item, home);
	int64_t gain = balance_gain(b, at, spread_fill(b->fleet, at, left), home, spread_fill(b->fleet, home, full));
	if (!may_lose(b, gain, b->items[item].count) || !balance_put(b, item, home)) {
		return false;
	}
	balance_note(b, item, at, home);
	return true;
}

/* One came to where the other left: the first goes where the other is, and the other stays. */
static bool join_chain(struct balance *b, uint32_t first, uint32_t second)
{
	uint32_t middle = balance_at(b, first);
	uint32_t end = balance_at(b, second);
	if (begin_of(b, second) != middle || end == middle || end == begin_of(b, first) ||
	    b->items[first].count + b->items[second].count > 2) {
		return false;
	}
	uint64_t claims_middle =
	        b->sim->claims[middle] - balance_claim(b, first, middle) + balance_claim(b, second, middle);
	uint64_t claims_end = b->sim->claims[end] - balance_claim(b, second, end) + balance_claim(b, first, end);
	int64_t gain = balance_gain(b, middle, spread_fill(b->fleet, middle, claims_middle), end,
	                            spread_fill(b->fleet, end, claims_end));
	if (!may_lose(b, gain, 1)) {
		return false;
	}
	balance_set(b, first, NOWHERE);
	if (balance_put_back(b, second, end, middle)) {
		if (balance_put_back(b, first, middle, end)) {
			balance_note(b, second, end, middle);
			balance_note(b, first, middle, end);
			return true;
		}
		balance_set(b, second, end);
	}
	balance_set(b, first, middle);
	return false;
}

/* A chain through the item's place: which of those that left it is looked for in the hosts' lists. */
static bool shorten_chain(struct balance *b, const uint32_t *next_from, const uint32_t *first_from, uint32_t item)
{
	if (balance_at(b, item) == begin_of(b, item)) {
		return false;
	}
	for (uint32_t other = first_from[balance_at(b, item)]; other != NOWHERE; other = next_from[other]) {
		if (other != item && join_chain(b, item, other)) {
			return true;
		}
	}
	return false;
}

void balance_tidy(struct balance *b)
{
	uint32_t *first_from = arena_array(b->arena, b->fleet->host_count, sizeof(*first_from));
	uint32_t *next_from = arena_array(b->arena, b->item_count, sizeof(*next_from));
	for (uint32_t host = 0; host < b->fleet->host_count; host++) {
		first_from[host] = NOWHERE;
	}
	for (uint32_t item = b->item_count; item-- > 0;) {
		if (balance_at(b, item) != begin_of(b, item)) {
			next_from[item] = first_from[begin_of(b, item)];
			first_from[begin_of(b, item)] = item;
		}
	}
	for (uint32_t item = 0; item < b->item_count && b->work_left > 0; item++) {
		shorten_chain(b, next_from, first_from, item);
	}
	for (uint32_t item = 0; item < b->item_count && b->work_left > 0; item++) {
		take_back(b, item);
	}
}
