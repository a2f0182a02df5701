/* What the files of reconcile/balance share: the placement, and who may be moved in it as one. */
#ifndef BERTH_BALANCE_DATA_H
#define BERTH_BALANCE_DATA_H

#include "reconcile/balance.h"
#include "reconcile/spread.h"

/* VMs that move as one: one VM, or those of a group that shares a host. */
struct item {
	uint32_t *vms;
	uint32_t count;
};

struct item_list {
	uint32_t *items;
	uint32_t count;
	uint32_t room;
};

/* A move of an item, and by how much it lowers the sum of squares. */
struct shift {
	uint32_t item; /* NOWHERE: none */
	uint32_t to;
	int64_t gain;
	int64_t by_move; /* gain by VMs that move */
};

struct balance {
	struct arena *arena;
	struct simulation *sim;
	const struct fleet *fleet;
	const struct balance_options *options;
	uint32_t *begin; /* by VM: where it was when the balancing began */
	struct item *items;
	uint32_t item_count;
	struct item_list *on; /* by host */
	uint64_t *forbidden;  /* a bit for each VM and host: found to be out of the question; NULL: too many */
	uint32_t *order;      /* the hosts that count, by fill, then number */
	uint32_t *rank;       /* by host: its index in order */
	uint32_t host_count;  /* that count */
	uint32_t largest;     /* of them, by capacity */
	int64_t *fill;        /* by host */
	int64_t sum;          /* of fills */
	uint32_t moved;       /* VMs that are not where they were when it began */
	uint64_t work_left;
};

/* Who is in one item with whom; only those that may be moved are in any. */
void balance_list_items(struct balance *b);

/* The effect of replacing the fills of two hosts on the sum of squares: positive when it falls. */
int64_t balance_gain(const struct balance *b, uint32_t i, int64_t fill_i, uint32_t j, int64_t fill_j);

/* The part of the claim that is the same on all hosts. */
uint64_t balance_memory(const struct balance *b, uint32_t item);

uint64_t balance_claim(const struct balance *b, uint32_t item, uint32_t host);
uint32_t balance_at(const struct balance *b, uint32_t item);

/* Is the gain worth so many moves? */
bool balance_is_worth(const struct balance *b, int64_t gain, uint32_t moves);

/* By how many VMs `moved` changes when the item goes there. */
int64_t balance_moves_more(const struct balance *b, uint32_t item, uint32_t to);

/* Are so many more allowed? */
bool balance_may_move(const struct balance *b, int64_t more);

/* Moves the item if every rule agrees, on the final placement; else nothing is changed. */
bool balance_put(struct balance *b, uint32_t item, uint32_t to);

/* The same while it is lifted off. */
bool balance_put_back(struct balance *b, uint32_t item, uint32_t from, uint32_t to);

/* Puts it anywhere without asking; NOWHERE lifts it off. */
void balance_set(struct balance *b, uint32_t item, uint32_t to);

/* The item has been moved: lists, fills and their order follow. */
void balance_note(struct balance *b, uint32_t item, uint32_t from, uint32_t to);

/* Takes back what is not worth its move, and lets one VM go where two went in a chain. (reconcile/balance_tidy.c) */
void balance_tidy(struct balance *b);

#endif
