#include "reconcile/spread.h"

#include "state/units.h"

enum { FILL_MOST = 8 * SPREAD_WHOLE };

bool spread_counts(const struct fleet *fleet, uint32_t host)
{
	const struct fleet_host *h = &fleet->hosts[host];
	return h->desired != NULL && h->connected && !h->desired->maintenance && h->capacity >= KIB;
}

int64_t spread_fill(const struct fleet *fleet, uint32_t host, uint64_t claims)
{
	uint64_t capacity = fleet->hosts[host].capacity / KIB;
	uint64_t product;
	if (capacity == 0 || __builtin_mul_overflow(claims / KIB, (uint64_t)SPREAD_WHOLE, &product)) {
		return FILL_MOST;
	}
	uint64_t fill = product / capacity;
	return fill > FILL_MOST ? FILL_MOST : (int64_t)fill;
}

uint64_t spread_root(uint64_t square)
{
	uint64_t root = 0;
	for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1) {
		if ((root + bit) * (root + bit) <= square) {
			root += bit;
		}
	}
	return root;
}

uint64_t spread_measure(const struct simulation *sim)
{
	const struct fleet *fleet = sim->fleet;
	int64_t sum = 0;
	int64_t count = 0;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		if (spread_counts(fleet, host)) {
			sum += spread_fill(fleet, host, sim->claims[host]);
			count++;
		}
	}
	uint64_t squares = 0;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		if (spread_counts(fleet, host)) {
			int64_t distance = spread_fill(fleet, host, sim->claims[host]) - sum / count;
			squares += (uint64_t)(distance * distance);
		}
	}
	return count == 0 ? 0 : spread_root(squares / (uint64_t)count);
}
