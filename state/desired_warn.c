#include "state/desired_parse.h"
#include "state/label_index.h"

#include "state/arena.h"
#include "state/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A VM that is pinned, and where: the host, or its value of the label that the policy is `by`. */
struct pin {
	const char *place;
	const struct desired_vm *vm;
};

struct warning {
	struct parsing *parsing;
	const struct desired *desired;
	const struct label_index *hosts;
	const struct label_index *vms;
	const uint64_t *pinned; /* number of VMs pinned to each host */

	/* Room for all VMs, used for one policy after the other. */
	size_t *indices;
	const struct desired_vm **members;
	struct pin *pins;
};

static const char *quote(const struct warning *warning, const char *text)
{
	return problems_quote(&warning->parsing->warnings, text);
}

/* zone=a, size=small */
static const char *show_labels(const struct warning *warning, const struct labels *labels)
{
	struct text text;
	text_init(&text, warning->parsing->arena);
	for (size_t i = 0; i < labels->count; i++) {
		text_print(&text, "%s%s=%s", i == 0 ? "" : ", ", labels->items[i].key, labels->items[i].value);
	}
	return text_string(&text);
}

static void warn_of_labels(struct warning *warning)
{
	struct parsing *parsing = warning->parsing;
	for (size_t i = 0; i < parsing->label_use_count; i++) {
		const struct label_use *use = &parsing->label_uses[i];
		const struct label_index *index = use->of_hosts ? warning->hosts : warning->vms;
		if (!label_index_has(index, &use->labels)) {
			problems_add(&parsing->warnings, use->at, "no %s has the labels %s, so this selects nothing",
			             use->of_hosts ? "host" : "VM", show_labels(warning, &use->labels));
		}
	}
}

/* `where` beside a list: it must leave one of them. */
static void warn_of_where(struct warning *warning, const struct desired_vm *vm)
{
	if (vm->where.count == 0 || vm->host_count == 0) {
		return;
	}
	for (size_t i = 0; i < vm->host_count; i++) {
		const struct desired_host *host = desired_host(warning->desired, vm->hosts[i]);
		if (labels_match(&vm->where, &host->labels)) {
			return;
		}
	}
	problems_add(&warning->parsing->warnings, vm->at, "VM %s suits no host: none of its list has the labels %s",
	             quote(warning, vm->name), show_labels(warning, &vm->where));
}

static int compare_uris(const void *a, const void *b)
{
	const struct desired_host *left = *(const struct desired_host *const *)a;
	const struct desired_host *right = *(const struct desired_host *const *)b;
	int order = strcmp(left->uri, right->uri);
	return order != 0 ? order : strcmp(left->name, right->name);
}

/* One libvirt under two names would show every VM twice. In examples nothing is connected, and test:///default common.
 */
static void warn_of_same_uri(struct warning *warning)
{
	const struct desired *desired = warning->desired;
	const struct desired_host **hosts =
	        arena_array(warning->parsing->arena, desired->host_count, sizeof(const struct desired_host *));
	for (size_t i = 0; i < desired->host_count; i++) {
		hosts[i] = &desired->hosts[i];
	}
	if (desired->host_count > 1) {
		qsort(hosts, desired->host_count, sizeof(const struct desired_host *), compare_uris);
	}
	for (size_t i = 1; i < desired->host_count; i++) {
		if (strcmp(hosts[i - 1]->uri, hosts[i]->uri) == 0 && strncmp(hosts[i]->uri, "test:", 5) != 0) {
			problems_add(&warning->parsing->warnings, hosts[i]->at, "host %s has the same uri as %s",
			             quote(warning, hosts[i]->name), quote(warning, hosts[i - 1]->name));
		}
	}
}

/* The VMs that a policy speaks of, into warning->members. */
static size_t find_members(struct warning *warning, const struct policy *policy)
{
	size_t count = label_index_select(warning->vms, &policy->vms, warning->indices);
	for (size_t i = 0; i < count; i++) {
		warning->members[i] = &warning->desired->vms[warning->indices[i]];
	}
	return count;
}

static int compare_pins(const void *a, const void *b)
{
	const struct pin *left = a;
	const struct pin *right = b;
	int order = strcmp(left->place, right->place);
	return order != 0 ? order : strcmp(left->vm->name, right->vm->name);
}

/*
 * The pinned ones among the members, sorted by place, into warning->pins. One that is pinned to a host without the
 * label has no place.
 */
static size_t find_pins(struct warning *warning, const struct policy *policy)
{
	size_t count = find_members(warning, policy);
	size_t pinned = 0;
	for (size_t i = 0; i < count; i++) {
		const struct desired_vm *vm = warning->members[i];
		if (!vm->pinned) {
			continue;
		}
		const struct desired_host *host = desired_host(warning->desired, vm->hosts[0]);
		const char *place = policy->by == NULL ? host->name : labels_get(&host->labels, policy->by);
		if (place != NULL) {
			warning->pins[pinned++] = (struct pin){.place = place, .vm = vm};
			continue;
		}
		problems_add(&warning->parsing->warnings, vm->at,
		             "VM %s is pinned to %s, which lacks the label %s of policy %s", quote(warning, vm->name),
		             host->name, quote(warning, policy->by), quote(warning, policy->name));
	}
	if (pinned > 1) {
		qsort(warning->pins, pinned, sizeof(*warning->pins), compare_pins);
	}
	return pinned;
}

