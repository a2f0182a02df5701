/*
 * Memory that lives as long as one pass.
 *
 * Everything that is computed in a pass is taken from its arena and freed at once with it; nothing is freed alone.
 * Memory is zeroed. There is no failure to handle: without memory the program ends (arena_create included), which is
 * safe at any point, because berth's record stands on disk before every step.
 *
 * Under AddressSanitizer each piece is an allocation of its own, so that an overrun is seen.
 */
#ifndef BERTH_ARENA_H
#define BERTH_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_create(void);
void arena_destroy(struct arena *arena); /* NULL is allowed */

/* Takes over all that other holds; other is then gone. What was in it lives as long as arena. */
void arena_adopt(struct arena *arena, struct arena *other);

/* From now on other lives at least as long as arena, and as whoever made it wants: the last one that goes frees it. */
void arena_share(struct arena *arena, struct arena *other);

/* size bytes, zeroed, aligned for any type; never NULL, also for 0 bytes. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/* An array of count zeroed items: ends the program when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* A larger copy of an array (old may be NULL when old_count is 0); the old one stays until the arena goes. */
void *arena_grow(struct arena *arena, const void *old, size_t old_count, size_t new_count, size_t size)
        __attribute__((returns_nonnull));

char *arena_copy(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_copy_n(struct arena *arena, const char *text, size_t length) __attribute__((returns_nonnull));
char *arena_print(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3), returns_nonnull));

/*
 * Room for one more item in a list that is built item by item: LIST is a struct with `items` and `count`.
 * Returns the new, zeroed item; sizes double, so that a list of n costs O(n).
 */
#define ARENA_ADD(arena, items, count)                                                                                 \
	(*((((count) & ((count)-1)) == 0                                                                               \
	            ? (void)((items) = arena_grow((arena), (items), (count), (count) == 0 ? 1 : (count)*2,             \
	                                          sizeof(*(items))))                                                   \
	            : (void)0),                                                                                        \
	   &(items)[(count)++]))

/* Cleanup: `cleanup_arena struct arena *arena = arena_create();` */
static inline void arena_clean(struct arena **arena)
{
	arena_destroy(*arena);
}
#define cleanup_arena __attribute__((cleanup(arena_clean)))

#endif
