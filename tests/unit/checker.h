/*
 * The rules of a plan in the words of spec section 4, for small fleets made by random_fleet.h: written a second time,
 * with everything added up anew for every question, so that it shares no mistake with the planner's bookkeeping.
 */
#ifndef BERTH_TESTS_CHECKER_H
#define BERTH_TESTS_CHECKER_H

#include "tests/unit/random_fleet.h"

#include "state/text.h"

/* A test of larger fleets defines its own. */
#ifndef CHECKER_HOSTS
#define CHECKER_HOSTS 4
#define CHECKER_VMS   8
#endif
enum { HOSTS = CHECKER_HOSTS, VMS = CHECKER_VMS };

struct world {
	const struct desired *desired;
	int host_count;
	const struct desired_host *host[HOSTS];
	const struct host *seen[HOSTS]; /* NULL: never seen */
	int vm_count;
	const struct vm *vm[VMS];
	const struct desired_vm *entry[VMS]; /* NULL: unmanaged */
	int home[VMS];
	int at[VMS];
	bool movable[VMS]; /* managed, its host answers, not migrating, not reported drift */
};

static inline bool names(const struct world *w, int v, int h)
{
	const struct desired_vm *entry = w->entry[v];
	bool named = entry->host_count == 0;
	for (size_t i = 0; i < entry->host_count; i++) {
		named = named || text_equal(entry->hosts[i], w->host[h]->name);
	}
	return named && labels_match(&entry->where, &w->host[h]->labels);
}

static inline struct world make_world(const struct sample *sample)
{
	struct world w = {.desired = sample->desired, .host_count = (int)sample->desired->host_count};
	for (int h = 0; h < w.host_count; h++) {
		w.host[h] = &sample->desired->hosts[h];
		for (size_t i = 0; i < sample->inventory->host_count; i++) {
			const struct host *seen = &sample->inventory->hosts[i];
			w.seen[h] = text_equal(seen->name, w.host[h]->name) ? seen : w.seen[h];
		}
		for (size_t i = 0; w.seen[h] != NULL && i < w.seen[h]->vm_count; i++) {
			int v = w.vm_count++;
			w.vm[v] = &w.seen[h]->vms[i];
			w.home[v] = h;
			w.at[v] = h;
			for (size_t j = 0; j < sample->desired->vm_count; j++) {
				const struct desired_vm *entry = &sample->desired->vms[j];
				w.entry[v] = text_equal(entry->name, w.vm[v]->name) ? entry : w.entry[v];
			}
			w.movable[v] = w.entry[v] != NULL && w.seen[h]->connection == NULL && !w.vm[v]->migrating;
			bool drifted = w.movable[v] && w.vm[v]->in_place && !names(&w, v, h);
			w.movable[v] = w.movable[v] && !(drifted && w.entry[v]->drift == DRIFT_REPORT);
		}
	}
	return w;
}

static inline int64_t capacity_of(const struct world *w, int h)
{
	int64_t total = w->seen[h] == NULL ? 0 : (int64_t)w->seen[h]->memory - (int64_t)w->host[h]->reserve;
	int64_t limit = w->host[h]->limit > INT64_MAX ? INT64_MAX : (int64_t)w->host[h]->limit;
	return total < 0 ? 0 : total < limit ? total : limit;
}

static inline int64_t free_on(const struct world *w, int h)
{
	int64_t free = capacity_of(w, h);
	for (int v = 0; v < w->vm_count; v++) {
		free -= w->at[v] == h ? (int64_t)(w->vm[v]->memory + w->host[h]->overhead) : 0;
	}
	return free;
}

static inline bool is_member(const struct world *w, const struct policy *p, int v)
{
	if (p->kind == POLICY_AT_MOST) {
		return true;
	}
	return w->entry[v] != NULL && labels_match(&p->vms.labels, &w->entry[v]->labels);
}

static inline bool same_group(const struct world *w, const struct policy *p, int a, int b)
{
	return p->by == NULL
	               ? a == b
	               : text_equal(labels_get(&w->host[a]->labels, p->by), labels_get(&w->host[b]->labels, p->by));
}

/* Does the host fit the policy whoever else is there? */
static inline bool policy_admits(const struct world *w, const struct policy *p, int v, int h)
{
	bool selected = labels_match(&p->hosts.labels, &w->host[h]->labels);
	bool only = p->kind == POLICY_ONLY_ON && !selected;
	bool not = p->kind == POLICY_NOT_ON && selected;
	return !is_member(w, p, v) || !(only || not );
}

