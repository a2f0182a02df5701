#include "state/digest.h"

#include "state/arena.h"

#include <nettle/sha2.h>
#include <string.h>

struct digest {
	struct sha256_ctx context;
};

struct digest *digest_create(struct arena *arena)
{
	struct digest *digest = arena_alloc(arena, sizeof(*digest));
	sha256_init(&digest->context);
	return digest;
}

static void add_length(struct digest *digest, uint64_t number)
{
	uint8_t bytes[8];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(number >> (8 * i));
	}
	sha256_update(&digest->context, sizeof(bytes), bytes);
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
	add_length(digest, length);
	sha256_update(&digest->context, length, bytes);
}

void digest_add_text(struct digest *digest, const char *text)
{
	const char *safe = text == NULL ? "" : text;
	digest_add(digest, safe, strlen(safe));
}

void digest_add_number(struct digest *digest, uint64_t number)
{
	add_length(digest, number);
}

const char *digest_end(struct digest *digest, struct arena *arena)
{
	static const char hex[] = "0123456789abcdef";
	static const char prefix[] = "sha256:";
	uint8_t bytes[SHA256_DIGEST_SIZE];
	sha256_digest(&digest->context, sizeof(bytes), bytes);
	char *text = arena_alloc(arena, sizeof(prefix) + sizeof(bytes) * 2);
	memcpy(text, prefix, sizeof(prefix) - 1);
	char *at = text + sizeof(prefix) - 1;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		*at++ = hex[bytes[i] >> 4];
		*at++ = hex[bytes[i] & 15];
	}
	return text;
}
