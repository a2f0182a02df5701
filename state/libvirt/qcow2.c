#include "state/libvirt/qcow2.h"

#include "state/arena.h"

/* Offsets in the header, and bits of its feature fields. */
enum {
	AT_VERSION = 4,
	AT_BACKING_OFFSET = 8,
	AT_BACKING_SIZE = 16,
	AT_CLUSTER_BITS = 20,
	AT_SIZE = 24,
	AT_CRYPT = 32,
	AT_SNAPSHOTS = 60,
	V2_BYTES = 72,
	AT_INCOMPATIBLE = 72,
	AT_COMPATIBLE = 80,
	V3_BYTES = 104,
};

enum {
	IS_DIRTY = 1, /* normal while it is open with lazy reference counts */
	IS_CORRUPT = 2,
	HAS_DATA_FILE = 4,
	HAS_COMPRESSION_TYPE = 8,
	HAS_EXTENDED_L2 = 16,
	HAS_LAZY_REFCOUNTS = 1,
};

static uint64_t number_at(const unsigned char *bytes, size_t at, size_t size)
{
	uint64_t number = 0;
	for (size_t i = 0; i < size; i++) {
		number = number << 8 | bytes[at + i];
	}
	return number;
}

static const char *backing_name(struct arena *arena, const unsigned char *bytes, size_t length)
{
	uint64_t offset = number_at(bytes, AT_BACKING_OFFSET, 8);
	uint64_t size = number_at(bytes, AT_BACKING_SIZE, 4);
	if (offset == 0) {
		return NULL;
	}
	bool within = offset < length && size <= length - offset;
	return within ? arena_copy_n(arena, (const char *)bytes + offset, (size_t)size) : "";
}

bool qcow2_read(struct arena *arena, const unsigned char *bytes, size_t length, struct qcow2 *ret)
{
	if (length < V2_BYTES || number_at(bytes, 0, 4) != 0x514649fb) {
		return false;
	}
	uint64_t version = number_at(bytes, AT_VERSION, 4);
	uint64_t cluster_bits = number_at(bytes, AT_CLUSTER_BITS, 4);
	if ((version != 2 && version != 3) || (version == 3 && length < V3_BYTES) || cluster_bits < 9 ||
	    cluster_bits > 21) {
		return false;
	}
	const uint64_t known = IS_DIRTY | IS_CORRUPT | HAS_DATA_FILE | HAS_COMPRESSION_TYPE | HAS_EXTENDED_L2;
	uint64_t incompatible = version == 3 ? number_at(bytes, AT_INCOMPATIBLE, 8) : 0;
	uint64_t compatible = version == 3 ? number_at(bytes, AT_COMPATIBLE, 8) : 0;
	*ret = (struct qcow2){
	        .size = number_at(bytes, AT_SIZE, 8),
	        .snapshots = (uint32_t)number_at(bytes, AT_SNAPSHOTS, 4),
	        .backing = backing_name(arena, bytes, length),
	        .encrypted = number_at(bytes, AT_CRYPT, 4) != 0,
	        .corrupt = (incompatible & IS_CORRUPT) != 0,
	        .data_file = (incompatible & HAS_DATA_FILE) != 0,
	        .unknown = (incompatible & ~known) != 0,
	        .form =
	                {
	                        .old = version == 2,
	                        .cluster_bytes = UINT32_C(1) << cluster_bits,
	                        .lazy_refcounts = (compatible & HAS_LAZY_REFCOUNTS) != 0,
	                        .extended_l2 = (incompatible & HAS_EXTENDED_L2) != 0,
	                },
	};
	return true;
}
