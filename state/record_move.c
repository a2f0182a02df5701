#include "state/record_move.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"
#include "state/yaml.h"

#include <errno.h>
#include <inttypes.h>

static const char *const STEPS[] = {
        [STEP_VOLUMES] = "volumes",           [STEP_SHUTDOWN] = "shutdown", [STEP_SNAPSHOTS] = "snapshots",
        [STEP_TRANSFER] = "transfer",         [STEP_DEFINE] = "define",     [STEP_SETTLE] = "settle",
        [STEP_SOURCE_DISKS] = "source-disks", [STEP_UNDO] = "undo",
};

static const char *const MODES[] = {
        [MOVE_LIVE] = "live",
        [MOVE_SUSPENDED] = "suspended",
        [MOVE_STOPPED] = "stopped",
        [MOVE_OFFLINE] = "offline",
};

static const char *const SOURCE_DISKS[] = {
        [SOURCE_DISKS_DELETE] = "delete",
        [SOURCE_DISKS_KEEP] = "keep",
        [SOURCE_DISKS_LATER] = "later",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void write_pair(struct yaml_writer *writer, const char *key, const char *value)
{
	yaml_write_key(writer, key);
	yaml_write_string(writer, value);
}

static void write_plain(struct yaml_writer *writer, const char *key, const char *value)
{
	yaml_write_key(writer, key);
	yaml_write_plain(writer, value);
}

static void write_volumes(struct arena *arena, struct yaml_writer *writer, const struct move_entry *entry)
{
	yaml_write_key(writer, "volumes");
	yaml_write_list(writer, entry->volume_count == 0);
	for (size_t i = 0; i < entry->volume_count; i++) {
		yaml_write_map(writer, true);
		write_pair(writer, "target", entry->volumes[i].target);
		write_pair(writer, "path", entry->volumes[i].path);
		write_plain(writer, "made", entry->volumes[i].made ? "true" : "false");
		if (entry->volumes[i].stamp != 0) {
			write_plain(writer, "stamp", arena_print(arena, "%" PRIu64, entry->volumes[i].stamp));
		}
		yaml_write_close(writer);
	}
	yaml_write_close(writer);
}

/* An entry that tells of none is one of a VM that has none. */
static void write_snapshots(struct yaml_writer *writer, const struct move_entry *entry)
{
	if (entry->snapshots.count == 0) {
		return;
	}
	if (entry->snapshots_end) {
		write_plain(writer, "snapshots_end", "true");
	}
	if (entry->snapshots_open) {
		write_plain(writer, "snapshots_open", "true");
	}
	yaml_write_key(writer, "snapshots");
	yaml_write_list(writer, false);
	for (size_t i = 0; i < entry->snapshots.count; i++) {
		const struct snapshot *snapshot = &entry->snapshots.items[i];
		yaml_write_map(writer, false);
		write_pair(writer, "name", snapshot->name);
		write_plain(writer, "current", snapshot->current ? "true" : "false");
		write_pair(writer, "definition", snapshot->definition);
		yaml_write_close(writer);
	}
	yaml_write_close(writer);
}

const char *record_move_write(struct arena *arena, const struct move_entry *entry)
{
	struct yaml_writer *writer = yaml_write_begin(arena);
	yaml_write_map(writer, false);
	write_plain(writer, "berth", "1");
	write_pair(writer, "vm", entry->vm);
	write_pair(writer, "uuid", entry->uuid);
	write_pair(writer, "step", STEPS[entry->step]);
	write_pair(writer, "from", entry->from);
	write_pair(writer, "from_uuid", entry->from_uuid);
	write_pair(writer, "to", entry->to);
	write_pair(writer, "to_uuid", entry->to_uuid);
	write_pair(writer, "mode", MODES[entry->mode]);
	write_pair(writer, "state", vm_state_word(entry->state));
	write_plain(writer, "autostart", entry->autostart ? "true" : "false");
	if (entry->asked_off) {
		write_plain(writer, "asked_off", "true");
	}
	write_pair(writer, "source_disks", SOURCE_DISKS[entry->source_disks]);
	if (entry->kept_s != 0) {
		write_plain(writer, "kept_seconds", arena_print(arena, "%" PRIu64, entry->kept_s));
	}
	if (entry->due != 0) {
		write_plain(writer, "due", units_time(arena, entry->due));
	}
	write_pair(writer, "plan", entry->plan);
	if (entry->desired != NULL) {
		write_pair(writer, "desired", entry->desired);
	}
	write_plain(writer, "started", units_time(arena, entry->started));
	write_volumes(arena, writer, entry);
	write_snapshots(writer, entry);
	yaml_write_close(writer);
	return yaml_write_end(writer);
}

/* An entry that is being read; what is missing or not known is counted. */
struct reading {
	const struct yaml_node *top;
	size_t wrong;
};

static const char *read_text(struct reading *reading, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key, NULL);
	if (node == NULL || node->kind != YAML_SCALAR) {
		reading->wrong++;
		return "";
	}
	return node->text;
}

