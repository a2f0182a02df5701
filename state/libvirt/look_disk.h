/*
 * What one host reports of one VM's disks: where their data is, what else they need, and why they could not be copied.
 * Inside the door only; runs in a worker.
 */
#ifndef BERTH_LOOK_DISK_H
#define BERTH_LOOK_DISK_H

#include "state/libvirt/xml.h"
#include "state/model.h"

#include <libvirt/libvirt.h>

struct arena;

struct looking {
	struct arena *arena;
	virConnectPtr connection;
	const struct host *host;   /* with its pools */
	const char *const *shared; /* paths that the host declares as shared */
	size_t shared_count;
	struct vm *vm;
};

/* Adds to the reasons why the VM cannot be moved. */
void look_refuse(struct looking *looking, enum code code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Adds a disk to the VM. */
void look_disk_read(struct looking *looking, const struct xml_disk *from);

/*
 * When all disks are read: adds to what the VM uses beyond them. Of a disk, in whichever of its two definitions, that
 * is what its element names and the files behind that; of a file, itself.
 */
void look_disk_uses(struct looking *looking, const struct xml_disk *disks, size_t count);
void look_file_use(struct looking *looking, const char *path);

/* Its disks as they are now and in its stored definition: where these differ, the copy would not be what starts next.
 */
void look_disk_compare(struct looking *looking, const struct xml_domain *now, const struct xml_domain *stored);

#endif
