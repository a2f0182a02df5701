/*
 * The hosts or VMs of a desired placement by name and label, so that a selector finds its own without walking all of
 * them: a placement has hundreds of thousands of VMs and thousands of policies.
 *
 *     struct label_index *index = label_index_vms(arena, desired);
 *     count = label_index_select(index, &policy->vms, indices);
 *
 * Indices are those of desired->hosts or desired->vms. Pure.
 */
#ifndef BERTH_LABEL_INDEX_H
#define BERTH_LABEL_INDEX_H

#include "state/desired.h"

struct label_index;

struct label_index *label_index_hosts(struct arena *arena, const struct desired *desired);
struct label_index *label_index_vms(struct arena *arena, const struct desired *desired);

/* Indices of what the selector selects, rising; there is room for all in `indices`. Names that are not there select
 * nothing. */
size_t label_index_select(const struct label_index *index, const struct selector *selector, size_t *indices);

/* Has anything all of these labels? */
bool label_index_has(const struct label_index *index, const struct labels *labels);
bool label_index_has_key(const struct label_index *index, const char *key);

#endif
