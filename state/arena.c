#include "state/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define EACH_ALONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_ALONE 1
#endif
#endif
#ifndef EACH_ALONE
#define EACH_ALONE 0
#endif

#define BLOCK_BYTES ((size_t)64 * 1024)

struct block {
	struct block *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) char bytes[];
};

/* An arena that another one keeps alive. */
struct shared {
	struct shared *next;
	struct arena *arena;
};

struct arena {
	struct block *blocks;
	struct shared *shared;
	unsigned int holders;
};

static void *allocate_or_end(size_t size)
{
	void *memory = calloc(1, size);
	if (memory == NULL) {
		static const char text[] = "berth: out of memory\n";
		fputs(text, stderr);
		abort();
	}
	return memory;
}

struct arena *arena_create(void)
{
	struct arena *arena = allocate_or_end(sizeof(struct arena));
	arena->holders = 1;
	return arena;
}

void arena_destroy(struct arena *arena)
{
	if (arena == NULL || --arena->holders > 0) {
		return;
	}
	for (struct shared *shared = arena->shared; shared != NULL; shared = shared->next) {
		arena_destroy(shared->arena);
	}
	struct block *next;
	for (struct block *block = arena->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
}

void arena_adopt(struct arena *arena, struct arena *other)
{
	if (other->holders != 1) {
		abort(); /* somebody else would lose it */
	}
	struct block **end = &arena->blocks;
	while (*end != NULL) {
		end = &(*end)->next;
	}
	*end = other->blocks;
	struct shared **last = &arena->shared;
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = other->shared;
	free(other);
}

static struct block *add_block(struct arena *arena, size_t size)
{
	struct block *block = allocate_or_end(sizeof(struct block) + size);
	block->size = size;
	/* A large piece goes behind the block in use, whose rest stays of use. */
	if (size > BLOCK_BYTES && arena->blocks != NULL) {
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	} else {
		block->next = arena->blocks;
		arena->blocks = block;
	}
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t step = _Alignof(max_align_t);
	if (size > SIZE_MAX / 2) {
		abort();
	}
	size_t need = EACH_ALONE ? size : (size + step - 1) / step * step;
	struct block *block = arena->blocks;
	if (EACH_ALONE || block == NULL || block->size - block->used < need) {
		size_t block_bytes = EACH_ALONE || need > BLOCK_BYTES ? need : BLOCK_BYTES;
		block = add_block(arena, block_bytes);
	}
	void *memory = block->bytes + block->used;
	block->used += need;
	return memory;
}

void arena_share(struct arena *arena, struct arena *other)
{
	struct shared *shared = arena_alloc(arena, sizeof(*shared));
	*shared = (struct shared){.next = arena->shared, .arena = other};
	arena->shared = shared;
	other->holders++;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		abort();
	}
	return arena_alloc(arena, bytes);
}

void *arena_grow(struct arena *arena, const void *old, size_t old_count, size_t new_count, size_t size)
{
	void *memory = arena_array(arena, new_count, size);
	if (old_count > 0) {
		memcpy(memory, old, old_count * size);
	}
	return memory;
}

char *arena_copy_n(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);
	memcpy(copy, text, length);
	return copy;
}

char *arena_copy(struct arena *arena, const char *text)
{
	return arena_copy_n(arena, text, strlen(text));
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0) {
		abort();
	}
	char *text = arena_alloc(arena, (size_t)length + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}
