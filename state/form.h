/*
 * The forms of single texts that people write: names, URIs, addresses, paths, time zones.
 *
 * Each form_… returns NULL when the text is of that form, and otherwise what would be right, to stand behind "must be".
 * Pure: nothing is looked up; a name that has the form may still be nobody's.
 */
#ifndef BERTH_FORM_H
#define BERTH_FORM_H

#include <stdbool.h>

struct arena;

const char *form_host_name(const char *text); /* of hosts and policies (spec section 2) */
const char *form_vm_name(const char *text);   /* what libvirt takes for one */

/*
 * A URI that berth hands to libvirt: qemu[+tls,+ssh,+tcp,+unix]://[user@]host[:port]/system or /session, and
 * test:///NAME. Nothing else, above all no query: libvirt would run a program that it names.
 */
const char *form_uri(struct arena *arena, const char *text);

const char *form_address(const char *text); /* IPv4, IPv6 without brackets, or a DNS name */
const char *form_path(struct arena *arena,
                      const char *text);     /* absolute, not /, normal: no //, ., .. or / at the end */
const char *form_timezone(const char *text); /* a name of the tz database */

/* Control characters, and the line ends of Unicode. */
bool form_has_control(const char *text);

#endif
