#include "state/units.h"

#include "state/arena.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit SIZES[] = {{"B", 1}, {"KiB", KIB}, {"MiB", MIB}, {"GiB", GIB}, {"TiB", TIB}};
static const struct unit DURATIONS[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

enum { SHARE_DIGITS = 6, SHARE_MOST = 1000 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The digits at the start of text; false when there are none or they exceed INT64_MAX. */
static bool read_digits(const char **text, uint64_t *ret_number)
{
	const char *at = *text;
	uint64_t number = 0;
	if (*at < '0' || *at > '9') {
		return false;
	}
	for (; *at >= '0' && *at <= '9'; at++) {
		if (number > ((uint64_t)INT64_MAX - (uint64_t)(*at - '0')) / 10) {
			return false;
		}
		number = number * 10 + (uint64_t)(*at - '0');
	}
	*ret_number = number;
	*text = at;
	return true;
}

static bool parse_with_unit(const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
	uint64_t number;
	if (!read_digits(&text, &number)) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, units[i].name) == 0) {
			if (number > (uint64_t)INT64_MAX / units[i].factor) {
				return false;
			}
			*ret = number * units[i].factor;
			return true;
		}
	}
	return false;
}

bool units_parse_size(const char *text, uint64_t *ret_bytes)
{
	return parse_with_unit(text, SIZES, COUNT(SIZES), ret_bytes);
}

bool units_parse_duration(const char *text, uint64_t *ret_ms)
{
	return parse_with_unit(text, DURATIONS, COUNT(DURATIONS), ret_ms);
}

bool units_parse_rate(const char *text, uint64_t *ret_mib_per_s)
{
	static const struct unit rate[] = {{"MiB/s", 1}};
	return parse_with_unit(text, rate, COUNT(rate), ret_mib_per_s);
}

bool units_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	uint64_t number;
	const char *at = text;
	if (!read_digits(&at, &number) || *at != '\0' || (text[0] == '0' && text[1] != '\0')) {
		return false;
	}
	if (number < min || number > max) {
		return false;
	}
	*ret_number = number;
	return true;
}

bool units_parse_share(const char *text, uint64_t *ret_millionths)
{
	uint64_t whole;
	uint64_t fraction = 0;
	if (!read_digits(&text, &whole) || whole > SHARE_MOST) {
		return false;
	}
	if (*text == '.') {
		const char *digits = ++text;
		if (!read_digits(&text, &fraction) || text - digits > SHARE_DIGITS) {
			return false;
		}
		for (ptrdiff_t i = text - digits; i < SHARE_DIGITS; i++) {
			fraction *= 10;
		}
	}
	uint64_t millionths = whole * 1000000 + fraction;
	bool percent = strcmp(text, "%") == 0;
	if (!percent && text[0] != '\0') {
		return false;
	}
	*ret_millionths = percent ? millionths / 100 : millionths;
	return true;
}

static const char *print_with_unit(struct arena *arena, uint64_t number, const struct unit *units, size_t count)
{
	for (size_t i = count; i-- > 1;) {
		if (number != 0 && number % units[i].factor == 0) {
			return arena_print(arena, "%" PRIu64 "%s", number / units[i].factor, units[i].name);
		}
	}
	return arena_print(arena, "%" PRIu64 "%s", number, units[0].name);
}

const char *units_size(struct arena *arena, uint64_t bytes)
{
	return print_with_unit(arena, bytes, SIZES, COUNT(SIZES));
}

const char *units_duration(struct arena *arena, uint64_t ms)
{
	return print_with_unit(arena, ms, DURATIONS, COUNT(DURATIONS));
}

const char *units_size_short(struct arena *arena, int64_t bytes)
{
	const char *sign = bytes < 0 ? "-" : "";
	uint64_t size = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
	size_t unit = 0;
	while (unit + 1 < COUNT(SIZES) && size >= SIZES[unit + 1].factor) {
		unit++;
	}
	uint64_t factor = SIZES[unit].factor;
	uint64_t whole = size / factor;
	uint64_t tenth = size % factor * 10 / factor;
	if (tenth == 0) {
		return arena_print(arena, "%s%" PRIu64 " %s", sign, whole, SIZES[unit].name);
	}
	return arena_print(arena, "%s%" PRIu64 ".%" PRIu64 " %s", sign, whole, tenth, SIZES[unit].name);
}

const char *units_duration_short(struct arena *arena, uint64_t ms)
{
	uint64_t seconds = ms / 1000;
	if (ms < 1000) {
		return arena_print(arena, "%" PRIu64 " ms", ms);
	}
	if (seconds < 60) {
		return arena_print(arena, "%" PRIu64 ".%" PRIu64 " s", seconds, ms % 1000 / 100);
	}
	if (seconds < 3600) {
		return arena_print(arena, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
	}
	return arena_print(arena, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600, seconds % 3600 / 60);
}

const char *units_time(struct arena *arena, int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm parts;
	if (gmtime_r(&time, &parts) == NULL) {
		return "1970-01-01T00:00:00Z";
	}
	char text[64];
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return arena_copy(arena, text);
}

static int two_digits(const char *at)
{
	return (at[0] - '0') * 10 + (at[1] - '0');
}

bool units_parse_time(const char *text, int64_t *ret_seconds)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	static const int days_in[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (strlen(text) != strlen(shape)) {
		return false;
	}
	for (size_t i = 0; shape[i] != '\0'; i++) {
		bool fits = shape[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i];
		if (!fits) {
			return false;
		}
	}
	struct tm parts = {
	        .tm_year = two_digits(text) * 100 + two_digits(text + 2) - 1900,
	        .tm_mon = two_digits(text + 5) - 1,
	        .tm_mday = two_digits(text + 8),
	        .tm_hour = two_digits(text + 11),
	        .tm_min = two_digits(text + 14),
	        .tm_sec = two_digits(text + 17),
	};
	int year = parts.tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (parts.tm_mon < 0 || parts.tm_mon > 11 || parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 59) {
		return false;
	}
	int days = days_in[parts.tm_mon] + (parts.tm_mon == 1 && leap ? 1 : 0);
	if (parts.tm_mday < 1 || parts.tm_mday > days) {
		return false;
	}
	*ret_seconds = (int64_t)timegm(&parts);
	return true;
}
