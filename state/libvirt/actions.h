/*
 * What is done to a VM or volume of one host, each a call for a worker. Inside the door only.
 *
 * Each function here runs in a worker's thread with that host's connection, and needs nothing but its arguments.
 */
#ifndef BERTH_ACTIONS_H
#define BERTH_ACTIONS_H

#include "state/error.h"
#include "state/model.h"

#include <libvirt/libvirt.h>

struct arena;
struct call;

virDomainPtr action_domain(virConnectPtr connection, const char *uuid, struct error *err);

int action_create_volume(struct arena *arena, virConnectPtr connection, const struct disk *disk, uint64_t bytes,
                         struct error *err);

/*
 * -EBUSY when another volume of the host's active pools needs the file (it is their backing file), or a VM there names
 * it, in whichever definition and by whatever path.
 */
int action_delete_volume(struct arena *arena, virConnectPtr connection, const char *path, struct error *err);

int action_volume_length(virConnectPtr connection, const char *path, uint64_t *ret_bytes, struct error *err);
int action_set_autostart(virConnectPtr connection, const char *uuid, bool autostart, struct error *err);
int action_undefine(virConnectPtr connection, const char *uuid, struct error *err);
int action_define(virConnectPtr from, virConnectPtr to, const char *uuid, struct error *err);
int action_shutdown(virConnectPtr connection, const char *uuid, struct error *err);
int action_start(virConnectPtr connection, const char *uuid, struct error *err);
int action_resume(virConnectPtr connection, const char *uuid, struct error *err);
int action_end_remnant(virConnectPtr connection, const char *uuid, struct error *err);
int action_remove(virConnectPtr connection, const char *uuid, struct error *err);

/* As state/world.h has them. Those that change something do no more once nobody waits for them. */
int action_read_snapshots(struct arena *arena, virConnectPtr connection, const char *uuid, struct snapshot_list *ret,
                          struct error *err);
int action_set_snapshots(struct call *call, virConnectPtr connection, const char *uuid,
                         const struct snapshot_list *snapshots, struct error *err);
int action_drop_snapshots(struct call *call, virConnectPtr connection, const char *uuid,
                          const struct snapshot_list *snapshots, struct error *err);

/*
 * A number for what a volume is like from outside: when its file was written and changed last, and its length. Equal as
 * long as nobody has touched it.
 */
int action_volume_stamp(struct arena *arena, virConnectPtr connection, const char *path, uint64_t *ret_stamp,
                        struct error *err);

/* running, paused or off, as libvirt says. */
int action_state(virConnectPtr connection, const char *uuid, int *ret_state, struct error *err);

/*
 * -EPERM with a reason: a job that runs on it; a machine type, CPU or network, of either of its definitions, that the
 * target does not know; memory that is not free there; for a VM that will be off (it then is not QEMU that finds out),
 * a medium that is not there.
 */
int action_check_target(struct arena *arena, virConnectPtr from, virConnectPtr to, const char *to_name,
                        const char *uuid, bool will_be_off, struct error *err);

#endif
