/*
 * The plan: an ordered list of moves and all that a person must know beside it (spec section 4).
 *
 *     const struct plan *plan = plan_make(arena, desired, inventory, &(struct plan_options){.effort = 1});
 *
 * A value: made once from two const inputs, everything in it taken from the arena or borrowed from the inputs. Sizes
 * are bytes. The same input gives the same plan, whatever the order, the clock and the machine. Pure.
 */
#ifndef BERTH_PLAN_H
#define BERTH_PLAN_H

#include "state/desired.h"
#include "state/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct text;

/* What will happen to the VM; offline for one that is already stopped. */
enum move_mode { MOVE_LIVE, MOVE_SUSPENDED, MOVE_STOPPED, MOVE_OFFLINE };

/* A mark beside a move, or a blocked VM's reason. */
struct reason {
	enum code code;
	const char *text;
};

struct move {
	const char *vm;
	const char *uuid;
	const char *from;
	const char *to;
	enum move_mode mode;
	uint64_t memory;
	uint64_t disk; /* used bytes of local disks that travel */
	bool hop;
	const char *reason;
	int64_t free_from_after; /* free RAM of both hosts once the move is done */
	int64_t free_to_after;
	const struct reason *waits; /* NULL: may start now */
};

struct blocked_vm {
	const char *vm;
	struct reason reason;
};

struct drifted_vm {
	const char *vm;
	const char **desired; /* hosts that suit it */
	size_t desired_count;
	const char *actual;
	enum drift action;
};

struct named_vm {
	const char *vm;
	const char *last_seen; /* unknown: the host, or NULL */
};

struct unmanaged_vm {
	const char *vm;
	const char *uuid;
	const char *host;
	uint64_t memory;
};

struct sighting {
	const char *host;
	const char *uuid;
	enum vm_state state;
};

/* A conflict (one name, two UUIDs) or a decision (one UUID, two hosts). */
struct contested_vm {
	const char *vm;
	struct sighting *on;
	size_t on_count;
};

struct host_claims {
	const char *host;
	const char *connection; /* NULL: ok */
	uint64_t capacity;
	uint64_t claims_before;
	uint64_t claims_after;
};

struct plan {
	const char *id;      /* sha256:… */
	const char *desired; /* commit, or NULL */
	bool in_sync;
	bool feasible;
	struct move *moves;
	size_t move_count;
	size_t bound;
	bool optimal;
	uint64_t memory; /* sums over the moves */
	uint64_t disk;
	struct blocked_vm *blocked;
	size_t blocked_count;
	struct drifted_vm *drift;
	size_t drift_count;
	struct named_vm *missing;
	size_t missing_count;
	struct named_vm *unknown;
	size_t unknown_count;
	struct unmanaged_vm *unmanaged;
	size_t unmanaged_count;
	struct contested_vm *conflicts;
	size_t conflict_count;
	struct contested_vm *decisions;
	size_t decision_count;
	struct host_claims *hosts;
	size_t host_count;
	const char **warnings;
	size_t warning_count;
};

struct plan_options {
	unsigned int effort; /* multiplies the counted work of searches; 1 by default */
};

/* Never fails: what cannot be planned is in the plan, with its reason. */
const struct plan *plan_make(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                             const struct plan_options *options);

/* The JSON of spec section 4, keys in its order, two spaces of indentation, a newline at the end. */
const char *plan_json(struct arena *arena, const struct plan *plan);

/* For a terminal `columns` wide; with colour when asked. Ends with a newline. */
const char *plan_text(struct arena *arena, const struct plan *plan, unsigned int columns, bool colour);

const char *move_mode_word(enum move_mode mode);

#endif
