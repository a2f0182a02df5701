/*
 * Files of berth's own, and those that a person names on the command line.
 */
#ifndef BERTH_FILES_H
#define BERTH_FILES_H

#include "state/desired.h"
#include "state/error.h"

#include <stddef.h>

struct arena;

/* The whole file, terminated; at most `limit` bytes. -ENOENT, -EFBIG, and what open and read say. */
int files_read(struct arena *arena, const char *path, size_t limit, const char **ret_bytes, size_t *ret_length,
               struct error *err);

/*
 * Replaces a file as a whole and durably: when it returns 0, the new one is there after a power cut; when it fails, the
 * old one is.
 */
int files_write(const char *folder, const char *name, const char *bytes, size_t length, struct error *err);

/* Replaces a file as a whole, but not durably: for what can be made again. After a power cut it may be old or empty. */
int files_replace(const char *folder, const char *name, const char *bytes, size_t length, struct error *err);

/* Makes a folder and those above it, for its owner alone. */
int files_make_folder(const char *path, struct error *err);

/* Flushes a folder, so that what was renamed or removed in it stays so. */
int files_flush_folder(const char *path, struct error *err);

/*
 * The placement files below a folder, at any depth, by the rules of spec section 2 (desired_reads_file and _folder),
 * sorted by name. Links, and files or trees beyond sane sizes, are problems, as lines.
 */
int files_read_placement(struct arena *arena, const char *folder, struct desired_file **ret_files, size_t *ret_count,
                         struct problem_list *ret_problems, struct error *err);

/* A file, or all *.yaml of a folder (not below): for --inventory. */
int files_read_inventory(struct arena *arena, const char *path, struct desired_file **ret_files, size_t *ret_count,
                         struct error *err);

#endif
