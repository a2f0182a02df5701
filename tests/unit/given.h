/* Desired placements and inventories for tests, written as users write them. */
#ifndef BERTH_TESTS_GIVEN_H
#define BERTH_TESTS_GIVEN_H

#include "state/arena.h"
#include "state/desired.h"
#include "state/inventory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void end_on_problems(const struct problem_list *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		fprintf(stderr, "%s\n", problems->lines[i]);
	}
	if (problems->count > 0) {
		abort();
	}
}

static inline const struct desired *given_desired(struct arena *arena, const char *text)
{
	struct desired_file file = {"placement.yaml", text, strlen(text)};
	const struct desired *desired = NULL;
	struct problem_list problems = {0};
	if (desired_parse(arena, NULL, &file, 1, &desired, &problems) < 0) {
		end_on_problems(&problems);
	}
	return desired;
}

static inline const struct inventory *given_inventory(struct arena *arena, const char *text)
{
	struct desired_file file = {"inventory.yaml", text, strlen(text)};
	const struct inventory *inventory = NULL;
	struct problem_list problems = {0};
	if (inventory_read(arena, &file, 1, &inventory, &problems) < 0) {
		end_on_problems(&problems);
	}
	return inventory;
}

#endif
