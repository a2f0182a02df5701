/*
 * `git` as a child process with a deadline: for what goes over a network.
 *
 *     const char *const words[] = {"git", "ls-remote", "--", url, NULL};
 *     r = child_run(arena, words, 60000, &output, err);
 *
 * The child has a session of its own and no terminal, so that neither git nor ssh can ask anything; its standard input
 * is /dev/null. At the deadline its whole process group is asked to end and then killed. The user's own
 * configuration of git and ssh holds, but for the protocols: no URL makes git run another program.
 */
#ifndef BERTH_CHILD_H
#define BERTH_CHILD_H

#include "state/error.h"

struct arena;

/*
 * Returns 0 when the child exits with 0; ret_output (may be NULL) is then what it printed. -ETIMEDOUT: the deadline
 * passed; -EIO: it failed, and the message is what it said on standard error, passwords in URLs masked. `output` is
 * bounded: -EFBIG. On -EIO, ret_output is filled too.
 */
int child_run(struct arena *arena, const char *const words[], unsigned int deadline_ms, const char **ret_output,
              struct error *err);

/* A copy of a text in which what stands between "://" and "@" is "***"; the user of an ssh URL stays. */
const char *child_mask(struct arena *arena, const char *text);

#endif
