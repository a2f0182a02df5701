#include "state/problems.h"

#include "state/arena.h"
#include "state/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct problem {
	struct position at;
	const char *message;
};

enum { QUOTE_CHARACTERS = 60 };

void problems_init(struct problems *problems, struct arena *arena)
{
	*problems = (struct problems){.arena = arena};
}

void problems_add(struct problems *problems, struct position at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *message = NULL;
	int length = vasprintf(&message, format, args);
	va_end(args);
	if (length < 0) {
		abort(); /* out of memory, as in the arena */
	}
	struct problem *problem = &ARENA_ADD(problems->arena, problems->items, problems->count);
	*problem = (struct problem){.at = at, .message = arena_copy(problems->arena, message)};
	free(message);
}

int position_compare(struct position a, struct position b)
{
	int order = text_compare(a.file, b.file);
	if (order == 0) {
		order = (a.line > b.line) - (a.line < b.line);
	}
	if (order == 0) {
		order = (a.column > b.column) - (a.column < b.column);
	}
	return order;
}

static int compare_problems(const void *a, const void *b)
{
	const struct problem *left = a;
	const struct problem *right = b;
	int order = position_compare(left->at, right->at);
	return order != 0 ? order : strcmp(left->message, right->message);
}

struct problem_list problems_end(struct problems *problems)
{
	struct problem_list list = {.lines = arena_array(problems->arena, problems->count, sizeof(*list.lines))};
	if (problems->count > 0) {
		qsort(problems->items, problems->count, sizeof(*problems->items), compare_problems);
	}
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];
		if (i > 0 && compare_problems(&problems->items[i - 1], problem) == 0) {
			continue;
		}
		const char *line =
		        arena_print(problems->arena, "%s: %s", problems_place(problems, problem->at), problem->message);
		list.lines[list.count++] = text_printable(problems->arena, line);
	}
	return list;
}

const char *problems_quote(const struct problems *problems, const char *text)
{
	size_t characters = 0;
	for (size_t i = 0; text[i] != '\0'; i++) {
		bool starts_character = ((unsigned char)text[i] & 0xc0) != 0x80;
		if (starts_character && characters++ == QUOTE_CHARACTERS) {
			return arena_print(problems->arena, "'%.*s…'", (int)i, text);
		}
	}
	return arena_print(problems->arena, "'%s'", text);
}

const char *problems_place(const struct problems *problems, struct position at)
{
	return arena_print(problems->arena, "%s:%u:%u", at.file, at.line, at.column);
}
