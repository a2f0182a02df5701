#include "reconcile/snapshots.h"

#include <errno.h>

bool snapshots_come_along(const struct move_entry *entry)
{
	return entry->snapshots.count > 0 && !entry->snapshots_end;
}

int snapshots_read(const struct execution *execution, const struct move_order *order, struct move_entry *entry,
                   struct error *err)
{
	const struct world *world = &execution->world;
	if (order->snapshots == 0) {
		return 0;
	}
	return world->functions->read_snapshots(world->data, execution->arena, order->from, order->uuid,
	                                        &entry->snapshots, err);
}

int snapshots_leave_source(const struct execution *execution, struct move_entry *entry, struct error *err)
{
	const struct world *world = &execution->world;
	if (entry->snapshots.count == 0) {
		return 0;
	}
	int r = world->functions->drop_snapshots(world->data, entry->from, entry->uuid, &entry->snapshots, err);
	entry->snapshots_open = r < 0 && r != -EPERM && r != -EBUSY;
	return r;
}

int snapshots_set(const struct execution *execution, const struct move_entry *entry, const char *host,
                  struct error *err)
{
	const struct world *world = &execution->world;
	if (entry->snapshots.count == 0) {
		return 0;
	}
	return world->functions->set_snapshots(world->data, host, entry->uuid, &entry->snapshots, err);
}

int snapshots_take_back(const struct execution *execution, const struct move_entry *entry, struct error *err)
{
	const struct world *world = &execution->world;
	if (entry->snapshots.count == 0) {
		return 0;
	}
	return world->functions->drop_snapshots(world->data, entry->to, entry->uuid, &entry->snapshots, err);
}
