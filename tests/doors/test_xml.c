#include "state/arena.h"
#include "state/libvirt/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct xml_domain read_domain(struct arena *arena, const char *cpu, const char *clock)
{
	const char *text = arena_print(arena,
	                               "<domain type='kvm'><os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>"
	                               "%s%s<devices><emulator>/usr/bin/qemu</emulator></devices></domain>",
	                               cpu, clock);
	struct xml_domain domain;
	struct error err = {{0}};
	if (xml_read_domain(arena, text, &domain, &err) < 0) {
		fail_msg("%s", err.message);
	}
	return domain;
}

static void test_the_machine(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct xml_domain domain = read_domain(arena, "", "");
	assert_string_equal(domain.machine.type, "kvm");
	assert_string_equal(domain.machine.arch, "x86_64");
	assert_string_equal(domain.machine.name, "pc-q35-7.2");
	assert_string_equal(domain.machine.emulator, "/usr/bin/qemu");
	assert_null(domain.cpu.text);
	assert_false(domain.cpu.invtsc);
}

/* https://libvirt.org/formatdomain.html#time-keeping: a frequency makes a guest with invtsc movable. */
static void test_invtsc_without_a_frequency(void **state)
{
	(void)state;
	static const struct {
		const char *feature;
		const char *clock;
		bool invtsc;
	} cases[] = {
	        {"<feature policy='require' name='invtsc'/>", "", true},
	        {"<feature policy='force' name='invtsc'/>", "<clock offset='utc'><timer name='hpet'/></clock>", true},
	        {"<feature policy='disable' name='invtsc'/>", "", false},
	        {"<feature policy='require' name='vme'/>", "", false},
	        {"<feature policy='require' name='invtsc'/>",
	         "<clock offset='utc'><timer name='tsc' mode='native'/></clock>", true},
	        {"<feature policy='require' name='invtsc'/>",
	         "<clock offset='utc'><timer name='tsc' frequency='3504000000'/></clock>", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_arena struct arena *arena = arena_create();
		const char *cpu =
		        arena_print(arena, "<cpu mode='custom'><model>qemu64</model>%s</cpu>", cases[i].feature);
		const struct xml_domain domain = read_domain(arena, cpu, cases[i].clock);
		assert_int_equal(domain.cpu.invtsc, cases[i].invtsc);
		assert_string_equal(domain.cpu.mode, "custom");
		assert_non_null(strstr(domain.cpu.text, "<model>qemu64</model>"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_machine),
	        cmocka_unit_test(test_invtsc_without_a_frequency),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
