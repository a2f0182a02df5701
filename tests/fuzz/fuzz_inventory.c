/*
 * Any bytes as a recorded inventory. What must hold: what is read is written and read back equal, and written again it
 * is the same bytes.
 */
#include "state/arena.h"
#include "state/inventory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena *arena = arena_create();
	struct desired_file file = {.name = "inventory.yaml", .bytes = (const char *)data, .length = size};
	const struct inventory *inventory;
	struct problem_list problems;
	int r = inventory_read(arena, &file, 1, &inventory, &problems);
	must((r < 0) == (problems.count > 0));
	if (r < 0) {
		return 0;
	}
	const char *written = inventory_write(arena, inventory);
	struct desired_file again_file = {.name = "again.yaml", .bytes = written, .length = strlen(written)};
	const struct inventory *again;
	must(inventory_read(arena, &again_file, 1, &again, &problems) == 0);
	must(inventory->host_count == again->host_count);
	for (size_t i = 0; i < inventory->host_count; i++) {
		must(inventory_host_equal(&inventory->hosts[i], &again->hosts[i]));
	}
	must(strcmp(written, inventory_write(arena, again)) == 0);
	return 0;
}
