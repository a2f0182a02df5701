/*
 * Telling a berth that is at work what to do, over its control socket. What it replies is printed.
 */
#ifndef BERTH_ASK_H
#define BERTH_ASK_H

#include "cmd/verb.h"
#include "state/control_form.h"

/*
 * ret_nobody (may be NULL): nobody listens, and nothing has been printed. Without it that is EXIT_UNREADABLE.
 * EXIT_INVALID: it was refused; EXIT_INCOMPLETE: it is too late for it.
 */
enum exit_code ask_berth(struct arena *arena, const struct setting *setting, const struct control_request *request,
                         bool *ret_nobody);

#endif
