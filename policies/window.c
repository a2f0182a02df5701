/*
 * window: when a move of the VMs may start. Planning ignores it; whoever starts moves asks, with the weekday and minute
 * of the window's time zone.
 */
#include "policies/policy.h"

enum { DAYS = 7 };

static bool opens_on(const struct window *window, unsigned int weekday)
{
	return (window->days & (1U << weekday)) != 0;
}

bool window_is_open(const struct window *window, unsigned int weekday, unsigned int minute)
{
	bool over_midnight = window->to_minutes <= window->from_minutes;
	if (!over_midnight) {
		return opens_on(window, weekday) && minute >= window->from_minutes && minute < window->to_minutes;
	}
	return (opens_on(window, weekday) && minute >= window->from_minutes) ||
	       (opens_on(window, (weekday + DAYS - 1) % DAYS) && minute < window->to_minutes);
}

const struct policy_row policy_window = {.kind = POLICY_WINDOW};
