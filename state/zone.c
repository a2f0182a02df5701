#include "state/zone.h"

#include <glib.h>

bool zone_time(const char *zone, int64_t seconds, unsigned int *ret_weekday, unsigned int *ret_minute)
{
	g_autoptr(GTimeZone) there = g_time_zone_new_identifier(zone);
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(seconds);
	g_autoptr(GDateTime) time = there == NULL || utc == NULL ? NULL : g_date_time_to_timezone(utc, there);
	if (time == NULL) {
		return false;
	}
	*ret_weekday = (unsigned int)g_date_time_get_day_of_week(time) - 1;
	*ret_minute = (unsigned int)(g_date_time_get_hour(time) * 60 + g_date_time_get_minute(time));
	return true;
}
