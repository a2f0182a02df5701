#include "state/inventory.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"
#include "state/yaml.h"

struct writing {
	struct arena *arena;
	struct yaml_writer *yaml;
};

static void write_string(struct writing *writing, const char *key, const char *string)
{
	yaml_write_key(writing->yaml, key);
	yaml_write_string(writing->yaml, string);
}

static void write_string_if_known(struct writing *writing, const char *key, const char *string)
{
	if (string[0] != '\0') {
		write_string(writing, key, string);
	}
}

static void write_plain(struct writing *writing, const char *key, const char *text)
{
	yaml_write_key(writing->yaml, key);
	yaml_write_plain(writing->yaml, text);
}

static void write_size(struct writing *writing, const char *key, uint64_t bytes)
{
	write_plain(writing, key, units_size(writing->arena, bytes));
}

static void write_bool(struct writing *writing, const char *key, bool value)
{
	write_plain(writing, key, value ? "true" : "false");
}

static void write_formats(struct writing *writing, unsigned int formats)
{
	static const enum disk_format all[] = {FORMAT_RAW, FORMAT_QCOW2, FORMAT_OTHER};
	yaml_write_key(writing->yaml, "formats");
	yaml_write_list(writing->yaml, true);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if ((formats & all[i]) != 0) {
			yaml_write_string(writing->yaml, format_word(all[i]));
		}
	}
	yaml_write_close(writing->yaml);
}

static void write_disk(struct writing *writing, const struct disk *disk)
{
	yaml_write_key(writing->yaml, disk->target);
	yaml_write_map(writing->yaml, true);
	write_string(writing, "storage", storage_word(disk->storage));
	write_string(writing, "format", format_word(disk->format));
	write_string_if_known(writing, "source", disk->source);
	if (disk->pool != NULL) {
		write_string(writing, "pool", disk->pool);
	}
	write_size(writing, "size", disk->size);
	write_size(writing, "used", disk->used);
	yaml_write_close(writing->yaml);
}

static void write_immovable(struct writing *writing, const struct vm *vm)
{
	yaml_write_key(writing->yaml, "immovable");
	yaml_write_list(writing->yaml, true);
	for (size_t i = 0; i < vm->immovable_count; i++) {
		yaml_write_map(writing->yaml, true);
		write_string(writing, "code", code_word(vm->immovable[i].code));
		write_string(writing, "reason", vm->immovable[i].reason);
		yaml_write_close(writing->yaml);
	}
	yaml_write_close(writing->yaml);
}

static void write_also_uses(struct writing *writing, const struct vm *vm)
{
	if (vm->also_count == 0) {
		return;
	}
	yaml_write_key(writing->yaml, "also_uses");
	yaml_write_list(writing->yaml, true);
	for (size_t i = 0; i < vm->also_count; i++) {
		yaml_write_string(writing->yaml, vm->also_uses[i]);
	}
	yaml_write_close(writing->yaml);
}

static void write_vm(struct writing *writing, const struct vm *vm)
{
	yaml_write_key(writing->yaml, vm->name);
	yaml_write_map(writing->yaml, false);
	write_string(writing, "uuid", vm->uuid);
	write_string(writing, "state", vm_state_word(vm->state));
	write_size(writing, "memory", vm->memory);
	write_bool(writing, "persistent", vm->persistent);
	write_bool(writing, "autostart", vm->autostart);
	write_plain(writing, "snapshots", arena_print(writing->arena, "%u", vm->snapshots));
	write_bool(writing, "in_place", vm->in_place);
	if (vm->entry != NULL) {
		write_string(writing, "entry", vm->entry);
	}
	if (vm->migrating) {
		write_bool(writing, "migrating", true);
	}
	write_immovable(writing, vm);
	if (vm->live_only != NULL) {
		write_string(writing, "live_only", vm->live_only);
	}
	write_also_uses(writing, vm);
	yaml_write_key(writing->yaml, "disks");
	yaml_write_map(writing->yaml, false);
	for (size_t i = 0; i < vm->disk_count; i++) {
		write_disk(writing, &vm->disks[i]);
	}
	yaml_write_close(writing->yaml);
	yaml_write_close(writing->yaml);
}

static void write_pool(struct writing *writing, const struct pool *pool)
{
	yaml_write_key(writing->yaml, pool->name);
	yaml_write_map(writing->yaml, true);
	write_string(writing, "type", pool->type);
	write_string_if_known(writing, "path", pool->path);
	write_string(writing, "state", pool->active ? "active" : "inactive");
	write_formats(writing, pool->formats);
	write_size(writing, "free", pool->free);
	yaml_write_close(writing->yaml);
}

