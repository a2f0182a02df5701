/*
 * The characters that a file may hold, looked at before libyaml sees them: its own messages have no place.
 */
#ifndef BERTH_YAML_CHARACTERS_H
#define BERTH_YAML_CHARACTERS_H

#include "state/problems.h"

#include <stdbool.h>
#include <stddef.h>

/* False after problems: bytes that are not UTF-8, control characters, line ends that git knows nothing of. */
bool yaml_check_characters(struct problems *problems, const char *file, const char *bytes, size_t length);

#endif
