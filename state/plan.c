#include "state/plan.h"

static const char *const MODES[] = {
        [MOVE_LIVE] = "live",
        [MOVE_SUSPENDED] = "suspended",
        [MOVE_STOPPED] = "stopped",
        [MOVE_OFFLINE] = "offline",
};

const char *move_mode_word(enum move_mode mode)
{
	return MODES[mode];
}
