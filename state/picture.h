/*
 * The placement as a picture: a bar a host, a piece a VM, an arrow a move that is still to be made. An SVG that stands
 * alone, for light and dark pages; foreign text is escaped. Pure.
 */
#ifndef BERTH_PICTURE_H
#define BERTH_PICTURE_H

struct arena;
struct inventory;
struct move_progress;
struct plan;

/*
 * plan: NULL for none, only what is there is then shown. progress: one for each move of the plan, NULL: all pending.
 * inventory: what `plan` was made from, or a later look.
 */
const char *picture_svg(struct arena *arena, const struct plan *plan, const struct move_progress *progress,
                        const struct inventory *inventory);

#endif
