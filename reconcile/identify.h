/*
 * The plan's id (spec section 4): a hash over the desired tree, the moves, and of every host and VM what identifies it
 * and what the plan rests on. Not over `used` and `free`, which change by themselves, nor over reasons and waits.
 */
#ifndef BERTH_IDENTIFY_H
#define BERTH_IDENTIFY_H

#include "reconcile/fleet.h"
#include "state/plan.h"

const char *identify_plan(struct arena *arena, const struct fleet *fleet, const struct plan *plan);

#endif