static void write_networks(struct writing *writing, const struct host *host)
{
	yaml_write_key(writing->yaml, "networks");
	yaml_write_list(writing->yaml, true);
	for (size_t i = 0; i < host->network_count; i++) {
		yaml_write_string(writing->yaml, host->networks[i]);
	}
	yaml_write_close(writing->yaml);
}

static void write_host(struct writing *writing, const struct host *host)
{
	yaml_write_key(writing->yaml, host->name);
	yaml_write_map(writing->yaml, false);
	write_string(writing, "connection", host->connection == NULL ? "ok" : host->connection);
	if (host->seen != 0) {
		write_plain(writing, "seen", units_time(writing->arena, host->seen));
	}
	write_string_if_known(writing, "uuid", host->uuid);
	write_size(writing, "memory", host->memory);
	write_string_if_known(writing, "libvirt", host->libvirt);
	write_string_if_known(writing, "qemu", host->qemu);
	write_string_if_known(writing, "cpu", host->cpu);
	write_networks(writing, host);
	if (host->pools_known) {
		yaml_write_key(writing->yaml, "pools");
		yaml_write_map(writing->yaml, false);
		for (size_t i = 0; i < host->pool_count; i++) {
			write_pool(writing, &host->pools[i]);
		}
		yaml_write_close(writing->yaml);
	}
	yaml_write_key(writing->yaml, "vms");
	yaml_write_map(writing->yaml, false);
	for (size_t i = 0; i < host->vm_count; i++) {
		write_vm(writing, &host->vms[i]);
	}
	yaml_write_close(writing->yaml);
	yaml_write_close(writing->yaml);
}

const char *inventory_write(struct arena *arena, const struct inventory *inventory)
{
	struct writing writing = {.arena = arena, .yaml = yaml_write_begin(arena)};
	yaml_write_map(writing.yaml, false);
	write_plain(&writing, "berth", "1");
	yaml_write_key(writing.yaml, "hosts");
	yaml_write_map(writing.yaml, false);
	for (size_t i = 0; i < inventory->host_count; i++) {
		write_host(&writing, &inventory->hosts[i]);
	}
	yaml_write_close(writing.yaml);
	yaml_write_close(writing.yaml);
	return yaml_write_end(writing.yaml);
}

static bool disk_is_equal(const struct disk *a, const struct disk *b)
{
	return text_equal(a->target, b->target) && a->storage == b->storage && a->format == b->format &&
	       text_equal(a->source, b->source) && text_equal(a->pool, b->pool) && a->size == b->size;
}

static bool pool_is_equal(const struct pool *a, const struct pool *b)
{
	return text_equal(a->name, b->name) && text_equal(a->type, b->type) && text_equal(a->path, b->path) &&
	       a->active == b->active && a->formats == b->formats;
}

static bool vm_is_equal(const struct vm *a, const struct vm *b)
{
	bool same = text_equal(a->name, b->name) && text_equal(a->uuid, b->uuid) && a->state == b->state &&
	            a->memory == b->memory && a->persistent == b->persistent && a->autostart == b->autostart &&
	            a->in_place == b->in_place && text_equal(a->entry, b->entry) && a->migrating == b->migrating &&
	            a->snapshots == b->snapshots && a->immovable_count == b->immovable_count &&
	            text_equal(a->live_only, b->live_only) && a->also_count == b->also_count &&
	            a->disk_count == b->disk_count;
	for (size_t i = 0; same && i < a->immovable_count; i++) {
		same = a->immovable[i].code == b->immovable[i].code &&
		       text_equal(a->immovable[i].reason, b->immovable[i].reason);
	}
	for (size_t i = 0; same && i < a->also_count; i++) {
		same = text_equal(a->also_uses[i], b->also_uses[i]);
	}
	for (size_t i = 0; same && i < a->disk_count; i++) {
		same = disk_is_equal(&a->disks[i], &b->disks[i]);
	}
	return same;
}

bool inventory_host_equal(const struct host *a, const struct host *b)
{
	bool same = text_equal(a->name, b->name) && text_equal(a->connection, b->connection) &&
	            text_equal(a->uuid, b->uuid) && a->memory == b->memory && text_equal(a->libvirt, b->libvirt) &&
	            text_equal(a->qemu, b->qemu) && text_equal(a->cpu, b->cpu) &&
	            a->network_count == b->network_count && a->pools_known == b->pools_known &&
	            a->pool_count == b->pool_count && a->vm_count == b->vm_count;
	for (size_t i = 0; same && i < a->network_count; i++) {
		same = text_equal(a->networks[i], b->networks[i]);
	}
	for (size_t i = 0; same && i < a->pool_count; i++) {
		same = pool_is_equal(&a->pools[i], &b->pools[i]);
	}
	for (size_t i = 0; same && i < a->vm_count; i++) {
		same = vm_is_equal(&a->vms[i], &b->vms[i]);
	}
	return same;
}
