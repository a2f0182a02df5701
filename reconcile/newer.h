/*
 * Looking for a newer commit while a pass is under way. A remote repository is fetched in a thread meanwhile, so that a
 * server that hangs keeps nobody from watching over a move; nothing else uses the git door then.
 *
 *     newer_begin(newer, commit);                         the pass acts on that one
 *     desired = newer_look(newer, arena);                 in a move: each newer commit once
 *     newer_wait(newer);                                  before anything else is done with the git door
 *     if (newer_has_come(newer)) { end the plan }         between two moves
 */
#ifndef BERTH_NEWER_H
#define BERTH_NEWER_H

#include "state/desired.h"
#include "state/git.h"

struct newer;

/* poll_ms: how often a remote repository is fetched. */
struct newer *newer_create(struct git *git, uint64_t poll_ms);
void newer_destroy(struct newer *newer);

void newer_begin(struct newer *newer, const char *commit);

/* Fetch at the next look, however short ago the last one was. */
void newer_hurry(struct newer *newer);

/* NULL: none has come, or it is not valid: the last good one stands. Never waits for a network. */
const struct desired *newer_look(struct newer *newer, struct arena *arena);

/* Until no fetch is under way. */
void newer_wait(struct newer *newer);

/* Fetches a remote repository if that is due, and waits for it. */
bool newer_has_come(struct newer *newer);

#endif
