#include "state/picture.h"

#include "state/arena.h"
#include "state/escape.h"
#include "state/picture_place.h"
#include "state/units.h"

#include <stdlib.h>

/* With one decimal, whatever the locale's point is. */
static const char *px(const struct picture *picture, double x)
{
	long tenths = (long)(x * 10 + 0.5);
	return arena_print(picture->arena, "%ld.%ld", tenths / 10, tenths % 10);
}

static int top_of(const struct picture *picture, size_t row)
{
	return MARGIN + (int)row * picture->row_height;
}

static const char *class_of(enum kind kind)
{
	switch (kind) {
	case STAYS:
		return "stays";
	case LEAVES:
		return "leaves";
	case ARRIVES:
		return "arrives";
	case MOVED:
		return "moved";
	case FOREIGN:
		return "foreign";
	case KINDS:
		break;
	}
	abort();
}

static void draw_piece(struct picture *picture, const struct piece *piece)
{
	const char *name = piece->vm->name;
	int top = top_of(picture, piece->row);
	double width = piece->width > 2 ? piece->width - 1.5 : piece->width;
	text_print(&picture->text,
	           "<rect class=\"%s\" x=\"%s\" y=\"%d\" width=\"%s\" height=\"%d\" rx=\"2\">"
	           "<title>%s: %s, %s%s</title></rect>\n",
	           class_of(piece->kind), px(picture, piece->x), top, px(picture, width), picture->bar_height,
	           escape_xml(picture->arena, name), units_size_short(picture->arena, (int64_t)piece->vm->memory),
	           vm_state_word(piece->vm->state), escape_xml(picture->arena, piece->note));
	size_t letters = width > 2 * LETTER ? (size_t)((width - LETTER) / LETTER) : 0;
	if (letters >= 3 && picture->bar_height >= 20 && (text_width(name) <= letters || letters >= 6)) {
		text_print(&picture->text, "<text class=\"on %s\" x=\"%s\" y=\"%d\">%s</text>\n", class_of(piece->kind),
		           px(picture, piece->x + width / 2), top + picture->bar_height / 2 + 4,
		           escape_xml(picture->arena, escape_cut(picture->arena, name, letters)));
	}
}

static void draw_row(struct picture *picture, size_t index)
{
	const struct row *row = &picture->rows[index];
	int top = top_of(picture, index);
	int middle = top + picture->bar_height / 2;
	double width = (double)row->capacity * picture->scale;
	bool tall = picture->bar_height >= 34;
	const char *fill =
	        arena_print(picture->arena, "%s of %s", units_size_short(picture->arena, (int64_t)row->claims),
	                    units_size_short(picture->arena, (int64_t)row->capacity));
	text_print(&picture->text, "<text class=\"host\" x=\"%d\" y=\"%d\">%s</text>\n", MARGIN,
	           tall ? middle - 3 : middle + 4,
	           escape_xml(picture->arena, escape_cut(picture->arena, row->host, tall ? 22 : 11)));
	text_print(&picture->text, "<text class=\"fill%s\" x=\"%d\" y=\"%d\">%s</text>\n", tall ? "" : " end",
	           tall ? MARGIN : LABEL + MARGIN - 10, tall ? middle + 13 : middle + 4,
	           row->connection == NULL ? fill : "no answer");
	text_print(&picture->text, "<rect class=\"bar%s\" x=\"%d\" y=\"%d\" width=\"%s\" height=\"%d\" rx=\"3\"/>\n",
	           row->connection == NULL ? "" : " away", LABEL + MARGIN, top, px(picture, width),
	           picture->bar_height);
}

/* Where a host's claims pass its capacity. */
static void draw_limit(struct picture *picture, size_t index)
{
	const struct row *row = &picture->rows[index];
	double x = LABEL + MARGIN + (double)row->capacity * picture->scale;
	if (row->end > x + 1) {
		text_print(&picture->text, "<rect class=\"over\" x=\"%s\" y=\"%d\" width=\"2\" height=\"%d\"/>\n",
		           px(picture, x), top_of(picture, index) - 3, picture->bar_height + 6);
	}
}

static const struct piece *find_piece(const struct picture *picture, const char *host, const char *uuid)
{
	for (size_t i = 0; i < picture->piece_count; i++) {
		const struct piece *piece = &picture->pieces[i];
		if (text_equal(piece->vm->uuid, uuid) && text_equal(picture->rows[piece->row].host, host)) {
			return piece;
		}
	}
	return NULL;
}

