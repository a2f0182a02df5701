#include "state/libvirt/xml.h"

#include "state/arena.h"
#include "state/digest.h"
#include "state/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

static void clean_document(xmlDoc **document)
{
	if (*document != NULL) {
		xmlFreeDoc(*document);
	}
}
#define cleanup_document __attribute__((cleanup(clean_document)))

static int parse(const char *xml, const char *root, xmlDoc **ret_document, struct error *err)
{
	size_t length = strlen(xml);
	xmlDoc *document = length > INT_MAX ? NULL
	                                    : xmlReadMemory(xml, (int)length, NULL, NULL,
	                                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlNode *top = document == NULL ? NULL : xmlDocGetRootElement(document);
	if (top == NULL || strcmp((const char *)top->name, root) != 0) {
		clean_document(&document);
		return error_set(err, -EBADMSG, "libvirt's XML is not a <%s>", root);
	}
	*ret_document = document;
	return 0;
}

static bool is_named(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *first(const xmlNode *parent, const char *name)
{
	for (xmlNode *node = parent == NULL ? NULL : parent->children; node != NULL; node = node->next) {
		if (is_named(node, name)) {
			return node;
		}
	}
	return NULL;
}

/* "" when there is no such node or attribute. */
static const char *attribute(struct arena *arena, const xmlNode *node, const char *name)
{
	xmlChar *value = node == NULL ? NULL : xmlGetNoNsProp(node, (const xmlChar *)name);
	const char *copy = value == NULL ? "" : arena_copy(arena, (const char *)value);
	xmlFree(value);
	return copy;
}

static const char *content(struct arena *arena, const xmlNode *node)
{
	xmlChar *value = node == NULL ? NULL : xmlNodeGetContent(node);
	const char *copy = value == NULL ? "" : arena_copy(arena, (const char *)value);
	xmlFree(value);
	return copy;
}

static void add_path(struct arena *arena, const xmlChar *text, const char ***paths, size_t *count)
{
	if (text != NULL && text[0] == '/') {
		ARENA_ADD(arena, *paths, *count) = arena_copy(arena, (const char *)text);
	}
}

/* The node after this one in the document, below `top`; NULL at the end. enters: the node's own content counts. */
static const xmlNode *next_below(const xmlNode *top, const xmlNode *node, bool enters)
{
	if (enters && node->children != NULL) {
		return node->children;
	}
	while (node != top && node->next == NULL) {
		node = node->parent;
	}
	return node == top ? NULL : node->next;
}

/* Every attribute and text below `top` that is an absolute path; `left_out` is not entered (it may be NULL). */
static void collect_paths(struct arena *arena, const xmlNode *top, const xmlNode *left_out, const char ***paths,
                          size_t *count)
{
	const xmlNode *node = top;
	while (node != NULL) {
		bool enters = node != left_out && node->type == XML_ELEMENT_NODE;
		if (enters) {
			for (const xmlAttr *attr = node->properties; attr != NULL; attr = attr->next) {
				add_path(arena, attr->children == NULL ? NULL : attr->children->content, paths, count);
			}
		} else if (node->type == XML_TEXT_NODE) {
			add_path(arena, node->content, paths, count);
		}
		node = next_below(top, node, enters);
	}
}

static const char *network_source(struct arena *arena, const xmlNode *source)
{
	xmlNode *host = first(source, "host");
	const char *name = attribute(arena, host, "name");
	const char *port = attribute(arena, host, "port");
	return arena_print(arena, "%s://%s%s%s/%s", attribute(arena, source, "protocol"), name,
	                   port[0] == '\0' ? "" : ":", port, attribute(arena, source, "name"));
}

static bool has_backing(struct arena *arena, const xmlNode *disk)
{
	xmlNode *backing = first(disk, "backingStore");
	return backing != NULL && attribute(arena, backing, "type")[0] != '\0';
}

static void read_disk(struct arena *arena, const xmlNode *node, struct xml_disk *ret)
{
	const xmlNode *source = first(node, "source");
	struct xml_disk disk = {
	        .target = attribute(arena, first(node, "target"), "dev"),
	        .type = attribute(arena, node, "type"),
	        .device = attribute(arena, node, "device"),
	        .format = attribute(arena, first(node, "driver"), "type"),
	        .source = "",
	        .readonly = first(node, "readonly") != NULL,
	        .shareable = first(node, "shareable") != NULL,
	        .transient = first(node, "transient") != NULL,
	        .encrypted = first(node, "encryption") != NULL || first(source, "encryption") != NULL,
	        .sliced = first(source, "slices") != NULL,
	        .backing = has_backing(arena, node),
	};
	if (disk.device[0] == '\0') {
		disk.device = "disk";
	}
	if (strcmp(disk.type, "network") == 0) {
		disk.source = network_source(arena, source);
	} else if (strcmp(disk.type, "volume") == 0) {
		disk.pool = attribute(arena, source, "pool");
		disk.volume = attribute(arena, source, "volume");
	} else if (strcmp(disk.type, "block") == 0) {
		disk.source = attribute(arena, source, "dev");
	} else {
		disk.source = attribute(arena, source, "file");
	}
	collect_paths(arena, node, NULL, &disk.paths, &disk.path_count);
	*ret = disk;
}

static void add_tie(struct arena *arena, struct xml_domain *domain, const char *tie)
{
	ARENA_ADD(arena, domain->ties, domain->tie_count) = tie;
}

static void read_interface(struct arena *arena, const xmlNode *node, struct xml_domain *domain)
{
	const char *type = attribute(arena, node, "type");
	if (strcmp(type, "hostdev") == 0) {
		add_tie(arena, domain, "a device of its host");
	} else if (strcmp(type, "vhostuser") == 0) {
		add_tie(arena, domain, "a vhost-user interface");
	} else if (strcmp(type, "vdpa") == 0) {
		add_tie(arena, domain, "a vDPA interface");
	} else if (strcmp(type, "network") == 0) {
		ARENA_ADD(arena, domain->networks, domain->network_count) =
		        attribute(arena, first(node, "source"), "network");
	}
}

static void read_tpm(struct arena *arena, const xmlNode *node, struct xml_domain *domain)
{
	const char *backend = attribute(arena, first(node, "backend"), "type");
	domain->tpm = domain->tpm || strcmp(backend, "emulator") == 0;
	if (strcmp(backend, "passthrough") == 0) {
		add_tie(arena, domain, "a device of its host");
	} else if (strcmp(backend, "external") == 0) {
		add_tie(arena, domain, "a TPM that is not libvirt's own");
	}
}

static void read_device(struct arena *arena, const xmlNode *node, struct xml_domain *domain)
{
	if (is_named(node, "disk")) {
		struct xml_disk *disk = &ARENA_ADD(arena, domain->disks, domain->disk_count);
		read_disk(arena, node, disk);
	} else if (is_named(node, "interface")) {
		read_interface(arena, node, domain);
	} else if (is_named(node, "hostdev")) {
		add_tie(arena, domain, "a device of its host");
	} else if (is_named(node, "filesystem")) {
		add_tie(arena, domain, "a file system of its host");
	} else if (is_named(node, "shmem")) {
		add_tie(arena, domain, "memory shared outside of it (shmem)");
	} else if (is_named(node, "memory") && first(first(node, "source"), "path") != NULL) {
		add_tie(arena, domain, "memory in a file or device of its host");
	} else if (is_named(node, "tpm")) {
		read_tpm(arena, node, domain);
	}
}

/* The variables are named once the VM has been started; that it will have some is plain before. */
static const char *read_nvram(struct arena *arena, const xmlNode *os)
{
	const xmlNode *nvram = first(os, "nvram");
	const xmlNode *loader = first(os, "loader");
	bool flash = strcmp(attribute(arena, loader, "type"), "pflash") == 0 &&
	             strcmp(attribute(arena, loader, "stateless"), "yes") != 0;
	if (nvram == NULL && !flash && strcmp(attribute(arena, os, "firmware"), "efi") != 0) {
		return NULL;
	}
	const char *file = attribute(arena, first(nvram, "source"), "file");
	return file[0] != '\0' ? file : content(arena, nvram);
}

static const char *write_node(struct arena *arena, xmlNode *node)
{
	xmlBuffer *buffer = xmlBufferCreate();
	xmlNodeDump(buffer, node->doc, node, 0, 0);
	const char *text = arena_copy_n(arena, (const char *)xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
	xmlBufferFree(buffer);
	return text;
}

static void read_machine(struct arena *arena, const xmlNode *top, struct xml_machine *ret)
{
	const xmlNode *type = first(first(top, "os"), "type");
	const xmlNode *emulator = first(first(top, "devices"), "emulator");
	*ret = (struct xml_machine){
	        .type = attribute(arena, top, "type"),
	        .arch = attribute(arena, type, "arch"),
	        .name = attribute(arena, type, "machine"),
	        .emulator = emulator == NULL ? NULL : content(arena, emulator),
	};
}

static bool has_tsc_frequency(struct arena *arena, const xmlNode *clock)
{
	for (const xmlNode *node = clock == NULL ? NULL : clock->children; node != NULL; node = node->next) {
		if (is_named(node, "timer") && strcmp(attribute(arena, node, "name"), "tsc") == 0 &&
		    attribute(arena, node, "frequency")[0] != '\0') {
			return true;
		}
	}
	return false;
}

static void read_cpu(struct arena *arena, const xmlNode *top, struct xml_cpu *ret)
{
	xmlNode *cpu = first(top, "cpu");
	struct xml_cpu read = {.mode = attribute(arena, cpu, "mode")};
	for (const xmlNode *node = cpu == NULL ? NULL : cpu->children; node != NULL; node = node->next) {
		const char *policy = is_named(node, "feature") ? attribute(arena, node, "policy") : "";
		bool wanted = strcmp(policy, "require") == 0 || strcmp(policy, "force") == 0;
		read.invtsc = read.invtsc || (wanted && strcmp(attribute(arena, node, "name"), "invtsc") == 0);
	}
	read.invtsc = read.invtsc && !has_tsc_frequency(arena, first(top, "clock"));
	read.text = cpu == NULL ? NULL : write_node(arena, cpu);
	*ret = read;
}

int xml_read_domain(struct arena *arena, const char *xml, struct xml_domain *ret, struct error *err)
{
	cleanup_document xmlDoc *document = NULL;
	int r = parse(xml, "domain", &document, err);
	if (r < 0) {
		return r;
	}
	struct xml_domain domain = {0};
	const xmlNode *top = xmlDocGetRootElement(document);
	read_machine(arena, top, &domain.machine);
	read_cpu(arena, top, &domain.cpu);
	domain.nvram = read_nvram(arena, first(top, "os"));
	const xmlNode *devices = first(top, "devices");
	for (const xmlNode *node = devices == NULL ? NULL : devices->children; node != NULL; node = node->next) {
		read_device(arena, node, &domain);
	}
	*ret = domain;
	return 0;
}

int xml_read_capabilities(struct arena *arena, const char *xml, struct xml_capabilities *ret, struct error *err)
{
	cleanup_document xmlDoc *document = NULL;
	int r = parse(xml, "capabilities", &document, err);
	if (r < 0) {
		return r;
	}
	const xmlNode *host = first(xmlDocGetRootElement(document), "host");
	xmlNode *cpu = first(host, "cpu");
	ret->host_uuid = content(arena, first(host, "uuid"));
	ret->cpu = "";
	ret->cpu_text = cpu == NULL ? NULL : write_node(arena, cpu);
	if (cpu != NULL) {
		struct digest *digest = digest_create(arena);
		digest_add(digest, ret->cpu_text, strlen(ret->cpu_text));
		ret->cpu = digest_end(digest, arena);
	}
	return 0;
}

int xml_read_pool(struct arena *arena, const char *xml, struct xml_pool *ret, struct error *err)
{
	cleanup_document xmlDoc *document = NULL;
	int r = parse(xml, "pool", &document, err);
	if (r < 0) {
		return r;
	}
	const xmlNode *top = xmlDocGetRootElement(document);
	ret->type = attribute(arena, top, "type");
	char *path = arena_copy(arena, content(arena, first(first(top, "target"), "path")));
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) {
		path[n - 1] = '\0';
	}
	ret->path = path;
	return 0;
}

int xml_read_volume(struct arena *arena, const char *xml, struct xml_volume *ret, struct error *err)
{
	cleanup_document xmlDoc *document = NULL;
	int r = parse(xml, "volume", &document, err);
	if (r < 0) {
		return r;
	}
	const xmlNode *top = xmlDocGetRootElement(document);
	ret->format = attribute(arena, first(first(top, "target"), "format"), "type");
	const xmlNode *times = first(first(top, "target"), "timestamps");
	ret->changed = arena_print(arena, "%s %s", content(arena, first(times, "mtime")),
	                           content(arena, first(times, "btime")));
	/* The volume's own path stands in its target and key; every other one is a file that it needs. */
	ret->refers = NULL;
	ret->refer_count = 0;
	for (const xmlNode *node = top->children; node != NULL; node = node->next) {
		if (is_named(node, "backingStore") || is_named(node, "target")) {
			const xmlNode *own = is_named(node, "target") ? first(node, "path") : NULL;
			collect_paths(arena, node, own, &ret->refers, &ret->refer_count);
		}
	}
	return 0;
}

/* https://libvirt.org/formatstorage.html#target-elements: without compat libvirt makes a qcow2 of version 2. */
static void write_qcow2(struct arena *arena, xmlNode *target, const struct qcow2_form *form)
{
	xmlNewChild(target, NULL, (const xmlChar *)"compat", (const xmlChar *)(form->old ? "0.10" : "1.1"));
	if (form->cluster_bytes != 0) {
		const char *bytes = arena_print(arena, "%" PRIu32, form->cluster_bytes);
		xmlNode *size = xmlNewChild(target, NULL, (const xmlChar *)"clusterSize", (const xmlChar *)bytes);
		xmlNewProp(size, (const xmlChar *)"unit", (const xmlChar *)"B");
	}
	if (form->lazy_refcounts || form->extended_l2) {
		xmlNode *features = xmlNewChild(target, NULL, (const xmlChar *)"features", NULL);
		if (form->lazy_refcounts) {
			xmlNewChild(features, NULL, (const xmlChar *)"lazy_refcounts", NULL);
		}
		if (form->extended_l2) {
			xmlNewChild(features, NULL, (const xmlChar *)"extended_l2", NULL);
		}
	}
}

const char *xml_write_volume(struct arena *arena, const struct xml_new_volume *new)
{
	xmlDoc *document = xmlNewDoc((const xmlChar *)"1.0");
	xmlNode *volume = xmlNewNode(NULL, (const xmlChar *)"volume");
	xmlDocSetRootElement(document, volume);
	const char *capacity = arena_print(arena, "%" PRIu64, new->bytes);
	xmlNewTextChild(volume, NULL, (const xmlChar *)"name", (const xmlChar *)new->name);
	xmlNewTextChild(volume, NULL, (const xmlChar *)"capacity", (const xmlChar *)capacity);
	xmlNewTextChild(volume, NULL, (const xmlChar *)"allocation", (const xmlChar *)"0");
	xmlNode *target = xmlNewChild(volume, NULL, (const xmlChar *)"target", NULL);
	xmlNode *node = xmlNewChild(target, NULL, (const xmlChar *)"format", NULL);
	xmlNewProp(node, (const xmlChar *)"type", (const xmlChar *)new->format);
	if (strcmp(new->format, "qcow2") == 0) {
		write_qcow2(arena, target, &new->form);
	}
	xmlChar *text = NULL;
	int length = 0;
	xmlDocDumpMemory(document, &text, &length);
	const char *copy = arena_copy_n(arena, (const char *)text, (size_t)length);
	xmlFree(text);
	xmlFreeDoc(document);
	return copy;
}
