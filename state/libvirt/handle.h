/* libvirt's handles, freed at the end of their scope. Inside the door only. */
#ifndef BERTH_HANDLE_H
#define BERTH_HANDLE_H

#include <stdlib.h>

#include <libvirt/libvirt.h>

static inline void handle_clean_domain(virDomainPtr *domain)
{
	if (*domain != NULL) {
		virDomainFree(*domain);
	}
}
#define cleanup_domain __attribute__((cleanup(handle_clean_domain)))

static inline void handle_clean_volume(virStorageVolPtr *volume)
{
	if (*volume != NULL) {
		virStorageVolFree(*volume);
	}
}
#define cleanup_volume __attribute__((cleanup(handle_clean_volume)))

static inline void handle_clean_pool(virStoragePoolPtr *pool)
{
	if (*pool != NULL) {
		virStoragePoolFree(*pool);
	}
}
#define cleanup_pool __attribute__((cleanup(handle_clean_pool)))

static inline void handle_clean_snapshot(virDomainSnapshotPtr *snapshot)
{
	if (*snapshot != NULL) {
		virDomainSnapshotFree(*snapshot);
	}
}
#define cleanup_snapshot __attribute__((cleanup(handle_clean_snapshot)))

/* What libvirt returns as text is the caller's. */
static inline void handle_clean_text(char **text)
{
	free(*text);
}
#define cleanup_text __attribute__((cleanup(handle_clean_text)))

#endif
