/*
 * How evenly RAM is claimed: the spread is the standard deviation, over hosts, of claims relative to capacity.
 *
 * Hosts count that the desired placement defines, that answer, are not in maintenance and have any capacity. All
 * numbers are whole, in millionths (ppm), so that every machine computes the same. Pure.
 */
#ifndef BERTH_SPREAD_H
#define BERTH_SPREAD_H

#include "reconcile/simulate.h"

enum { SPREAD_WHOLE = 1000 * 1000 };

bool spread_counts(const struct fleet *fleet, uint32_t host);

/* Claims by capacity; what is beyond eight times the capacity counts as that. */
int64_t spread_fill(const struct fleet *fleet, uint32_t host, uint64_t claims);

/* Of all hosts that count; 0 when there is none. */
uint64_t spread_measure(const struct simulation *sim);

/* Rounded down. */
uint64_t spread_root(uint64_t square);

#endif
