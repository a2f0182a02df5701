/*
 * The plan: an ordered list of moves and all that a person must know beside it (spec section 4).
 *
 *     const struct plan *plan = plan_make(arena, desired, inventory, &(/* The JSON of spec section 4, keys in its
 * order, two spaces of indentation, a newline at the end. */
const char *plan_json(struct arena *arena, const struct plan *plan);

/* For a terminal `columns` wide; with colour when asked. Ends with a newline. */
const char *plan_text(struct arena *arena, const struct plan *plan, unsigned int columns, bool colour);

const char *move_mode_word(enum move_mode mode);

#endif
