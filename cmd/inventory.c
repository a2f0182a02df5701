#include "state/inventory.h"
#include "cmd/source.h"

#include <stdio.h>

enum exit_code verb_inventory(struct arena *arena, const struct setting *setting)
{
	const struct desired *desired = NULL;
	const char *key = NULL;
	const struct inventory *inventory = NULL;
	enum exit_code code = EXIT_DONE;
	/* A recorded one names its hosts itself. */
	if (setting->options.inventory == NULL) {
		code = source_desired(arena, setting, &desired, &key);
	}
	if (code == EXIT_DONE) {
		code = source_inventory(arena, setting, desired, key, &inventory);
	}
	if (inventory != NULL) {
		fputs(inventory_write(arena, inventory), stdout);
	}
	return code;
}
