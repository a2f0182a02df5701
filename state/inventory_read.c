#include "state/inventory.h"

#include "state/arena.h"
#include "state/form.h"
#include "state/text.h"
#include "state/units.h"
#include "state/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a pool without `free` has: room enough, and sums of it stay far from overflowing. */
#define FREE_DEFAULT (UINT64_C(1) << 60)

struct reading {
	struct arena *arena; /* of the result: what a tree holds is copied, for the tree goes with its file */
	struct problems problems;
	struct host *hosts;
	size_t host_count;
	struct sight *sights; /* one for each host */
	size_t sight_count;
	struct sight *uuids; /* room for the VMs of one host */
	size_t uuid_room;
};

/* Where a name or UUID stands that may stand only once. */
struct sight {
	const char *text;
	struct position at;
};

static int compare_sights(const void *a, const void *b)
{
	const struct sight *left = a;
	const struct sight *right = b;
	int order = strcmp(left->text, right->text);
	return order != 0 ? order : position_compare(left->at, right->at);
}

static void check_once(struct reading *reading, struct sight *sights, size_t count, const char *what)
{
	if (count < 2) {
		return;
	}
	qsort(sights, count, sizeof(*sights), compare_sights);
	const struct sight *first = &sights[0];
	for (size_t i = 1; i < count; i++) {
		if (strcmp(first->text, sights[i].text) != 0) {
			first = &sights[i];
			continue;
		}
		problems_add(&reading->problems, sights[i].at, "%s %s is given twice: first at %s", what,
		             problems_quote(&reading->problems, sights[i].text),
		             problems_place(&reading->problems, first->at));
	}
}

/* The value of a key; NULL when it is left out, which null says too. */
static const struct yaml_node *get(const struct yaml_node *mapping, const char *key)
{
	const struct yaml_node *value = yaml_get(mapping, key, NULL);
	return value == NULL || yaml_is_null(value) ? NULL : value;
}

static void add_wrong(struct reading *reading, const char *key, const struct yaml_node *value, const char *what)
{
	if (value->kind == YAML_SCALAR) {
		problems_add(&reading->problems, value->at, "'%s' must be %s, not %s", key, what,
		             problems_quote(&reading->problems, value->text));
	} else if (value->kind != YAML_REFUSED) {
		problems_add(&reading->problems, value->at, "'%s' must be %s, not a %s", key, what,
		             value->kind == YAML_MAPPING ? "mapping" : "list");
	}
}

/* Borrowed from the tree. */
static const char *get_word(struct reading *reading, const struct yaml_node *mapping, const char *key,
                            const char *otherwise)
{
	const struct yaml_node *value = get(mapping, key);
	if (value == NULL) {
		return otherwise;
	}
	if (value->kind != YAML_SCALAR) {
		add_wrong(reading, key, value, "text");
		return otherwise;
	}
	return value->text;
}

static const char *get_text(struct reading *reading, const struct yaml_node *mapping, const char *key,
                            const char *otherwise)
{
	const char *word = get_word(reading, mapping, key, otherwise);
	return word == otherwise ? otherwise : arena_copy(reading->arena, word);
}

static uint64_t get_size(struct reading *reading, const struct yaml_node *mapping, const char *key, uint64_t otherwise)
{
	const struct yaml_node *value = get(mapping, key);
	uint64_t size = otherwise;
	if (value != NULL && (value->kind != YAML_SCALAR || !units_parse_size(value->text, &size))) {
		add_wrong(reading, key, value, "a size, such as 4GiB");
	}
	return size;
}

static bool get_bool(struct reading *reading, const struct yaml_node *mapping, const char *key, bool otherwise)
{
	const struct yaml_node *value = get(mapping, key);
	if (value == NULL) {
		return otherwise;
	}
	bool is_true = value->kind == YAML_SCALAR && value->plain && strcmp(value->text, "true") == 0;
	bool is_false = value->kind == YAML_SCALAR && value->plain && strcmp(value->text, "false") == 0;
	if (!is_true && !is_false) {
		add_wrong(reading, key, value, "true or false");
	}
	return is_true;
}

/* The items of a list; NULL and 0 when it is left out. */
static size_t get_list(struct reading *reading, const struct yaml_node *mapping, const char *key,
                       struct yaml_node *const **ret_items)
{
	const struct yaml_node *value = get(mapping, key);
	if (value == NULL) {
		return 0;
	}
	if (value->kind != YAML_SEQUENCE) {
		add_wrong(reading, key, value, "a list");
		return 0;
	}
	*ret_items = value->items;
	return value->count;
}

