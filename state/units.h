/*
 * Sizes, durations, rates and times, read whole or refused, and written so that they read back the same.
 *
 * Sizes are bytes in a uint64_t (at most INT64_MAX, so that sums of a fleet stay signed), durations are milliseconds.
 */
#ifndef BERTH_UNITS_H
#define BERTH_UNITS_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

/* "4GiB": a whole number and B, KiB, MiB, GiB or TiB. False for anything else; ret_bytes is then untouched. */
bool units_parse_size(const char *text, uint64_t *ret_bytes);

/* "300ms", "30s", "10m", "2h", "7d". */
bool units_parse_duration(const char *text, uint64_t *ret_ms);

/* "100MiB/s": whole MiB a second. */
bool units_parse_rate(const char *text, uint64_t *ret_mib_per_s);

/* A whole decimal number from min to max, no sign, no leading zero. */
bool units_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

/* A share, in millionths: "2%", "0.5%" or "0.02"; up to six digits after the point. */
bool units_parse_share(const char *text, uint64_t *ret_millionths);

/* Exact, in the largest unit that divides it: "4GiB", "1536MiB", "7B". Reads back the same. */
const char *units_size(struct arena *arena, uint64_t bytes);

/* For people, one decimal at most, with a space: "3.2 GiB", "4 GiB", "0 B"; a negative one with its sign. */
const char *units_size_short(struct arena *arena, int64_t bytes);

/* Exact: "2m", "90s", "1500ms". Reads back the same. */
const char *units_duration(struct arena *arena, uint64_t ms);

/* For people: "3.2 s", "2 min 5 s", "1 h 4 min". */
const char *units_duration_short(struct arena *arena, uint64_t ms);

/* RFC 3339 in UTC, "2026-11-23T05:00:00Z", from and to seconds since 1970. */
const char *units_time(struct arena *arena, int64_t seconds);
bool units_parse_time(const char *text, int64_t *ret_seconds);

#endif