static size_t read_word(struct reading *reading, const char *key, const char *const *words, size_t count)
{
	const char *text = read_text(reading, reading->top, key);
	for (size_t i = 0; i < count; i++) {
		if (text_equal(text, words[i])) {
			return i;
		}
	}
	reading->wrong++;
	return 0;
}

static bool read_flag(struct reading *reading, const struct yaml_node *map, const char *key)
{
	return text_equal(read_text(reading, map, key), "true");
}

static int64_t read_time(struct reading *reading, const char *key)
{
	int64_t seconds = 0;
	if (yaml_get(reading->top, key, NULL) != NULL &&
	    !units_parse_time(read_text(reading, reading->top, key), &seconds)) {
		reading->wrong++;
	}
	return seconds;
}

static uint64_t read_kept(struct reading *reading)
{
	uint64_t seconds = 0;
	if (yaml_get(reading->top, "kept_seconds", NULL) != NULL &&
	    !units_parse_number(read_text(reading, reading->top, "kept_seconds"), 0, INT64_MAX, &seconds)) {
		reading->wrong++;
	}
	return seconds;
}

static uint64_t read_stamp(struct reading *reading, const struct yaml_node *volume)
{
	uint64_t stamp = 0;
	if (yaml_get(volume, "stamp", NULL) != NULL &&
	    !units_parse_number(read_text(reading, volume, "stamp"), 0, INT64_MAX, &stamp)) {
		reading->wrong++;
	}
	return stamp;
}

static void read_volumes(struct reading *reading, struct arena *arena, struct move_entry *entry)
{
	const struct yaml_node *list = yaml_get(reading->top, "volumes", NULL);
	if (list == NULL || list->kind != YAML_SEQUENCE) {
		reading->wrong++;
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *item = list->items[i];
		if (item->kind != YAML_MAPPING) {
			reading->wrong++;
			continue;
		}
		ARENA_ADD(arena, entry->volumes, entry->volume_count) = (struct made_volume){
		        .target = read_text(reading, item, "target"),
		        .path = read_text(reading, item, "path"),
		        .made = read_flag(reading, item, "made"),
		        .stamp = read_stamp(reading, item),
		};
	}
}

static void read_snapshots(struct reading *reading, struct arena *arena, struct move_entry *entry)
{
	const struct yaml_node *list = yaml_get(reading->top, "snapshots", NULL);
	if (list == NULL) {
		return;
	}
	if (list->kind != YAML_SEQUENCE) {
		reading->wrong++;
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *item = list->items[i];
		if (item->kind != YAML_MAPPING) {
			reading->wrong++;
			continue;
		}
		ARENA_ADD(arena, entry->snapshots.items, entry->snapshots.count) = (struct snapshot){
		        .name = read_text(reading, item, "name"),
		        .current = read_flag(reading, item, "current"),
		        .definition = read_text(reading, item, "definition"),
		};
	}
	entry->snapshots_end = yaml_get(reading->top, "snapshots_end", NULL) != NULL;
	entry->snapshots_open = yaml_get(reading->top, "snapshots_open", NULL) != NULL;
}

int record_move_read(struct arena *arena, const struct desired_file *file, struct move_entry *ret_entry,
                     struct error *err)
{
	struct problems problems;
	problems_init(&problems, arena);
	struct reading reading = {.top = yaml_read(arena, file, &problems)};
	if (reading.top == NULL || reading.top->kind != YAML_MAPPING || problems.count > 0) {
		return error_set(err, -EBADMSG, "%s: not an entry of berth's record", file->name);
	}
	const struct yaml_node *desired = yaml_get(reading.top, "desired", NULL);
	struct move_entry entry = {
	        .vm = read_text(&reading, reading.top, "vm"),
	        .uuid = read_text(&reading, reading.top, "uuid"),
	        .from = read_text(&reading, reading.top, "from"),
	        .from_uuid = read_text(&reading, reading.top, "from_uuid"),
	        .to = read_text(&reading, reading.top, "to"),
	        .to_uuid = read_text(&reading, reading.top, "to_uuid"),
	        .step = (enum step)read_word(&reading, "step", STEPS, COUNT(STEPS)),
	        .mode = (enum move_mode)read_word(&reading, "mode", MODES, COUNT(MODES)),
	        .autostart = read_flag(&reading, reading.top, "autostart"),
	        .source_disks =
	                (enum source_disks)read_word(&reading, "source_disks", SOURCE_DISKS, COUNT(SOURCE_DISKS)),
	        .kept_s = read_kept(&reading),
	        .due = read_time(&reading, "due"),
	        .asked_off = yaml_get(reading.top, "asked_off", NULL) != NULL,
	        .plan = read_text(&reading, reading.top, "plan"),
	        .desired = desired == NULL || desired->kind != YAML_SCALAR ? NULL : desired->text,
	        .started = read_time(&reading, "started"),
	};
	if (!vm_state_parse(read_text(&reading, reading.top, "state"), &entry.state)) {
		reading.wrong++;
	}
	read_volumes(&reading, arena, &entry);
	read_snapshots(&reading, arena, &entry);
	if (reading.wrong > 0) {
		return error_set(err, -EBADMSG, "%s: not an entry of berth's record", file->name);
	}
	*ret_entry = entry;
	return 0;
}