/* A mapping of named things, each a mapping; NULL when it is left out or empty. */
static const struct yaml_node *get_mapping(struct reading *reading, const struct yaml_node *mapping, const char *key)
{
	const struct yaml_node *value = get(mapping, key);
	if (value != NULL && value->kind != YAML_MAPPING) {
		add_wrong(reading, key, value, "a mapping");
		return NULL;
	}
	return value;
}

/* An empty mapping, which null says too, is one: what it lacks is told by its keys. */
static bool is_mapping(struct reading *reading, const struct yaml_node *key, const struct yaml_node *value)
{
	if (value->kind == YAML_MAPPING || yaml_is_null(value)) {
		return true;
	}
	add_wrong(reading, key->text, value, "a mapping");
	return false;
}

/* A mapping may be empty, which null says too; nothing else that is required may. */
static void require(struct reading *reading, const struct yaml_node *key, const struct yaml_node *mapping,
                    const char *what, const char *required, bool may_be_empty)
{
	const struct yaml_node *value = yaml_get(mapping, required, NULL);
	bool missing = value == NULL ? !mapping->partial : yaml_is_null(value) && !may_be_empty;
	if (missing) {
		problems_add(&reading->problems, key->at, "%s %s has no '%s', which is required", what,
		             problems_quote(&reading->problems, key->text), required);
	}
}

static unsigned int get_formats(struct reading *reading, const struct yaml_node *mapping, unsigned int otherwise)
{
	struct yaml_node *const *items = NULL;
	size_t count = get_list(reading, mapping, "formats", &items);
	unsigned int formats = get(mapping, "formats") == NULL ? otherwise : 0;
	for (size_t i = 0; i < count; i++) {
		enum disk_format format;
		if (items[i]->kind != YAML_SCALAR || !format_parse(items[i]->text, &format)) {
			add_wrong(reading, "formats", items[i], "a list of raw, qcow2 and other");
			continue;
		}
		formats |= format;
	}
	return formats;
}

static void read_pool(struct reading *reading, const struct yaml_node *key, const struct yaml_node *value,
                      struct pool *pool)
{
	const char *state = get_word(reading, value, "state", "active");
	pool->name = arena_copy(reading->arena, key->text);
	pool->type = get_text(reading, value, "type", "dir");
	pool->path = get_text(reading, value, "path", "");
	pool->active = strcmp(state, "active") == 0;
	if (!pool->active && strcmp(state, "inactive") != 0) {
		add_wrong(reading, "state", get(value, "state"), "active or inactive");
	}
	pool->formats = get_formats(reading, value, FORMAT_RAW | FORMAT_QCOW2);
	pool->free = get_size(reading, value, "free", FREE_DEFAULT);
}

static void read_disk(struct reading *reading, const struct yaml_node *key, const struct yaml_node *value,
                      struct disk *disk)
{
	*disk = (struct disk){.storage = STORAGE_LOCAL, .format = FORMAT_RAW};
	disk->target = arena_copy(reading->arena, key->text);
	if (!storage_parse(get_word(reading, value, "storage", "local"), &disk->storage)) {
		add_wrong(reading, "storage", get(value, "storage"), "network, local, media or other");
	}
	if (!format_parse(get_word(reading, value, "format", "raw"), &disk->format)) {
		add_wrong(reading, "format", get(value, "format"), "raw, qcow2 or other");
	}
	disk->source = get_text(reading, value, "source", "");
	disk->pool = get_text(reading, value, "pool", NULL);
	disk->size = get_size(reading, value, "size", 0);
	disk->used = get_size(reading, value, "used", disk->size);
}

static void read_disks(struct reading *reading, const struct yaml_node *value, struct vm *vm)
{
	const struct yaml_node *disks = get_mapping(reading, value, "disks");
	if (disks == NULL) {
		return;
	}
	vm->disks = arena_array(reading->arena, disks->count, sizeof(*vm->disks));
	for (size_t i = 0; i < disks->count; i++) {
		if (is_mapping(reading, disks->keys[i], disks->items[i])) {
			read_disk(reading, disks->keys[i], disks->items[i], &vm->disks[vm->disk_count++]);
		}
	}
}

static void read_immovable(struct reading *reading, const struct yaml_node *value, struct vm *vm)
{
	struct yaml_node *const *items = NULL;
	size_t count = get_list(reading, value, "immovable", &items);
	vm->immovable = arena_array(reading->arena, count, sizeof(*vm->immovable));
	for (size_t i = 0; i < count; i++) {
		if (items[i]->kind != YAML_MAPPING) {
			add_wrong(reading, "immovable", items[i], "a list of {code: …, reason: …}");
			continue;
		}
		struct refusal *refusal = &vm->immovable[vm->immovable_count++];
		if (!code_parse(get_word(reading, items[i], "code", "preflight"), &refusal->code)) {
			add_wrong(reading, "code", get(items[i], "code"), "one of berth's codes, such as storage");
		}
		refusal->reason = get_text(reading, items[i], "reason", "");
	}
}