static void draw_arrows(struct picture *picture)
{
	size_t count = 0;
	for (size_t i = 0; picture->plan != NULL && i < picture->plan->move_count; i++) {
		count += picture_is_to_come(picture, i);
	}
	for (size_t i = 0; count <= ARROWS && picture->plan != NULL && i < picture->plan->move_count; i++) {
		const struct move *move = &picture->plan->moves[i];
		const struct piece *from = find_piece(picture, move->from, move->uuid);
		const struct piece *to = find_piece(picture, move->to, move->uuid);
		if (!picture_is_to_come(picture, i) || from == NULL || to == NULL) {
			continue;
		}
		bool down = to->row > from->row;
		double x1 = from->x + from->width / 2;
		double x2 = to->x + to->width / 2;
		int y1 = top_of(picture, from->row) + (down ? picture->bar_height : 0);
		int y2 = top_of(picture, to->row) + (down ? -2 : picture->bar_height + 2);
		int bend = (down ? 1 : -1) * picture->row_height / 2;
		text_print(&picture->text, "<path class=\"way\" d=\"M%s %dC%s %d %s %d %s %d\"/>\n", px(picture, x1),
		           y1, px(picture, x1), y1 + bend, px(picture, x2), y2 - bend, px(picture, x2), y2);
	}
}

static void draw_legend(struct picture *picture, int y)
{
	static const char *const words[] = {"stays", "leaves", "arrives", "moved", "not managed"};
	int x = LABEL + MARGIN;
	for (int kind = 0; kind < KINDS; kind++) {
		if (picture->used[kind]) {
			text_print(&picture->text,
			           "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"11\" height=\"11\" rx=\"2\"/>"
			           "<text class=\"fill\" x=\"%d\" y=\"%d\">%s</text>\n",
			           class_of((enum kind)kind), x, y - 10, x + 17, y, words[kind]);
			x += 100;
		}
	}
	if (picture->inventory->host_count > picture->row_count) {
		text_print(&picture->text, "<text class=\"fill\" x=\"%d\" y=\"%d\">… and %zu more hosts</text>\n",
		           MARGIN, y, picture->inventory->host_count - picture->row_count);
	}
}

static const char style[] =
        "<style>\n"
        "text{font:12px -apple-system,'Segoe UI','Noto Sans','DejaVu Sans',Helvetica,Arial,sans-serif}\n"
        ".page{fill:#fff}.host{fill:#1f2328;font-size:13px;font-weight:600}.fill{fill:#59636e}\n"
        ".end{text-anchor:end}.on{text-anchor:middle;pointer-events:none}\n"
        ".bar{fill:#e6eaef}.away{fill:none;stroke:#cf222e;stroke-dasharray:5 4}.over{fill:#cf222e}\n"
        ".stays{fill:#2f81d8}.moved{fill:#2da44e}.foreign{fill:#8c959f}.leaves{fill:#d9730d}\n"
        ".arrives{fill:#d9730d;fill-opacity:.15;stroke:#d9730d;stroke-dasharray:4 3}\n"
        "text.on{fill:#fff;fill-opacity:1;stroke:none}text.arrives{fill:#a34f00}\n"
        ".way{fill:none;stroke:#a34f00;stroke-width:1.6;stroke-opacity:.7;marker-end:url(#tip)}.tip{fill:#a34f00}\n"
        "@media(prefers-color-scheme:dark){\n"
        ".page{fill:#0d1117}.host{fill:#e6edf3}.fill{fill:#9198a1}.bar{fill:#262c36}\n"
        ".stays{fill:#1f6feb}.moved{fill:#238636}.foreign{fill:#656c76}.leaves{fill:#bd561d}\n"
        "text.arrives{fill:#ffa657}.way{stroke:#ffa657}.tip{fill:#ffa657}}\n"
        "</style>\n"
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"6\" markerHeight=\"6\" "
        "orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";

const char *picture_svg(struct arena *arena, const struct plan *plan, const struct move_progress *progress,
                        const struct inventory *inventory)
{
	struct picture picture = {.arena = arena, .plan = plan, .progress = progress, .inventory = inventory};
	text_init(&picture.text, arena);
	picture_place(&picture);
	int bottom = top_of(&picture, picture.row_count);
	int height = bottom + 30;
	text_print(&picture.text,
	           "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
	           "role=\"img\">\n<title>Hosts and their VMs</title>\n%s"
	           "<rect class=\"page\" width=\"100%%\" height=\"100%%\" rx=\"6\"/>\n",
	           WIDTH, height, WIDTH, height, style);
	for (size_t i = 0; i < picture.row_count; i++) {
		draw_row(&picture, i);
	}
	for (size_t i = 0; i < picture.piece_count; i++) {
		draw_piece(&picture, &picture.pieces[i]);
	}
	for (size_t i = 0; i < picture.row_count; i++) {
		draw_limit(&picture, i);
	}
	draw_arrows(&picture);
	draw_legend(&picture, bottom + 12);
	text_add(&picture.text, "</svg>\n");
	return text_string(&picture.text);
}
