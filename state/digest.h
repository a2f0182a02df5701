/*
 * SHA-256, over pieces that cannot run into each other: each goes in with its length before it. The door to nettle.
 */
#ifndef BERTH_DIGEST_H
#define BERTH_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct digest;

struct digest *digest_create(struct arena *arena);
void digest_add(struct digest *digest, const void *bytes, size_t length);
void digest_add_text(struct digest *digest, const char *text); /* NULL counts as "" */
void digest_add_number(struct digest *digest, uint64_t number);

/* "sha256:" and 64 hexadecimal digits. The digest is used up. */
const char *digest_end(struct digest *digest, struct arena *arena);

#endif