static void read_also_uses(struct reading *reading, const struct yaml_node *value, struct vm *vm)
{
	struct yaml_node *const *items = NULL;
	size_t count = get_list(reading, value, "also_uses", &items);
	vm->also_uses = arena_array(reading->arena, count, sizeof(*vm->also_uses));
	for (size_t i = 0; i < count; i++) {
		if (items[i]->kind != YAML_SCALAR) {
			add_wrong(reading, "also_uses", items[i], "a list of paths");
			continue;
		}
		vm->also_uses[vm->also_count++] = arena_copy(reading->arena, items[i]->text);
	}
}

/* The UUID in lower case, as libvirt prints it; "" when it is left out. */
static const char *get_uuid(struct reading *reading, const struct yaml_node *mapping)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	char *uuid = arena_copy(reading->arena, get_word(reading, mapping, "uuid", ""));
	bool good = strlen(uuid) == sizeof(shape) - 1;
	for (size_t i = 0; good && uuid[i] != '\0'; i++) {
		if (uuid[i] >= 'A' && uuid[i] <= 'F') {
			uuid[i] = (char)(uuid[i] - 'A' + 'a');
		}
		good = shape[i] == '-' ? uuid[i] == '-' : strchr("0123456789abcdef", uuid[i]) != NULL;
	}
	const struct yaml_node *value = get(mapping, "uuid");
	if (!good && value != NULL && value->kind == YAML_SCALAR) {
		add_wrong(reading, "uuid", value, "a UUID, such as 5aabf32a-0260-45b5-9d26-cdd71b9fd22f");
	}
	return uuid;
}

static void read_vm(struct reading *reading, const struct yaml_node *key, const struct yaml_node *value, struct vm *vm)
{
	require(reading, key, value, "VM", "uuid", false);
	require(reading, key, value, "VM", "state", false);
	require(reading, key, value, "VM", "memory", false);
	require(reading, key, value, "VM", "disks", true);
	vm->name = arena_copy(reading->arena, key->text);
	vm->uuid = get_uuid(reading, value);
	if (!vm_state_parse(get_word(reading, value, "state", "stopped"), &vm->state)) {
		add_wrong(reading, "state", get(value, "state"), "running, paused, stopped, crashed or suspended");
	}
	vm->memory = get_size(reading, value, "memory", 0);
	vm->persistent = get_bool(reading, value, "persistent", true);
	vm->autostart = get_bool(reading, value, "autostart", false);
	vm->in_place = get_bool(reading, value, "in_place", false);
	vm->entry =
	        get(value, "entry") == NULL ? NULL : arena_copy(reading->arena, get_text(reading, value, "entry", ""));
	vm->migrating = get_bool(reading, value, "migrating", false);
	uint64_t number = 0;
	if (!units_parse_number(get_word(reading, value, "snapshots", "0"), 0, UINT32_MAX, &number)) {
		add_wrong(reading, "snapshots", get(value, "snapshots"), "a whole number");
	}
	vm->snapshots = (unsigned int)number;
	read_immovable(reading, value, vm);
	vm->live_only = get(value, "live_only") == NULL ? NULL : get_text(reading, value, "live_only", "");
	read_also_uses(reading, value, vm);
	read_disks(reading, value, vm);
}

static void read_vms(struct reading *reading, const struct yaml_node *value, struct host *host)
{
	const struct yaml_node *vms = get_mapping(reading, value, "vms");
	if (vms == NULL) {
		return;
	}
	host->vms = arena_array(reading->arena, vms->count, sizeof(*host->vms));
	if (vms->count > reading->uuid_room) {
		reading->uuid_room = vms->count * 2;
		reading->uuids = arena_array(reading->arena, reading->uuid_room, sizeof(*reading->uuids));
	}
	size_t uuids = 0;
	for (size_t i = 0; i < vms->count; i++) {
		if (!is_mapping(reading, vms->keys[i], vms->items[i])) {
			continue;
		}
		struct vm *vm = &host->vms[host->vm_count++];
		read_vm(reading, vms->keys[i], vms->items[i], vm);
		if (vm->uuid[0] != '\0') {
			reading->uuids[uuids++] = (struct sight){.text = vm->uuid, .at = vms->keys[i]->at};
		}
	}
	check_once(reading, reading->uuids, uuids, "UUID");
}