/* Would v on h break the policy together with the others that are there? */
static inline bool policy_crowded(const struct world *w, const struct policy *p, int v, int h)
{
	uint64_t others = 0;
	for (int u = 0; u < w->vm_count; u++) {
		others += u != v && is_member(w, p, u) && same_group(w, p, w->at[u], h) ? 1 : 0;
	}
	if (!is_member(w, p, v)) {
		return false;
	}
	if (p->kind == POLICY_AT_MOST) {
		return labels_match(&p->hosts.labels, &w->host[h]->labels) && others + 1 > p->count;
	}
	return p->kind == POLICY_APART && others > 0;
}

static inline bool suits(const struct world *w, int v, int h)
{
	for (size_t i = 0; i < w->desired->policy_count; i++) {
		if (!policy_admits(w, &w->desired->policies[i], v, h)) {
			return false;
		}
	}
	return names(w, v, h) && !w->host[h]->maintenance;
}

static inline bool is_local(const struct world *w, int v)
{
	return w->vm[v]->disk_count > 0 && w->vm[v]->disks[0].storage == STORAGE_LOCAL;
}

static inline bool deletes_source(const struct world *w, int v)
{
	return w->entry[v]->migration.source_disks == SOURCE_DISKS_DELETE;
}

static inline int64_t pool_free(const struct world *w, int h)
{
	int64_t free = (int64_t)w->seen[h]->pools[0].free;
	for (int v = 0; v < w->vm_count; v++) {
		if (is_local(w, v) && w->home[v] == h && w->at[v] != h && deletes_source(w, v)) {
			free += (int64_t)w->vm[v]->disks[0].used;
		}
		free -= is_local(w, v) && w->home[v] != h && w->at[v] == h ? (int64_t)w->vm[v]->disks[0].size : 0;
	}
	return free;
}

/* A file of the same path on the target, of a VM there or left behind by one. */
static inline bool path_taken(const struct world *w, int v, int h)
{
	for (int u = 0; u < w->vm_count; u++) {
		bool there = w->at[u] == h || (w->home[u] == h && w->entry[u] != NULL && !deletes_source(w, u));
		if (u != v && there && w->vm[u]->disk_count > 0 &&
		    text_equal(w->vm[u]->disks[0].source, w->vm[v]->disks[0].source)) {
			return true;
		}
	}
	return false;
}

/* What does not depend on where the others are. */
static inline bool could_travel(const struct world *w, int v, int from, int h)
{
	const struct vm *vm = w->vm[v];
	if (w->seen[h] == NULL || w->seen[h]->connection != NULL || vm->immovable_count > 0 ||
	    w->host[h]->maintenance) {
		return false;
	}
	for (size_t i = 0; i < w->desired->policy_count; i++) {
		if (!policy_admits(w, &w->desired->policies[i], v, h)) {
			return false;
		}
	}
	const char *qemu = w->seen[h]->qemu;
	bool same = text_equal(w->seen[from]->libvirt, w->seen[h]->libvirt) &&
	            (text_equal(w->seen[from]->qemu, qemu) || qemu[0] == '\0' || w->seen[from]->qemu[0] == '\0');
	if (!same || !labels_match(&w->entry[v]->where, &w->host[h]->labels)) {
		return false;
	}
	if (vm->disk_count > 0 && vm->disks[0].storage == STORAGE_OTHER) {
		return false;
	}
	if (!is_local(w, v)) { /* a network disk is named by its path here: a file on a mount */
		return vm->disk_count == 0 || w->seen[h]->pools[0].active;
	}
	bool is_shut_down = vm->state == VM_RUNNING && w->entry[v]->migration.mode == MODE_STOPPED;
	bool stands = vm->state == VM_STOPPED || is_shut_down;
	bool format = w->host[h]->formats == 0 || (w->host[h]->formats & vm->disks[0].format) != 0;
	bool again = from != w->home[v] && !deletes_source(w, v);
	return (vm->snapshots == 0 || stands) && format && !again && w->seen[h]->pools[0].active;
}

