#include "reconcile/balance_data.h"

#include "state/arena.h"

#include <stdlib.h>

enum {
	WORK = 20 * 1000 * 1000, /* questions whether a VM may stand on a host, with effort 1 */
	BITS_MOST = INT32_MAX,   /* of answers kept */
	ROUNDS = 20,             /* of moves, then exchanges */
	PARTNERS = 16,           /* hosts that one looks at for an exchange */
};

static int compare_fills(const void *a, const void *b, void *balance)
{
	const int64_t *fill = ((const struct balance *)balance)->fill;
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;
	if (fill[left] != fill[right]) {
		return fill[left] < fill[right] ? -1 : 1;
	}
	return left < right ? -1 : left > right;
}

static struct balance begin(struct arena *arena, struct simulation *sim, const struct balance_options *options)
{
	const struct fleet *fleet = sim->fleet;
	size_t bits = (size_t)fleet->vm_count * fleet->host_count;
	struct balance b = {
	        .arena = arena,
	        .sim = sim,
	        .fleet = fleet,
	        .options = options,
	        .begin = arena_grow(arena, sim->at, fleet->vm_count, fleet->vm_count, sizeof(*sim->at)),
	        .forbidden = bits > BITS_MOST ? NULL : arena_array(arena, bits / 64 + 1, sizeof(uint64_t)),
	        .order = arena_array(arena, fleet->host_count, sizeof(uint32_t)),
	        .rank = arena_array(arena, fleet->host_count, sizeof(uint32_t)),
	        .fill = arena_array(arena, fleet->host_count, sizeof(int64_t)),
	        .work_left = (uint64_t)WORK * (options->effort == 0 ? 1 : options->effort),
	};
	uint64_t largest = 0;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		if (spread_counts(fleet, host)) {
			b.fill[host] = spread_fill(fleet, host, sim->claims[host]);
			b.sum += b.fill[host];
			b.order[b.host_count++] = host;
			b.largest = fleet->hosts[host].capacity > largest ? host : b.largest;
			largest = fleet->hosts[b.largest].capacity;
		}
	}
	if (b.host_count > 1) {
		qsort_r(b.order, b.host_count, sizeof(*b.order), compare_fills, &b);
	}
	for (uint32_t i = 0; i < b.host_count; i++) {
		b.rank[b.order[i]] = i;
	}
	balance_list_items(&b);
	return b;
}

/*
 * What a host can gain at most by taking an item in, that fills it by `least` or more: its distance from the mean, d,
 * becomes d + f, and d^2 - (d + f)^2 is largest where f is -d, or else least. It falls as d rises.
 */
static int64_t most_of_target(int64_t distance, int64_t least)
{
	int64_t fill = -distance > least ? -distance : least;
	return -fill * (2 * distance + fill);
}

/* Looks for a better place for one item, from the emptiest host on. */
static void find_target(struct balance *b, uint32_t item, struct shift *best)
{
	uint32_t from = balance_at(b, item);
	uint32_t moves = b->items[item].count;
	int64_t mean = b->sum / b->host_count;
	int64_t left = spread_fill(b->fleet, from, b->sim->claims[from] - balance_claim(b, item, from));
	int64_t change = left - b->fill[from];
	int64_t source = (b->fill[from] - mean) * (b->fill[from] - mean) - (left - mean) * (left - mean);
	int64_t least = spread_fill(b->fleet, b->largest, balance_memory(b, item));
	/* How far the mean moves, and rounding. */
	int64_t slack = change * change / b->host_count + 4 * SPREAD_WHOLE;
	for (uint32_t i = 0; i < b->host_count && b->work_left > 0; i++) {
		uint32_t to = b->order[i];
		int64_t most = source + slack + most_of_target(b->fill[to] - mean, least - 1);
		if (most / moves <= best->by_move) {
			return;
		}
		if (to == from) {
			continue;
		}
		int64_t full = spread_fill(b->fleet, to, b->sim->claims[to] + balance_claim(b, item, to));
		int64_t gain = balance_gain(b, from, left, to, full);
		if (gain / moves > best->by_move && balance_put(b, item, to)) {
			balance_set(b, item, from);
			*best = (struct shift){.item = item, .to = to, .gain = gain, .by_move = gain / moves};
		}
	}
}

static struct shift best_shift_from(struct balance *b, uint32_t host)
{
	struct shift best = {.item = NOWHERE};
	for (uint32_t i = 0; i < b->on[host].count; i++) {
		find_target(b, b->on[host].items[i], &best);
	}
	return best;
}

/* Of all hosts, the one that the best move goes from; NOWHERE when there is none. */
static uint32_t best_host(const struct balance *b, const struct shift *shifts)
{
	uint32_t best = NOWHERE;
	for (uint32_t host = 0; host < b->fleet->host_count; host++) {
		if (shifts[host].item != NOWHERE && (best == NOWHERE || shifts[host].by_move > shifts[best].by_move)) {
			best = host;
		}
	}
	return best;
}

