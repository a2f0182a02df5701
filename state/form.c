#include "state/form.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char LETTERS_AND_DIGITS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
static const char NAME_CHARACTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

/* libvirt keeps a VM as NAME.xml, in a file system whose names have at most 255 bytes. */
enum { HOST_NAME_BYTES = 63, VM_NAME_BYTES = 251, DNS_NAME_BYTES = 253, TIMEZONE_BYTES = 64 };

bool form_has_control(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
		bool line_end = c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9);
		if (*c < 0x20 || *c == 0x7f || c1 || line_end) {
			return true;
		}
	}
	return false;
}

/* [A-Za-z0-9][A-Za-z0-9._-]*, length bytes of it. */
static bool is_name(const char *text, size_t length)
{
	return length > 0 && strchr(LETTERS_AND_DIGITS, text[0]) != NULL && strspn(text, NAME_CHARACTERS) >= length;
}

const char *form_host_name(const char *text)
{
	if (!is_name(text, strlen(text)) || strlen(text) > HOST_NAME_BYTES) {
		return "letters, digits, '.', '_' and '-', at most 63 of them, the first a letter or digit";
	}
	return NULL;
}

const char *form_vm_name(const char *text)
{
	if (strspn(text, " ") == strlen(text) || strchr(text, '/') != NULL || strlen(text) > VM_NAME_BYTES) {
		return "a name that libvirt takes: not blank, without '/', at most 251 bytes";
	}
	return NULL;
}

const char *form_address(const char *text)
{
	static const char form[] = "an IP address or a host's name, such as 10.0.0.1, 2001:db8::1 or node1.example.net";
	unsigned char bytes[sizeof(struct in6_addr)];
	size_t length = strlen(text);
	if (strchr(text, ':') != NULL) {
		return inet_pton(AF_INET6, text, bytes) == 1 ? NULL : form;
	}
	if (strspn(text, "0123456789.") == length) {
		return inet_pton(AF_INET, text, bytes) == 1 ? NULL : form;
	}
	bool is_dns = is_name(text, length) && length <= DNS_NAME_BYTES && strstr(text, "..") == NULL;
	return is_dns ? NULL : form;
}

/* The host of a URI, HOST or [IPV6], and the port behind it. Never empty. */
static const char *authority_form(struct arena *arena, const char *text)
{
	const char *colon = strrchr(text, ':');
	const char *bracket = strchr(text, ']');
	uint64_t port;
	if (colon != NULL && (bracket == NULL || colon > bracket)) {
		if (!units_parse_number(colon + 1, 1, 65535, &port)) {
			return "a URI whose port is a number from 1 to 65535";
		}
		text = arena_copy_n(arena, text, (size_t)(colon - text));
	}
	size_t length = strlen(text);
	if (text[0] == '[') {
		unsigned char bytes[sizeof(struct in6_addr)];
		bool good = text[length - 1] == ']' &&
		            inet_pton(AF_INET6, arena_copy_n(arena, text + 1, length - 2), bytes) == 1;
		return good ? NULL : "a URI with an IPv6 address in brackets, such as qemu+tls://[2001:db8::1]/system";
	}
	return strchr(text, ':') == NULL && form_address(text) == NULL
	               ? NULL
	               : "a URI with a host's name or address, such as qemu+tls://node1.example.net/system";
}

struct scheme {
	const char *prefix;
	bool needs_host;
	bool takes_host;
};

/*
 * libvirt's transports that berth takes. A URI can make libvirt run programs (+ext, +ssh with a query), so nothing but
 * these forms comes from a repository. Without a host libvirt means this machine, through its socket.
 */
static const struct scheme SCHEMES[] = {
        {"qemu://", false, true},    {"qemu+tls://", true, true},    {"qemu+ssh://", true, true},
        {"qemu+tcp://", true, true}, {"qemu+unix://", false, false},
};

static const char *qemu_uri_form(struct arena *arena, const struct scheme *scheme, const char *rest)
{
	const char *slash = strchr(rest, '/');
	if (slash == NULL || (strcmp(slash, "/system") != 0 && strcmp(slash, "/session") != 0)) {
		return "a URI that ends with /system or /session, without query or fragment";
	}
	const char *authority = arena_copy_n(arena, rest, (size_t)(slash - rest));
	if (authority[0] == '\0') {
		return scheme->needs_host ? "a URI that names a host, such as qemu+tls://node1.example.net/system"
		                          : NULL;
	}
	if (!scheme->takes_host) {
		return "a URI without a host: qemu+unix:///system is this machine's socket";
	}
	const char *at = strchr(authority, '@');
	if (at != NULL) {
		size_t length = (size_t)(at - authority);
		bool begins_well = authority[0] == '_' || is_name(authority, 1);
		if (length == 0 || !begins_well || strspn(authority, NAME_CHARACTERS) != length) {
			return "a URI whose user is a plain name, without a password: USER@HOST";
		}
		authority = at + 1;
	}
	return authority[0] == '\0' ? "a URI with a host behind the '@'" : authority_form(arena, authority);
}

const char *form_uri(struct arena *arena, const char *text)
{
	static const char test[] = "test:///";
	if (strncmp(text, test, sizeof(test) - 1) == 0) {
		const char *name = text + sizeof(test) - 1;
		return is_name(name, strlen(name)) ? NULL : "a URI such as test:///default";
	}
	for (size_t i = 0; i < COUNT(SCHEMES); i++) {
		size_t length = strlen(SCHEMES[i].prefix);
		if (strncmp(text, SCHEMES[i].prefix, length) == 0) {
			return qemu_uri_form(arena, &SCHEMES[i], text + length);
		}
	}
	return "a URI of libvirt's: qemu+tls://, qemu+ssh://, qemu+tcp://, qemu+unix:// or qemu://, then HOST/system";
}

const char *form_path(struct arena *arena, const char *text)
{
	struct text clean;
	if (text[0] != '/') {
		return "an absolute path, such as /mnt/nfs";
	}
	text_init(&clean, arena);
	for (const char *at = text; *at != '\0';) {
		size_t length = strcspn(at, "/");
		if (length == 2 && strncmp(at, "..", 2) == 0) {
			return "a path without '..', such as /mnt/nfs";
		}
		if (length > 0 && !(length == 1 && at[0] == '.')) {
			text_add(&clean, "/");
			text_add_n(&clean, at, length);
		}
		at += length + (at[length] == '/' ? 1 : 0);
	}
	if (clean.length == 0) {
		return "a folder below /, such as /mnt/nfs";
	}
	return strcmp(text_string(&clean), text) == 0 ? NULL : arena_print(arena, "written as %s", text_string(&clean));
}

const char *form_timezone(const char *text)
{
	static const char form[] = "a time zone's name, such as Europe/Paris or UTC";
	size_t length = strlen(text);
	if (length == 0 || length > TIMEZONE_BYTES || text[0] == '/' || text[length - 1] == '/' ||
	    strstr(text, "//") != NULL) {
		return form;
	}
	bool good = strchr(LETTERS_AND_DIGITS, text[0]) != NULL;
	for (size_t i = 0; i < length; i++) {
		good = good && (strchr(LETTERS_AND_DIGITS, text[i]) != NULL || strchr("_+-/", text[i]) != NULL);
	}
	return good ? NULL : form;
}
