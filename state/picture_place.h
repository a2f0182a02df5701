/*
 * What stands where in the picture. Private to picture*.c.
 */
#ifndef BERTH_PICTURE_PLACE_H
#define BERTH_PICTURE_PLACE_H

#include "state/status.h"
#include "state/text.h"

/* Pixels. */
enum {
	WIDTH = 960,
	MARGIN = 20,
	LABEL = 190, /* of the hosts' names */
	BAR = WIDTH - LABEL - 2 * MARGIN,
	LETTER = 7,  /* a character, roughly */
	ROWS = 200,  /* hosts shown at most */
	ARROWS = 24, /* more would hide what they show */
};

enum kind { STAYS, LEAVES, ARRIVES, MOVED, FOREIGN, KINDS };

/* A VM on a host's bar. */
struct piece {
	const struct vm *vm;
	size_t row;
	double x;
	double width;
	enum kind kind;
	const char *note;
};

/* What the plan says of a VM on a host: of several, the kind that comes first in the enum counts. */
struct mark {
	const char *uuid;
	const char *host;
	enum kind kind;
	const char *note;
};

struct row {
	const char *host;
	const char *connection;
	uint64_t capacity;
	uint64_t claims;
	uint64_t overhead; /* of each VM */
	double end;        /* of the pieces so far */
};

struct picture {
	struct arena *arena;
	struct text text;
	const struct plan *plan;
	const struct move_progress *progress;
	const struct inventory *inventory;
	struct mark *marks;
	size_t mark_count;
	struct row *rows;
	size_t row_count;
	struct piece *pieces;
	size_t piece_count;
	double scale; /* pixels a byte */
	int row_height;
	int bar_height;
	bool used[KINDS];
};

/* Fills rows and pieces, from arena, plan, progress and inventory. */
void picture_place(struct picture *picture);

/* Is the move still to be made, or under way? */
bool picture_is_to_come(const struct picture *picture, size_t move);

#endif