static void warn_of_apart(struct warning *warning, const struct policy *policy)
{
	const struct pin *pins = warning->pins;
	size_t count = find_pins(warning, policy);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(pins[i - 1].place, pins[i].place) == 0) {
			problems_add(&warning->parsing->warnings, pins[i].vm->at,
			             "VM %s is pinned to %s and %s to %s, but policy %s keeps them apart",
			             quote(warning, pins[i].vm->name), pins[i].vm->hosts[0],
			             quote(warning, pins[i - 1].vm->name), pins[i - 1].vm->hosts[0],
			             quote(warning, policy->name));
		}
	}
}

static void warn_of_together(struct warning *warning, const struct policy *policy)
{
	const struct pin *pins = warning->pins;
	size_t count = find_pins(warning, policy);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(pins[0].place, pins[i].place) != 0) {
			problems_add(&warning->parsing->warnings, pins[i].vm->at,
			             "VM %s is pinned to %s and %s to %s, but policy %s keeps them together",
			             quote(warning, pins[i].vm->name), pins[i].vm->hosts[0],
			             quote(warning, pins[0].vm->name), pins[0].vm->hosts[0],
			             quote(warning, policy->name));
		}
	}
}

static void warn_of_not_admitted(struct warning *warning, const struct policy *policy, const struct desired_vm *vm)
{
	if (vm->pinned) {
		problems_add(&warning->parsing->warnings, vm->at,
		             "VM %s is pinned to %s, which policy %s does not admit", quote(warning, vm->name),
		             vm->hosts[0], quote(warning, policy->name));
	} else {
		problems_add(&warning->parsing->warnings, vm->at, "VM %s names no host that policy %s admits",
		             quote(warning, vm->name), quote(warning, policy->name));
	}
}

/* only_on and not_on: one at least of the hosts that the VM names must be admitted. */
static void warn_of_hosts(struct warning *warning, const struct policy *policy)
{
	size_t count = find_members(warning, policy);
	for (size_t i = 0; i < count; i++) {
		const struct desired_vm *vm = warning->members[i];
		bool admitted = vm->host_count == 0;
		for (size_t j = 0; j < vm->host_count && !admitted; j++) {
			const struct desired_host *host = desired_host(warning->desired, vm->hosts[j]);
			bool selected = selector_selects(&policy->hosts, host->name, &host->labels);
			admitted = selected == (policy->kind == POLICY_ONLY_ON);
		}
		if (!admitted) {
			warn_of_not_admitted(warning, policy, vm);
		}
	}
}

static void warn_of_at_most(struct warning *warning, const struct policy *policy)
{
	for (size_t i = 0; i < warning->desired->host_count; i++) {
		const struct desired_host *host = &warning->desired->hosts[i];
		if (warning->pinned[i] > policy->count && selector_selects(&policy->hosts, host->name, &host->labels)) {
			problems_add(&warning->parsing->warnings, policy->at,
			             "policy %s allows %" PRIu64 " on %s, but %" PRIu64 " are pinned there",
			             quote(warning, policy->name), policy->count, host->name, warning->pinned[i]);
		}
	}
}

static void warn_of_policy(struct warning *warning, const struct policy *policy)
{
	if (policy->by != NULL && !label_index_has_key(warning->hosts, policy->by)) {
		problems_add(&warning->parsing->warnings, policy->at, "policy %s is by %s, a label that no host has",
		             quote(warning, policy->name), quote(warning, policy->by));
		return;
	}
	switch (policy->kind) {
	case POLICY_APART:
		warn_of_apart(warning, policy);
		break;
	case POLICY_TOGETHER:
		warn_of_together(warning, policy);
		break;
	case POLICY_ONLY_ON:
	case POLICY_NOT_ON:
		warn_of_hosts(warning, policy);
		break;
	case POLICY_AT_MOST:
		warn_of_at_most(warning, policy);
		break;
	case POLICY_SURVIVE:
	case POLICY_WINDOW:
		break;
	}
}

static const uint64_t *count_pinned(const struct warning *warning)
{
	const struct desired *desired = warning->desired;
	uint64_t *pinned = arena_array(warning->parsing->arena, desired->host_count, sizeof(*pinned));
	for (size_t i = 0; i < desired->vm_count; i++) {
		if (desired->vms[i].pinned) {
			pinned[desired_host(desired, desired->vms[i].hosts[0]) - desired->hosts]++;
		}
	}
	return pinned;
}

void desired_warn(struct parsing *parsing)
{
	const struct desired *desired = &parsing->desired;
	struct warning warning = {
	        .parsing = parsing,
	        .desired = desired,
	        .hosts = label_index_hosts(parsing->arena, desired),
	        .vms = label_index_vms(parsing->arena, desired),
	        .indices = arena_array(parsing->arena, desired->vm_count, sizeof(*warning.indices)),
	        .members = arena_array(parsing->arena, desired->vm_count, sizeof(const struct desired_vm *)),
	        .pins = arena_array(parsing->arena, desired->vm_count, sizeof(*warning.pins)),
	};
	warning.pinned = count_pinned(&warning);
	warn_of_labels(&warning);
	warn_of_same_uri(&warning);
	for (size_t i = 0; i < desired->vm_count; i++) {
		warn_of_where(&warning, &desired->vms[i]);
	}
	for (size_t i = 0; i < desired->policy_count; i++) {
		warn_of_policy(&warning, &desired->policies[i]);
	}
}
