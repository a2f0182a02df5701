/* What is done to the snapshots of one VM; the part of state/libvirt/actions.h that speaks of them. */
#include "state/libvirt/actions.h"

#include "state/arena.h"
#include "state/libvirt/handle.h"
#include "state/libvirt/worker.h"
#include "state/text.h"

#include <errno.h>
#include <stdlib.h>

#include <libvirt/virterror.h>

static int read_snapshot(struct arena *arena, virDomainSnapshotPtr handle, struct snapshot *ret, struct error *err)
{
	cleanup_text char *xml = virDomainSnapshotGetXMLDesc(handle, VIR_DOMAIN_SNAPSHOT_XML_SECURE);
	int current = virDomainSnapshotIsCurrent(handle, 0);
	if (xml == NULL || current < 0) {
		return libvirt_error(err, "a snapshot's definition");
	}
	*ret = (struct snapshot){
	        .name = arena_copy(arena, virDomainSnapshotGetName(handle)),
	        .definition = arena_copy(arena, xml),
	        .current = current == 1,
	};
	return 0;
}

int action_read_snapshots(struct arena *arena, virConnectPtr connection, const char *uuid, struct snapshot_list *ret,
                          struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	int external = virDomainSnapshotNum(domain, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL);
	if (external != 0) {
		return external < 0 ? libvirt_error(err, "snapshots")
		                    : error_set(err, -EPERM, "it has %d external snapshot%s by now", external,
		                                external == 1 ? "" : "s");
	}
	virDomainSnapshotPtr *handles = NULL;
	/* In this order libvirt lists parents before their children. */
	int count = virDomainListAllSnapshots(domain, &handles, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL);
	if (count < 0) {
		return libvirt_error(err, "snapshots");
	}
	struct snapshot_list list = {0};
	int r = 0;
	for (int i = 0; i < count; i++) {
		if (r == 0) {
			r = read_snapshot(arena, handles[i], &ARENA_ADD(arena, list.items, list.count), err);
		}
		virDomainSnapshotFree(handles[i]);
	}
	free(handles);
	if (r == 0) {
		*ret = list;
	}
	return r;
}

static bool is_listed(const struct snapshot_list *snapshots, const char *name)
{
	for (size_t i = 0; i < snapshots->count; i++) {
		if (text_equal(snapshots->items[i].name, name)) {
			return true;
		}
	}
	return false;
}

/* One that was made since, by somebody else, is the later one. */
static bool current_is_another(virDomainPtr domain, const struct snapshot_list *snapshots)
{
	cleanup_snapshot virDomainSnapshotPtr current = virDomainSnapshotCurrent(domain, 0);
	return current != NULL && !is_listed(snapshots, virDomainSnapshotGetName(current));
}

static int set_snapshot(virDomainPtr domain, const struct snapshot *snapshot, bool marks_current, struct error *err)
{
	unsigned int flags = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE;
	cleanup_snapshot virDomainSnapshotPtr there = virDomainSnapshotLookupByName(domain, snapshot->name, 0);
	bool is_marked = there != NULL && virDomainSnapshotIsCurrent(there, 0) == 1;
	if (there != NULL && (is_marked || !marks_current)) {
		return 0;
	}
	flags |= marks_current ? VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT : 0;
	cleanup_snapshot virDomainSnapshotPtr made = virDomainSnapshotCreateXML(domain, snapshot->definition, flags);
	return made == NULL ? libvirt_error(err, snapshot->name) : 0;
}

int action_set_snapshots(struct call *call, virConnectPtr connection, const char *uuid,
                         const struct snapshot_list *snapshots, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	bool keeps_mark = current_is_another(domain, snapshots);
	int r = 0;
	for (size_t i = 0; r == 0 && i < snapshots->count; i++) {
		const struct snapshot *snapshot = &snapshots->items[i];
		r = call_is_wanted(call) ? set_snapshot(domain, snapshot, snapshot->current && !keeps_mark, err)
		                         : error_set(err, -ECANCELED, "given up");
	}
	return r;
}

static int drop_snapshot(virDomainPtr domain, const char *name, struct error *err)
{
	cleanup_snapshot virDomainSnapshotPtr snapshot = virDomainSnapshotLookupByName(domain, name, 0);
	if (snapshot == NULL) {
		virErrorPtr last = virGetLastError();
		return last != NULL && last->code == VIR_ERR_NO_DOMAIN_SNAPSHOT ? 0 : libvirt_error(err, name);
	}
	/* Its own are gone by now. One that loses its parent would be another snapshot than it was. */
	int children = virDomainSnapshotNumChildren(snapshot, 0);
	if (children > 0) {
		return error_set(err, -EBUSY, "snapshot %s has one more snapshot on it, which was made meanwhile",
		                 name);
	}
	return children < 0 || virDomainSnapshotDelete(snapshot, VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY) < 0
	               ? libvirt_error(err, name)
	               : 0;
}

int action_drop_snapshots(struct call *call, virConnectPtr connection, const char *uuid,
                          const struct snapshot_list *snapshots, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	int r = 0;
	for (size_t i = snapshots->count; r == 0 && i > 0; i--) {
		r = call_is_wanted(call) ? drop_snapshot(domain, snapshots->items[i - 1].name, err)
		                         : error_set(err, -ECANCELED, "given up");
	}
	return r;
}