/* The five rules, for a move of v from where it is to h. */
static inline bool legal(const struct world *w, int v, int h)
{
	int from = w->at[v];
	if (!w->movable[v] || h == from || !could_travel(w, v, from, h)) {
		return false;
	}
	int64_t claim = (int64_t)(w->vm[v]->memory + w->host[h]->overhead);
	if (free_on(w, h) < claim) {
		return false;
	}
	if (is_local(w, v) && (pool_free(w, h) < (int64_t)w->vm[v]->disks[0].size || path_taken(w, v, h))) {
		return false;
	}
	for (size_t i = 0; i < w->desired->policy_count; i++) {
		const struct policy *p = &w->desired->policies[i];
		/* Within its group it meets nobody new. */
		bool inside = p->kind == POLICY_APART && same_group(w, p, from, h);
		if (!inside && policy_crowded(w, p, v, h)) {
			return false;
		}
	}
	return true;
}

/* A pinned VM that nothing could bring to its pin, or any other that could go nowhere: out of the question. */
static inline bool hopeless(const struct world *w, int v)
{
	if (suits(w, v, w->home[v])) {
		return false;
	}
	for (int h = 0; w->entry[v]->pinned && h < w->host_count; h++) {
		if (h != w->home[v] && suits(w, v, h) && could_travel(w, v, w->home[v], h)) {
			return false;
		}
	}
	return w->entry[v]->pinned;
}

/* Those that would have to leave, at least: counted one by one, largest first, until the host is within capacity. */
static inline int count_excess_memory(const struct world *w, int h)
{
	int64_t free = free_on(w, h);
	bool gone[VMS] = {false};
	int count = 0;
	while (free < 0) {
		int largest = -1;
		for (int v = 0; v < w->vm_count; v++) {
			bool may = w->at[v] == h && w->movable[v] && !gone[v] && !w->entry[v]->pinned;
			if (may && (largest < 0 || w->vm[v]->memory > w->vm[largest]->memory)) {
				largest = v;
			}
		}
		if (largest < 0) {
			break;
		}
		gone[largest] = true;
		free += (int64_t)(w->vm[largest]->memory + w->host[h]->overhead);
		count++;
	}
	return count;
}

static inline int count_excess_policy(const struct world *w, const struct policy *p)
{
	int count = 0;
	for (int h = 0; h < w->host_count; h++) {
		bool first = true; /* of its group */
		for (int g = 0; g < h; g++) {
			first = first && !same_group(w, p, g, h);
		}
		bool counts = p->kind == POLICY_APART || labels_match(&p->hosts.labels, &w->host[h]->labels);
		if (!first || !counts) {
			continue;
		}
		int members = 0;
		int free_to_go = 0;
		for (int v = 0; v < w->vm_count; v++) {
			bool here = is_member(w, p, v) && same_group(w, p, w->at[v], h);
			members += here ? 1 : 0;
			free_to_go += here && w->movable[v] && !w->entry[v]->pinned ? 1 : 0;
		}
		int excess = members - (p->kind == POLICY_APART ? 1 : (int)p->count);
		count += excess <= 0 ? 0 : excess < free_to_go ? excess : free_to_go;
	}
	return count;
}

static inline int count_unplaced(const struct world *w)
{
	int count = 0;
	for (int v = 0; v < w->vm_count; v++) {
		count += w->movable[v] && !hopeless(w, v) && !suits(w, v, w->at[v]) ? 1 : 0;
	}
	for (int h = 0; h < w->host_count; h++) {
		count += w->seen[h] != NULL && w->seen[h]->connection == NULL ? count_excess_memory(w, h) : 0;
	}
	for (size_t i = 0; i < w->desired->policy_count; i++) {
		const struct policy *p = &w->desired->policies[i];
		if (p->kind == POLICY_APART || p->kind == POLICY_AT_MOST) {
			count += count_excess_policy(w, p);
		}
	}
	return count;
}

/* Everybody at home or in place, and nobody away from home who could have stayed. */
static inline bool may_end(struct world *w)
{
	for (int v = 0; v < w->vm_count; v++) {
		int at = w->at[v];
		int home = w->home[v];
		if (at == home) {
			continue;
		}
		if (!suits(w, v, at)) {
			return false;
		}
		if (w->entry[v]->pinned || !suits(w, v, home)) {
			continue;
		}
		bool room = free_on(w, home) >= (int64_t)(w->vm[v]->memory + w->host[home]->overhead);
		for (size_t i = 0; i < w->desired->policy_count; i++) {
			const struct policy *p = &w->desired->policies[i];
			bool inside = p->kind == POLICY_APART && same_group(w, p, at, home);
			room = room && (inside || !policy_crowded(w, p, v, home));
		}
		if (room) {
			return false;
		}
	}
	return true;
}

#endif
