/*
 * The time of day in a time zone: the door to GLib, whose time zones can be asked for without changing the process's
 * own.
 */
#ifndef BERTH_ZONE_H
#define BERTH_ZONE_H

#include <stdbool.h>
#include <stdint.h>

/* Monday is weekday 0. False: this machine knows no zone of that name. seconds: since 1970. */
bool zone_time(const char *zone, int64_t seconds, unsigned int *ret_weekday, unsigned int *ret_minute);

#endif
