#include "state/desired_parse.h"

#include "state/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const struct label *label;
	size_t owner;
};

struct label_index {
	const struct labels **labels; /* of each owner */
	struct entry *entries;        /* sorted by key, value and owner */
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

static struct label_index *make_index(struct arena *arena, const struct labels **labels, size_t owners)
{
	struct label_index *index = arena_alloc(arena, sizeof(*index));
	size_t count = 0;
	for (size_t i = 0; i < owners; i++) {
		count += labels[i]->count;
	}
	index->labels = labels;
	index->entries = arena_array(arena, count, sizeof(*index->entries));
	for (size_t i = 0; i < owners; i++) {
		for (size_t j = 0; j < labels[i]->count; j++) {
			index->entries[index->count++] = (struct entry){.label = &labels[i]->items[j], .owner = i};
		}
	}
	if (count > 1) {
		qsort(index->entries, count, sizeof(*index->entries), compare_entries);
	}
	return index;
}

struct label_index *label_index_hosts(struct arena *arena, const struct desired *desired)
{
	const struct labels **labels = arena_array(arena, desired->host_count, sizeof(const struct labels *));
	for (size_t i = 0; i < desired->host_count; i++) {
		labels[i] = &desired->hosts[i].labels;
	}
	return make_index(arena, labels, desired->host_count);
}

struct label_index *label_index_vms(struct arena *arena, const struct desired *desired)
{
	const struct labels **labels = arena_array(arena, desired->vm_count, sizeof(const struct labels *));
	for (size_t i = 0; i < desired->vm_count; i++) {
		labels[i] = &desired->vms[i].labels;
	}
	return make_index(arena, labels, desired->vm_count);
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

size_t label_index_find(const struct label_index *index, const struct labels *labels, size_t max, size_t *indices)
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

bool label_index_has_key(const struct label_index *index, const char *key)
{
	size_t at = find_bound(index, &(struct label){.key = key, .value = ""}, false);
	return at < index->count && strcmp(index->entries[at].label->key, key) == 0;
}
