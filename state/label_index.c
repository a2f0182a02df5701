#include "state/label_index.h"

#include "state/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const struct label *label;
	size_t owner;
};

struct label_index {
	const char **names; /* of each owner, rising */
	const struct labels **labels;
	size_t owners;
	struct entry *entries; /* sorted by key, value and owner */
	size_t count;
};

static int compare_label(const struct label *a, const struct label *b)
{
	int order = strcmp(a->key, b->key);
	return order != 0 ? order : strcmp(a->value, b->value);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a;
	const struct entry *right = b;
	int order = compare_label(left->label, right->label);
	return order != 0 ? order : (left->owner > right->owner) - (left->owner < right->owner);
}

static struct label_index *create(struct arena *arena, size_t owners)
{
	struct label_index *index = arena_alloc(arena, sizeof(*index));
	index->names = arena_array(arena, owners, sizeof(*index->names));
	index->labels = arena_array(arena, owners, sizeof(const struct labels *));
	index->owners = owners;
	return index;
}

static struct label_index *list_entries(struct arena *arena, struct label_index *index)
{
	size_t room = 0;
	for (size_t i = 0; i < index->owners; i++) {
		room += index->labels[i]->count;
	}
	index->entries = arena_array(arena, room, sizeof(*index->entries));
	for (size_t i = 0; i < index->owners; i++) {
		for (size_t j = 0; j < index->labels[i]->count; j++) {
			index->entries[index->count++] =
			        (struct entry){.label = &index->labels[i]->items[j], .owner = i};
		}
	}
	if (index->count > 1) {
		qsort(index->entries, index->count, sizeof(*index->entries), compare_entries);
	}
	return index;
}

struct label_index *label_index_hosts(struct arena *arena, const struct desired *desired)
{
	struct label_index *index = create(arena, desired->host_count);
	for (size_t i = 0; i < desired->host_count; i++) {
		index->names[i] = desired->hosts[i].name;
		index->labels[i] = &desired->hosts[i].labels;
	}
	return list_entries(arena, index);
}

struct label_index *label_index_vms(struct arena *arena, const struct desired *desired)
{
	struct label_index *index = create(arena, desired->vm_count);
	for (size_t i = 0; i < desired->vm_count; i++) {
		index->names[i] = desired->vms[i].name;
		index->labels[i] = &desired->vms[i].labels;
	}
	return list_entries(arena, index);
}

/* Index of the first entry that is not before the label; of the first one behind it when `behind`. */
static size_t find_bound(const struct label_index *index, const struct label *label, bool behind)
{
	size_t low = 0;
	size_t high = index->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_label(index->entries[middle].label, label);
		if (order < 0 || (order == 0 && behind)) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* The entries of the rarest of the labels: the fewest to look at. */
static void find_rarest(const struct label_index *index, const struct labels *labels, size_t *ret_from, size_t *ret_to)
{
	assert(labels->count > 0);
	for (size_t i = 0; i < labels->count; i++) {
		size_t first = find_bound(index, &labels->items[i], false);
		size_t last = find_bound(index, &labels->items[i], true);
		if (i == 0 || last - first < *ret_to - *ret_from) {
			*ret_from = first;
			*ret_to = last;
		}
	}
}

/* The first `max` of those that have all the labels: one at least is asked for. */
static size_t find_labelled(const struct label_index *index, const struct labels *labels, size_t max, size_t *indices)
{
	size_t from = 0;
	size_t to = 0;
	size_t count = 0;
	find_rarest(index, labels, &from, &to);
	for (size_t i = from; i < to && count < max; i++) {
		size_t owner = index->entries[i].owner;
		if (labels->count == 1 || labels_match(labels, index->labels[owner])) {
			indices[count++] = owner;
		}
	}
	return count;
}

static int compare_names(const void *name, const void *element)
{
	return strcmp(name, *(const char *const *)element);
}

/* Both the selector's names and the owners are sorted, so that the indices rise. */
static size_t find_named(const struct label_index *index, const struct selector *selector, size_t *indices)
{
	size_t count = 0;
	for (size_t i = 0; i < selector->name_count && index->owners > 0; i++) {
		const char **found =
		        bsearch(selector->names[i], index->names, index->owners, sizeof(*index->names), compare_names);
		if (found != NULL) {
			indices[count++] = (size_t)(found - index->names);
		}
	}
	return count;
}

size_t label_index_select(const struct label_index *index, const struct selector *selector, size_t *indices)
{
	if (selector->by_name) {
		return find_named(index, selector, indices);
	}
	if (selector->labels.count > 0) {
		return find_labelled(index, &selector->labels, index->owners, indices);
	}
	for (size_t i = 0; i < index->owners; i++) {
		indices[i] = i;
	}
	return index->owners;
}

bool label_index_has(const struct label_index *index, const struct labels *labels)
{
	size_t first;
	return labels->count == 0 || find_labelled(index, labels, 1, &first) > 0;
}

bool label_index_has_key(const struct label_index *index, const char *key)
{
	size_t at = find_bound(index, &(struct label){.key = key, .value = ""}, false);
	return at < index->count && strcmp(index->entries[at].label->key, key) == 0;
}
