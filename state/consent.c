#include "state/consent.h"

#include "state/arena.h"
#include "state/files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char FOLDER[] = "consent";
static const char APPROVED[] = "approved";
static const char LIFTED[] = "brake-lifted";

int consent_folder(struct record *record, struct arena *arena, const char **ret_folder, struct error *err)
{
	*ret_folder = arena_print(arena, "%s/%s", record_folder(record), FOLDER);
	return files_make_folder(*ret_folder, err);
}

static int give(struct record *record, const char *name, const char *bytes, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *folder = NULL;
	int r = consent_folder(record, arena, &folder, err);
	return r < 0 ? r : files_write(folder, name, bytes, strlen(bytes), err);
}

static int take_back(struct record *record, const char *name, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *folder = arena_print(arena, "%s/%s", record_folder(record), FOLDER);
	const char *path = arena_print(arena, "%s/%s", folder, name);
	if (unlink(path) < 0) {
		int code = -errno;
		return code == -ENOENT ? 0 : error_set(err, code, "%s: %s", path, strerror(-code));
	}
	return files_flush_folder(folder, err);
}

static int find(struct record *record, struct arena *arena, const char *name, const char **ret_bytes, struct error *err)
{
	return record_read_file(record, arena, arena_print(arena, "%s/%s", FOLDER, name), ret_bytes, err);
}

int consent_approve(struct record *record, const char *plan, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	return give(record, APPROVED, arena_print(arena, "%s\n", plan), err);
}

int consent_approved(struct record *record, struct arena *arena, const char **ret_plan, struct error *err)
{
	const char *bytes = NULL;
	int r = find(record, arena, APPROVED, &bytes, err);
	if (r == 0) {
		*ret_plan = bytes == NULL ? NULL : arena_copy_n(arena, bytes, strcspn(bytes, "\n"));
	}
	return r;
}

int consent_forget_approval(struct record *record, struct error *err)
{
	return take_back(record, APPROVED, err);
}

int consent_lift_brake(struct record *record, struct error *err)
{
	return give(record, LIFTED, "", err);
}

int consent_brake_lifted(struct record *record, bool *ret_lifted, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *bytes = NULL;
	int r = find(record, arena, LIFTED, &bytes, err);
	if (r == 0) {
		*ret_lifted = bytes != NULL;
	}
	return r;
}

int consent_forget_lift(struct record *record, struct error *err)
{
	return take_back(record, LIFTED, err);
}
