/*
 * berth's own configuration: /etc/berth/berth.yaml, where only the host's administrator writes (spec section 8). Pure.
 */
#ifndef BERTH_CONFIG_H
#define BERTH_CONFIG_H

#include "state/desired.h"

#define LIMIT_NONE UINT64_MAX

/* What berth does not go beyond by itself. LIMIT_NONE: it may. */
struct limits {
	uint64_t moves; /* of a plan; so are the next two, and a person may approve one with more */
	uint64_t share_millionths;
	uint64_t hosts_in_maintenance;
	uint64_t failures;   /* in a row; with so many no move is started, and so with the next */
	uint64_t hosts_down; /* that do not answer */
};

struct config {
	const char *repository; /* NULL: not set */
	const char *branch;
	const char *path;
	const char *state;         /* /var/lib/berth */
	const char *status_branch; /* berth/status */
	const char *status_remote; /* NULL: in the repository */
	const char *controller;    /* NULL: the host's name */
	uint64_t poll_ms;
	uint64_t resync_ms;
	uint64_t deadline_ms; /* for an answer of a host */
	struct limits limits;
};

struct config config_default(void);

/*
 * Every problem together, -EINVAL then. A key that this version knows of but does not carry out yet is a problem too:
 * nothing that was set to make berth careful may be passed over in silence.
 */
int config_parse(struct arena *arena, const struct desired_file *file, struct config *ret_config,
                 struct problem_list *ret_problems);

#endif