static void read_pools(struct reading *reading, const struct yaml_node *value, struct host *host)
{
	const struct yaml_node *pools = get_mapping(reading, value, "pools");
	host->pools_known = get(value, "pools") != NULL;
	if (pools == NULL) {
		return;
	}
	host->pools = arena_array(reading->arena, pools->count, sizeof(*host->pools));
	for (size_t i = 0; i < pools->count; i++) {
		if (is_mapping(reading, pools->keys[i], pools->items[i])) {
			read_pool(reading, pools->keys[i], pools->items[i], &host->pools[host->pool_count++]);
		}
	}
}

static void read_networks(struct reading *reading, const struct yaml_node *value, struct host *host)
{
	struct yaml_node *const *items = NULL;
	size_t count = get_list(reading, value, "networks", &items);
	host->networks = arena_array(reading->arena, count, sizeof(*host->networks));
	for (size_t i = 0; i < count; i++) {
		if (items[i]->kind != YAML_SCALAR) {
			add_wrong(reading, "networks", items[i], "a list of names");
			continue;
		}
		host->networks[host->network_count++] = arena_copy(reading->arena, items[i]->text);
	}
}

static void read_host(struct reading *reading, const struct yaml_node *key, const struct yaml_node *value)
{
	struct host *host = &ARENA_ADD(reading->arena, reading->hosts, reading->host_count);
	const char *form = form_host_name(key->text);
	host->name = arena_copy(reading->arena, key->text);
	ARENA_ADD(reading->arena, reading->sights, reading->sight_count) =
	        (struct sight){.text = host->name, .at = key->at};
	if (form != NULL) {
		problems_add(&reading->problems, key->at, "a host's name must be %s, not %s", form,
		             problems_quote(&reading->problems, key->text));
	}
	require(reading, key, value, "host", "memory", false);
	require(reading, key, value, "host", "vms", true);
	const char *connection = get_text(reading, value, "connection", "ok");
	host->connection = strcmp(connection, "ok") == 0 ? NULL : connection;
	const char *seen = get_word(reading, value, "seen", "1970-01-01T00:00:00Z");
	if (!units_parse_time(seen, &host->seen) || host->seen < 0) {
		add_wrong(reading, "seen", get(value, "seen"),
		          "a time in UTC since 1970, such as 2026-11-23T05:00:00Z");
	}
	host->uuid = get_text(reading, value, "uuid", "");
	host->memory = get_size(reading, value, "memory", 0);
	host->libvirt = get_text(reading, value, "libvirt", "");
	host->qemu = get_text(reading, value, "qemu", "");
	host->cpu = get_text(reading, value, "cpu", "");
	read_networks(reading, value, host);
	read_pools(reading, value, host);
	read_vms(reading, value, host);
}

static void read_root(struct reading *reading, const struct yaml_node *root)
{
	if (root->kind != YAML_MAPPING) {
		problems_add(&reading->problems, root->at, "an inventory must be a mapping with berth and hosts");
		return;
	}
	if (strcmp(get_word(reading, root, "berth", "1"), "1") != 0) {
		add_wrong(reading, "berth", get(root, "berth"), "1, the format that this berth reads");
	}
	const struct yaml_node *hosts = get_mapping(reading, root, "hosts");
	for (size_t i = 0; hosts != NULL && i < hosts->count; i++) {
		if (is_mapping(reading, hosts->keys[i], hosts->items[i])) {
			read_host(reading, hosts->keys[i], hosts->items[i]);
		}
	}
}

/* The tree of a file is many times larger than what is made of it, so it goes at once. */
static void read_file(struct reading *reading, const struct desired_file *file)
{
	cleanup_arena struct arena *tree = arena_create();
	struct desired_file named = *file;
	named.name = arena_copy(reading->arena, file->name); /* problems speak of it */
	const struct yaml_node *root = yaml_read(tree, &named, &reading->problems);
	if (root != NULL) {
		read_root(reading, root);
	}
}

int inventory_read(struct arena *arena, const struct desired_file *files, size_t count,
                   const struct inventory **ret_inventory, struct problem_list *ret_problems)
{
	struct reading reading = {.arena = arena};
	problems_init(&reading.problems, arena);
	for (size_t i = 0; i < count; i++) {
		read_file(&reading, &files[i]);
	}
	check_once(&reading, reading.sights, reading.sight_count, "host");
	*ret_problems = problems_end(&reading.problems);
	if (ret_problems->count > 0) {
		return -EINVAL;
	}
	struct inventory *inventory = arena_alloc(arena, sizeof(*inventory));
	*inventory = (struct inventory){.hosts = reading.hosts, .host_count = reading.host_count};
	inventory_sort(inventory);
	*ret_inventory = inventory;
	return 0;
}
