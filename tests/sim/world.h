/*
 * A world of two hosts in memory, for seeing how a move behaves when anything in it goes wrong: each call can be made
 * to fail before or after its effect, a host to fall silent, berth to be killed. Its guest writes to its disk all the
 * time; what it has written must be found on the disk that it has in the end.
 */
#ifndef BERTH_TEST_WORLD_H
#define BERTH_TEST_WORLD_H

#include "state/world.h"

#include <setjmp.h>

enum fault {
	FAULT_NONE,
	FAULT_BEFORE,      /* the call fails and has had no effect */
	FAULT_AFTER,       /* it fails, but has had its effect */
	FAULT_KILL_BEFORE, /* berth is killed, the call has had no effect */
	FAULT_KILL_AFTER,
	FAULT_SILENT_SOURCE, /* from this call on, for a while, the host does not answer */
	FAULT_SILENT_TARGET,
	FAULT_HALF, /* of a migration: at the switch both sides have it, paused, and berth is killed; the target's goes
	             */
	FAULT_UNCONFIRMED, /* of a migration: the target's runs, and berth is killed before the source is told */
	FAULT_TOUCHED,     /* somebody starts and stops the VM on its source (stopped VMs only); the call works */
	FAULT_REFUSED,     /* the host refuses, has done nothing and says so */
	FAULT_LATE, /* the call fails, and has its effect a while later, as with a daemon that hung (undefine and drop
	             */
	FAULT_SNAPSHOT, /* somebody makes a further snapshot on the source; the call works */
	FAULT_STARTED,  /* somebody starts the VM on its source (stopped VMs only); the call works */
};

/* Snapshots by number, a bit each: the second is a child of the first, and what somebody makes of the second. */
enum { SIM_SNAPSHOTS = 2, SIM_ALL_SNAPSHOTS = 3, SIM_OTHER_SNAPSHOT = 4, SIM_MOST_SNAPSHOTS = 3 };

struct sim_vm {
	bool there;
	enum vm_state state;
	bool autostart;
	bool persistent;
	bool paused_by_libvirt;
	bool paused_by_somebody;
	bool dropped;           /* off, and nobody turned it off */
	unsigned int snapshots; /* a bit for each that the host knows of */
	unsigned int current;   /* the bit of one of them; 0: none */
	bool arrived;           /* by a migration */
	bool other_disk;        /* it has another disk than the one that travels */
};

struct sim_file {
	bool there;
	bool foreign;
	bool unknown;           /* the pool has not been read since it came: only the exclusive call finds it */
	unsigned int data;      /* what was written last */
	unsigned int stamp;     /* changes with each write */
	unsigned int snapshots; /* whose data is in it */
};

struct sim_host {
	struct sim_vm vm;
	struct sim_file file;
	unsigned int silent; /* calls for which it does not answer */
	bool neighbour;      /* another VM there refers to the disk's path */
	const char *uuid;    /* NULL: it tells none */
};

struct sim {
	struct sim_host hosts[2]; /* source, target */
	unsigned int written;     /* by the guest */
	bool local_disk;
	bool has_snapshots;
	unsigned int starts; /* of the guest by berth */
	bool ran_twice;
	bool is_transient;        /* what arrives by a migration is not persistent */
	bool powers_off;          /* the guest does, when it is being migrated */
	bool is_paused_meanwhile; /* by somebody, before its migration begins */
	bool forgets;             /* the target says that it has defined the VM, and has not */

	/* What the last look told: may the VM run on this host, as far as the other one is concerned? */
	bool clear[2];
	bool saw_both;
	bool looked_fresh;
	bool has_failed; /* a call, or berth was killed */
	bool unasked;    /* the VM was let run without such a look, on connections opened after a failure */
	bool blindly;    /* a volume was deleted though a host had not answered */
	bool robbed;     /* or though another VM uses it */
	bool was_armed;  /* the source would have started it by itself when the target had it */

	enum fault fault;
	unsigned int fault_at; /* the call, from 1 */
	unsigned int calls;
	unsigned int second_at; /* a further call that fails, with no effect; 0: none */
	unsigned int late;      /* calls until the source's definition goes after all; 0: it does not */
	unsigned int late_drop; /* likewise the source's snapshots */
	bool was_made;          /* the snapshot of FAULT_SNAPSHOT */
	bool was_bare;          /* the source's definition went before the target knew of the snapshots */
	const char *hit;        /* the function that had it; NULL: none yet */
	jmp_buf killed;
};

extern const struct world_functions SIM_FUNCTIONS;

#define SIM_UUID "5aabf32a-0260-45b5-9d26-cdd71b9fd22f"
#define SIM_PATH "/var/lib/libvirt/images/web-1.qcow2"
extern const char *const SIM_NAMES[2];

/* A guest on the source in this state, with a local disk or one on the network. */
void sim_init(struct sim *sim, enum vm_state state, bool local_disk, bool autostart);

/* It gets its snapshots, the second is the current one. */
void sim_add_snapshots(struct sim *sim);

#endif
