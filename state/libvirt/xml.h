/*
 * What libvirt's XML says, as plain structs: the door to libxml2. Parsed, never searched as text; no entity is expanded
 * and nothing is loaded. Strings come from the arena.
 */
#ifndef BERTH_XML_H
#define BERTH_XML_H

#include "state/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms */
struct xml_disk {
	const char *target; /* vda */
	const char *type;   /* file, block, network, volume, … */
	const char *device; /* disk, cdrom, floppy, lun */
	const char *format; /* the driver's type; "" when none is given */
	const char *source; /* a path, "protocol://host:port/name", or "" for an empty drive */
	const char *pool;   /* of type volume; NULL otherwise */
	const char *volume;
	bool readonly;
	bool shareable;
	bool transient;
	bool backing; /* the chain has a second element */
};

struct xml_domain {
	struct xml_disk *disks;
	size_t disk_count;
	const char **networks; /* libvirt networks that interfaces are in */
	size_t network_count;
	bool host_device; /* hostdev, or an interface of that type */
	bool shared_filesystem;
	bool nvram;
	bool tpm;
};

struct xml_capabilities {
	const char *host_uuid;
	const char *cpu; /* sha256: over the host's CPU as it is described */
};

struct xml_pool {
	const char *type;
	const char *path; /* "" */
};

struct xml_volume {
	const char *format; /* "" */
	bool backing;
	const char *changed; /* when its file was last written or replaced; "" when that is not told */
};

int xml_read_domain(struct arena *arena, const char *xml, struct xml_domain *ret, struct error *err);
int xml_read_capabilities(struct arena *arena, const char *xml, struct xml_capabilities *ret, struct error *err);
int xml_read_pool(struct arena *arena, const char *xml, struct xml_pool *ret, struct error *err);
int xml_read_volume(struct arena *arena, const char *xml, struct xml_volume *ret, struct error *err);

/* A volume's definition for virStorageVolCreateXML: thin, `bytes` long. */
const char *xml_write_volume(struct arena *arena, const char *name, const char *format, uint64_t bytes);

#endif
