/*
 * What libvirt's XML says, as plain structs: the door to libxml2. Parsed, never searched as text; no entity is expanded
 * and nothing is loaded. Strings come from the arena.
 */
#ifndef BERTH_XML_H
#define BERTH_XML_H

#include "state/error.h"
#include "state/model.h"

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
	bool encrypted;     /* by libvirt's own layer */
	bool sliced;        /* the guest sees a part of its source */
	bool backing;       /* the chain has a second element */
	const char **paths; /* every absolute path that its element names: source, backing chain, copies under way */
	size_t path_count;
};

struct xml_machine {
	const char *type; /* of domain: kvm, qemu */
	const char *arch;
	const char *name;     /* pc-i440fx-7.2 */
	const char *emulator; /* NULL: the default one */
};

struct xml_cpu {
	const char *text; /* its element; NULL: none */
	const char *mode; /* custom, host-model, host-passthrough, maximum */
	bool invtsc;      /* asked for, and no frequency that goes with it */
};

struct xml_domain {
	struct xml_machine machine;
	struct xml_cpu cpu;
	struct xml_disk *disks;
	size_t disk_count;
	const char **networks; /* libvirt networks that interfaces are in */
	size_t network_count;
	const char **ties; /* what binds it to its host: "a device of its host" */
	size_t tie_count;
	const char *nvram; /* the file of its UEFI variables, "" when it is not named yet; NULL: none */
	bool tpm;
};

struct xml_capabilities {
	const char *host_uuid;
	const char *cpu;      /* sha256: over the host's CPU as it is described */
	const char *cpu_text; /* that; NULL: it is not */
};

struct xml_pool {
	const char *type;
	const char *path; /* "" */
};

struct xml_volume {
	const char *format;  /* "" */
	const char **refers; /* other files that it needs: its backing file, and whatever else is named */
	size_t refer_count;
	const char *changed; /* when its file was written last, and made (not changed: libvirt itself changes owners) */
};

/* A volume to be made. */
struct xml_new_volume {
	const char *name;
	const char *format;
	uint64_t bytes;         /* what the guest sees */
	struct qcow2_form form; /* of a qcow2 */
};

int xml_read_domain(struct arena *arena, const char *xml, struct xml_domain *ret, struct error *err);
int xml_read_capabilities(struct arena *arena, const char *xml, struct xml_capabilities *ret, struct error *err);
int xml_read_pool(struct arena *arena, const char *xml, struct xml_pool *ret, struct error *err);
int xml_read_volume(struct arena *arena, const char *xml, struct xml_volume *ret, struct error *err);

/* A volume's definition for virStorageVolCreateXML: thin. */
const char *xml_write_volume(struct arena *arena, const struct xml_new_volume *volume);

#endif
