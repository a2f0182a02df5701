/*
 * The plan: an ordered list of moves and all that a person must know beside it (spec section 4), and its forms.
 *
 * A value: made once (planner_plan in reconcile/planner.h), then const; what it holds is taken from that pass's arena
 * or borrowed from its inputs. Sizes are bytes. Pure.
 */
#ifndef BERTH_PLAN_H
#define BERTH_PLAN_H

#include "state/desired.h"
#include "state/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct json;
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

/* The JSON of spec section 4, keys in its order, two spaces of indentation, a newline at the end. */
const char *plan_json(struct arena *arena, const struct plan *plan);

/* The same as an object in a larger one. */
void plan_put(struct json *json, const char *key, const struct plan *plan);

/* For a terminal `columns` wide; with colour when asked. Ends with a newline. */
const char *plan_text(struct arena *arena, const struct plan *plan, unsigned int columns, bool colour);

const char *move_mode_word(enum move_mode mode);

#endif
