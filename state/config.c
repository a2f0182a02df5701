#include "state/config.h"

#include "state/arena.h"
#include "state/problems.h"
#include "state/text.h"
#include "state/units.h"
#include "state/yaml.h"

#include <errno.h>
#include <string.h>

enum kind {
	KIND_TEXT,
	KIND_DURATION,
	KIND_STATUS,
	KIND_LIMITS,
	KIND_MOST, /* a limit: the most that is let pass, from 0 */
	KIND_FROM, /* a limit: the least that is not, from 1 */
	KIND_SHARE,
	KIND_LATER,
};

struct row {
	const char *key;
	enum kind kind;
	size_t offset;
};

#define ROW(key, kind, member)                                                                                         \
	{                                                                                                              \
		key, kind, offsetof(struct config, member)                                                             \
	}

static const struct row ROWS[] = {
        ROW("repository", KIND_TEXT, repository),
        ROW("branch", KIND_TEXT, branch),
        ROW("path", KIND_TEXT, path),
        ROW("state", KIND_TEXT, state),
        ROW("controller", KIND_TEXT, controller),
        ROW("poll", KIND_DURATION, poll_ms),
        ROW("resync", KIND_DURATION, resync_ms),
        ROW("deadline", KIND_DURATION, deadline_ms),
        {"status", KIND_STATUS, 0},
        {"limits", KIND_LIMITS, 0},
        {"listen", KIND_LATER, 0},
        {"hosts", KIND_LATER, 0},
        {"connect", KIND_LATER, 0},
        {"verify", KIND_LATER, 0},
        {"allow_rewind", KIND_LATER, 0},
        {"notify", KIND_LATER, 0},
        {"after", KIND_LATER, 0},
        {"stop_timeout", KIND_LATER, 0},
};

static const struct row STATUS_ROWS[] = {
        ROW("branch", KIND_TEXT, status_branch),
        ROW("remote", KIND_TEXT, status_remote),
};

static const struct row LIMIT_ROWS[] = {
        ROW("moves", KIND_MOST, limits.moves),
        ROW("share", KIND_SHARE, limits.share_millionths),
        ROW("hosts_in_maintenance", KIND_MOST, limits.hosts_in_maintenance),
        ROW("failures", KIND_FROM, limits.failures),
        ROW("hosts_down", KIND_FROM, limits.hosts_down),
};

enum { HUNDRED_PERCENT = 1000000 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct config config_default(void)
{
	return (struct config){
	        .state = "/var/lib/berth",
	        .status_branch = "berth/status",
	        .poll_ms = UINT64_C(30) * 1000,
	        .resync_ms = UINT64_C(5) * 60 * 1000,
	        .deadline_ms = UINT64_C(10) * 1000,
	        .limits =
	                {
	                        .moves = LIMIT_NONE,
	                        .share_millionths = LIMIT_NONE,
	                        .hosts_in_maintenance = LIMIT_NONE,
	                        .failures = 3,
	                        .hosts_down = LIMIT_NONE,
	                },
	};
}

static void read_map(struct config *config, const struct yaml_node *map, const struct row *rows, size_t count,
                     struct problems *problems);

static void read_text(struct config *config, const struct row *row, const struct yaml_node *value,
                      struct problems *problems)
{
	if (value->kind != YAML_SCALAR || value->text[0] == '\0' || yaml_type(value) != YAML_TEXT) {
		problems_add(problems, value->at, "%s is to be text", row->key);
		return;
	}
	*(const char **)((char *)config + row->offset) = value->text;
}

static void read_duration(struct config *config, const struct row *row, const struct yaml_node *value,
                          struct problems *problems)
{
	uint64_t ms = 0;
	if (value->kind != YAML_SCALAR || !units_parse_duration(value->text, &ms) || ms == 0) {
		problems_add(problems, value->at, "%s is to be a duration such as 30s, 10m or 2h", row->key);
		return;
	}
	*(uint64_t *)(void *)((char *)config + row->offset) = ms;
}

static void read_limit(struct config *config, const struct row *row, const struct yaml_node *value,
                       struct problems *problems)
{
	uint64_t least = row->kind == KIND_FROM ? 1 : 0;
	uint64_t number = LIMIT_NONE;
	bool plain = value->kind == YAML_SCALAR && value->plain;
	if (!plain ||
	    (!text_equal(value->text, "none") && !units_parse_number(value->text, least, UINT32_MAX, &number))) {
		problems_add(problems, value->at, "%s is to be a whole number from %s on, or none", row->key,
		             least == 0 ? "0" : "1");
		return;
	}
	*(uint64_t *)(void *)((char *)config + row->offset) = number;
}

static void read_share(struct config *config, const struct row *row, const struct yaml_node *value,
                       struct problems *problems)
{
	uint64_t share = LIMIT_NONE;
	bool is_text = value->kind == YAML_SCALAR;
	bool none = is_text && value->plain && text_equal(value->text, "none");
	bool percent = is_text && strchr(value->text, '%') != NULL && units_parse_share(value->text, &share) &&
	               share <= HUNDRED_PERCENT;
	if (!none && !percent) {
		problems_add(problems, value->at, "%s is to be a percentage from 0%% to 100%%, such as 10%%, or none",
		             row->key);
		return;
	}
	*(uint64_t *)(void *)((char *)config + row->offset) = none ? LIMIT_NONE : share;
}

static void read_value(struct config *config, const struct row *row, const struct yaml_node *key,
                       const struct yaml_node *value, struct problems *problems)
{
	switch (row->kind) {
	case KIND_TEXT:
		read_text(config, row, value, problems);
		break;
	case KIND_DURATION:
		read_duration(config, row, value, problems);
		break;
	case KIND_STATUS:
		read_map(config, value, STATUS_ROWS, COUNT(STATUS_ROWS), problems);
		break;
	case KIND_LIMITS:
		read_map(config, value, LIMIT_ROWS, COUNT(LIMIT_ROWS), problems);
		break;
	case KIND_MOST:
	case KIND_FROM:
		read_limit(config, row, value, problems);
		break;
	case KIND_SHARE:
		read_share(config, row, value, problems);
		break;
	case KIND_LATER:
		problems_add(problems, key->at, "%s is not carried out by this version of berth: take it out",
		             row->key);
		break;
	}
}

static void read_map(struct config *config, const struct yaml_node *map, const struct row *rows, size_t count,
                     struct problems *problems)
{
	if (map->kind != YAML_MAPPING) {
		problems_add(problems, map->at, "a mapping is expected here");
		return;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct row *row = NULL;
		for (size_t k = 0; k < count; k++) {
			row = text_equal(map->keys[i]->text, rows[k].key) ? &rows[k] : row;
		}
		if (row == NULL) {
			problems_add(problems, map->keys[i]->at, "unknown key %s",
			             problems_quote(problems, map->keys[i]->text));
			continue;
		}
		read_value(config, row, map->keys[i], map->items[i], problems);
	}
}

int config_parse(struct arena *arena, const struct desired_file *file, struct config *ret_config,
                 struct problem_list *ret_problems)
{
	struct problems problems;
	problems_init(&problems, arena);
	struct config config = config_default();
	const struct yaml_node *top = yaml_read(arena, file, &problems);
	if (top != NULL) {
		read_map(&config, top, ROWS, COUNT(ROWS), &problems);
	}
	if (problems.count > 0) {
		*ret_problems = problems_end(&problems);
		return -EINVAL;
	}
	*ret_config = config;
	return 0;
}
