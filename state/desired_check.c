#include "state/desired_parse.h"

#include "state/arena.h"
#include "state/text.h"

#include <stdlib.h>
#include <string.h>

/* Searching a near name costs time for each: past so many, the message alone must do. So does searching in bytes. */
enum { SUGGESTIONS_MAX = 100, SEARCHES_MAX = 1000 };

/* What hosts, VMs and policies begin with: so they are sorted and compared by the same code. */
struct named {
	const char *name;
	struct position at;
};
_Static_assert(offsetof(struct desired_host, at) == offsetof(struct named, at) &&
                       offsetof(struct desired_vm, at) == offsetof(struct named, at) &&
                       offsetof(struct policy, at) == offsetof(struct named, at) && offsetof(struct policy, name) == 0,
               "hosts, VMs and policies begin with their name and place");

static int compare_named(const void *a, const void *b)
{
	struct named left;
	struct named right;
	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	int order = strcmp(left.name, right.name);
	return order != 0 ? order : position_compare(left.at, right.at);
}

/* Sorts a section by name and tells of what is defined twice in it. */
static void sort_section(struct parsing *parsing, void *items, size_t count, size_t size, const char *what)
{
	struct named first;
	struct named item;
	if (count < 2) {
		return;
	}
	qsort(items, count, size, compare_named);
	memcpy(&first, items, sizeof(first));
	for (size_t i = 1; i < count; i++) {
		memcpy(&item, (char *)items + i * size, sizeof(item));
		if (strcmp(first.name, item.name) != 0) {
			first = item;
			continue;
		}
		problems_add(&parsing->problems, item.at, "%s %s is defined twice: first at %s", what,
		             problems_quote(&parsing->problems, item.name),
		             problems_place(&parsing->problems, first.at));
	}
}

static int compare_given(const void *a, const void *b)
{
	const struct given *left = a;
	const struct given *right = b;
	int order = strcmp(left->path, right->path);
	return order != 0 ? order : position_compare(left->at, right->at);
}

/* Within one file a key that stands twice was refused as YAML already. */
static void check_given(struct parsing *parsing)
{
	if (parsing->given_count < 2) {
		return;
	}
	qsort(parsing->given, parsing->given_count, sizeof(*parsing->given), compare_given);
	const struct given *first = &parsing->given[0];
	for (size_t i = 1; i < parsing->given_count; i++) {
		const struct given *given = &parsing->given[i];
		if (strcmp(first->path, given->path) != 0) {
			first = given;
			continue;
		}
		problems_add(&parsing->problems, given->at, "%s is given twice: first at %s", given->path,
		             problems_place(&parsing->problems, first->at));
	}
}

static const char **names_of(struct arena *arena, const void *items, size_t count, size_t size)
{
	const char **names = arena_array(arena, count, sizeof(*names));
	for (size_t i = 0; i < count; i++) {
		memcpy(&names[i], (const char *)items + i * size, sizeof(names[i]));
	}
	return names;
}

/* Whether a file that could not be read has the name in its bytes: then it may well be defined there. */
static bool may_be_unread(const struct parsing *parsing, const char *name)
{
	for (size_t i = 0; i < parsing->unread_count; i++) {
		const struct desired_file *file = &parsing->unread[i];
		if (memmem(file->bytes, file->length, name, strlen(name)) != NULL) {
			return true;
		}
	}
	return false;
}

static void check_references(struct parsing *parsing)
{
	const struct desired *desired = &parsing->desired;
	const char **hosts = names_of(parsing->arena, desired->hosts, desired->host_count, sizeof(*desired->hosts));
	const char **vms = names_of(parsing->arena, desired->vms, desired->vm_count, sizeof(*desired->vms));
	unsigned int suggestions = 0;
	unsigned int searches = 0;
	for (size_t i = 0; i < parsing->reference_count; i++) {
		const struct reference *reference = &parsing->references[i];
		bool found = reference->is_host ? desired_host(desired, reference->name) != NULL
		                                : desired_vm(desired, reference->name) != NULL;
		if (found) {
			continue;
		}
		if (parsing->unread_count > 0 &&
		    (searches++ >= SEARCHES_MAX || may_be_unread(parsing, reference->name))) {
			continue;
		}
		const char *nearest = NULL;
		if (suggestions++ < SUGGESTIONS_MAX) {
			nearest = reference->is_host ? text_nearest(reference->name, hosts, desired->host_count)
			                             : text_nearest(reference->name, vms, desired->vm_count);
		}
		const char *hint = nearest != NULL ? arena_print(parsing->arena, "did you mean '%s'?", nearest)
		                                   : arena_print(parsing->arena, "define it under '%s'",
		                                                 reference->is_host ? "hosts" : "vms");
		problems_add(&parsing->problems, reference->at, "no %s is named %s: %s",
		             reference->is_host ? "host" : "VM", problems_quote(&parsing->problems, reference->name),
		             hint);
	}
}

void desired_check(struct parsing *parsing)
{
	struct desired *desired = &parsing->desired;
	sort_section(parsing, desired->hosts, desired->host_count, sizeof(*desired->hosts), "host");
	sort_section(parsing, desired->vms, desired->vm_count, sizeof(*desired->vms), "VM");
	sort_section(parsing, desired->policies, desired->policy_count, sizeof(*desired->policies), "policy");
	check_given(parsing);
	check_references(parsing);
}
