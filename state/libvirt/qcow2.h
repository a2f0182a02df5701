/*
 * What the header of a qcow2 file says that libvirt does not show. Inside the door only; pure.
 *
 * https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.txt
 */
#ifndef BERTH_QCOW2_H
#define BERTH_QCOW2_H

#include "state/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum { QCOW2_HEADER_BYTES = 4096 }; /* so much of the file is enough for the header and nearly every backing name */

struct qcow2 {
	uint64_t size;      /* what the guest sees */
	uint32_t snapshots; /* internal ones */
	const char
	        *backing; /* the backing file as it is named there, "" when that is not within the bytes; NULL: none */
	bool encrypted;
	bool corrupt;
	bool data_file; /* its data is in another file */
	bool unknown;   /* it has features that this code does not know */
	struct qcow2_form form;
};

/* bytes: the begin of the file. Returns false when it is no qcow2 of a known version. */
bool qcow2_read(struct arena *arena, const unsigned char *bytes, size_t length, struct qcow2 *ret);

#endif