/* Asks all hosts for their best moves, and makes them by gain, each asked for once more just before. */
static uint32_t move_some(struct balance *b, struct shift *shifts, uint32_t *asked_at)
{
	uint32_t steps = 0;
	for (uint32_t host = 0; host < b->fleet->host_count; host++) {
		shifts[host] = best_shift_from(b, host);
		asked_at[host] = 0;
	}
	for (uint32_t from; (from = best_host(b, shifts)) != NOWHERE;) {
		struct shift *shift = &shifts[from];
		if (asked_at[from] != steps) {
			*shift = best_shift_from(b, from);
			asked_at[from] = steps;
			continue;
		}
		if (!balance_is_worth(b, shift->gain, b->items[shift->item].count) ||
		    !balance_may_move(b, balance_moves_more(b, shift->item, shift->to)) ||
		    !balance_put(b, shift->item, shift->to)) {
			shift->item = NOWHERE;
			continue;
		}
		steps++;
		balance_note(b, shift->item, from, shift->to);
		shifts[shift->to] = best_shift_from(b, shift->to);
		asked_at[shift->to] = steps;
		*shift = best_shift_from(b, from);
		asked_at[from] = steps;
	}
	return steps;
}

/* Two single VMs change places, if every rule agrees. */
static bool exchange(struct balance *b, uint32_t one, uint32_t other)
{
	uint32_t i = balance_at(b, one);
	uint32_t j = balance_at(b, other);
	balance_set(b, one, NOWHERE);
	if (balance_put_back(b, other, j, i)) {
		if (balance_put_back(b, one, i, j)) {
			return true;
		}
		balance_set(b, other, j);
	}
	balance_set(b, one, i);
	return false;
}

static int64_t gain_of_exchange(const struct balance *b, uint32_t one, uint32_t other)
{
	uint32_t i = balance_at(b, one);
	uint32_t j = balance_at(b, other);
	uint64_t claims_i = b->sim->claims[i] - balance_claim(b, one, i) + balance_claim(b, other, i);
	uint64_t claims_j = b->sim->claims[j] - balance_claim(b, other, j) + balance_claim(b, one, j);
	return balance_gain(b, i, spread_fill(b->fleet, i, claims_i), j, spread_fill(b->fleet, j, claims_j));
}

/* The best exchange between two hosts is made. */
static bool exchange_between(struct balance *b, uint32_t i, uint32_t j)
{
	uint32_t best_one = NOWHERE;
	uint32_t best_other = NOWHERE;
	int64_t best = 0;
	for (uint32_t x = 0; x < b->on[i].count; x++) {
		for (uint32_t y = 0; y < b->on[j].count && b->work_left > 0; y++) {
			uint32_t one = b->on[i].items[x];
			uint32_t other = b->on[j].items[y];
			if (b->items[one].count + b->items[other].count > 2 ||
			    balance_claim(b, one, i) <= balance_claim(b, other, i)) {
				continue;
			}
			int64_t gain = gain_of_exchange(b, one, other);
			if (gain > best && exchange(b, one, other)) {
				balance_set(b, one, i);
				balance_set(b, other, j);
				best = gain;
				best_one = one;
				best_other = other;
			}
		}
	}
	if (best_one == NOWHERE || !balance_is_worth(b, best, 2) ||
	    !balance_may_move(b, balance_moves_more(b, best_one, j) + balance_moves_more(b, best_other, i)) ||
	    !exchange(b, best_one, best_other)) {
		return false;
	}
	balance_note(b, best_one, i, j);
	balance_note(b, best_other, j, i);
	return true;
}

/* The fullest with the emptiest. */
static uint32_t exchange_some(struct balance *b)
{
	uint32_t count = 0;
	uint32_t *from = arena_grow(b->arena, b->order, b->host_count, b->host_count, sizeof(*from));
	for (uint32_t i = b->host_count; i-- > 0;) {
		for (uint32_t j = 0; j < PARTNERS && j < i && b->work_left > 0; j++) {
			if (b->fill[from[j]] < b->fill[from[i]] && exchange_between(b, from[i], from[j])) {
				count++;
			}
		}
	}
	return count;
}

void balance_run(struct arena *arena, struct simulation *sim, const struct balance_options *options)
{
	struct balance b = begin(arena, sim, options);
	if (b.host_count < 2) {
		return;
	}
	struct shift *shifts = arena_array(arena, b.fleet->host_count, sizeof(*shifts));
	uint32_t *asked_at = arena_array(arena, b.fleet->host_count, sizeof(*asked_at));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		while (move_some(&b, shifts, asked_at) > 0) {
		}
		if (exchange_some(&b) == 0) {
			break;
		}
	}
	balance_tidy(&b);
}
