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
	*ret = disk;
}

static void read_interface(struct arena *arena, const xmlNode *node, struct xml_domain *domain)
{
	const char *type = attribute(arena, node, "type");
	if (strcmp(type, "hostdev") == 0) {
		domain->host_device = true;
	} else if (strcmp(type, "network") == 0) {
		ARENA_ADD(arena, domain->networks, domain->network_count) =
		        attribute(arena, first(node, "source"), "network");
	}
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
	domain.nvram = first(first(top, "os"), "nvram") != NULL;
	const xmlNode *devices = first(top, "devices");
	for (const xmlNode *node = devices == NULL ? NULL : devices->children; node != NULL; node = node->next) {
		if (is_named(node, "disk")) {
			struct xml_disk *disk = &ARENA_ADD(arena, domain.disks, domain.disk_count);
			read_disk(arena, node, disk);
		} else if (is_named(node, "interface")) {
			read_interface(arena, node, &domain);
		} else if (is_named(node, "hostdev")) {
			domain.host_device = true;
		} else if (is_named(node, "filesystem")) {
			domain.shared_filesystem = true;
		} else if (is_named(node, "tpm")) {
			const char *backend = attribute(arena, first(node, "backend"), "type");
			domain.tpm = domain.tpm || strcmp(backend, "emulator") == 0;
			domain.host_device = domain.host_device || strcmp(backend, "passthrough") == 0;
		}
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
	if (cpu != NULL) {
		xmlBuffer *buffer = xmlBufferCreate();
		xmlNodeDump(buffer, document, cpu, 0, 0);
		struct digest *digest = digest_create(arena);
		digest_add(digest, xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
		ret->cpu = digest_end(digest, arena);
		xmlBufferFree(buffer);
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
	                           content(arena, first(times, "ctime")));
	ret->backing = content(arena, first(first(top, "backingStore"), "path"))[0] != '\0';
	return 0;
}

const char *xml_write_volume(struct arena *arena, const char *name, const char *format, uint64_t bytes)
{
	xmlDoc *document = xmlNewDoc((const xmlChar *)"1.0");
	xmlNode *volume = xmlNewNode(NULL, (const xmlChar *)"volume");
	xmlDocSetRootElement(document, volume);
	const char *capacity = arena_print(arena, "%" PRIu64, bytes);
	xmlNewTextChild(volume, NULL, (const xmlChar *)"name", (const xmlChar *)name);
	xmlNewTextChild(volume, NULL, (const xmlChar *)"capacity", (const xmlChar *)capacity);
	xmlNewTextChild(volume, NULL, (const xmlChar *)"allocation", (const xmlChar *)"0");
	xmlNode *target = xmlNewChild(volume, NULL, (const xmlChar *)"target", NULL);
	xmlNode *node = xmlNewChild(target, NULL, (const xmlChar *)"format", NULL);
	xmlNewProp(node, (const xmlChar *)"type", (const xmlChar *)format);
	xmlChar *text = NULL;
	int length = 0;
	xmlDocDumpMemory(document, &text, &length);
	const char *copy = arena_copy_n(arena, (const char *)text, (size_t)length);
	xmlFree(text);
	xmlFreeDoc(document);
	return copy;
}
