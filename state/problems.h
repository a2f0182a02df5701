/*
 * What is wrong with files that people wrote, collected so that all of it is reported together.
 *
 *     struct problems problems;
 *     problems_init(&problems, arena);
 *     problems_add(&problems, node->at, "unknown key %s", problems_quote(&problems, node->text));
 *     list = problems_end(&problems);
 *
 * Messages are as for struct error: one line, lower case, and they say what would be right. Control characters in them
 * become '?', whatever was formatted in. Everything is taken from the arena. Pure.
 */
#ifndef BERTH_PROBLEMS_H
#define BERTH_PROBLEMS_H

#include "state/desired.h"

#include <stddef.h>

struct arena;
struct problem;

struct problems {
	struct arena *arena;
	struct problem *items;
	size_t count;
};

void problems_init(struct problems *problems, struct arena *arena);
void problems_add(struct problems *problems, struct position at, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The lines, FILE:LINE:COLUMN: message, sorted by file, line, column and message; each once. */
struct problem_list problems_end(struct problems *problems);

/* 'text', shortened where it is long, for use in a message. */
const char *problems_quote(const struct problems *problems, const char *text);

/* FILE:LINE:COLUMN, for a message that names a second place. */
const char *problems_place(const struct problems *problems, struct position at);

/* The order in which problems are sorted. */
int position_compare(struct position a, struct position b);

#endif
