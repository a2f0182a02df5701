/*
 * Moves that failed are tried again, each later than the time before: 30 s after the first attempt, twice as long after
 * each further one, 1 h at most (spec section 5). Pure: the time is given, a list of failures is never changed, and
 * each function returns a new one.
 */
#ifndef BERTH_RETRY_H
#define BERTH_RETRY_H

#include "state/failures.h"
#include "state/plan.h"

/* How long a VM waits after so many attempts, from 1. */
int64_t retry_delay_seconds(unsigned int attempts);

/* What is counted in a row is counted for one commit: another one begins anew. */
struct failures retry_begin(const struct failures *failures, const char *commit);

/*
 * A move of the VM has failed. now: seconds since 1970, when it is tried again being counted from there; 0: nobody
 * comes back to it by himself.
 */
struct failures retry_add(struct arena *arena, const struct failures *failures, const struct failed_vm *failed,
                          int64_t now);

/* A move of the VM has succeeded. */
struct failures retry_succeed(struct arena *arena, const struct failures *failures, const char *uuid);

/* Without the VMs whose entry has changed, and those that have nothing more to do: no move, and nothing in its way. */
struct failures retry_keep(struct arena *arena, const struct failures *failures, const struct desired *desired,
                           const struct plan *plan);

/* Why the VM waits for its next attempt; NULL: it does not, or its time has come. */
const struct reason *retry_waits(struct arena *arena, const struct failures *failures, const char *uuid, int64_t now);

/*
 * When somebody is to come back: the first time later than now at which a VM is to be tried again whose move waits for
 * that, or that is blocked for now, by what its last attempt has left behind. 0: there is none.
 */
int64_t retry_next(const struct failures *failures, const struct plan *plan, int64_t now);

#endif
