/*
 * The guest of the sandbox: the one program of its initrd, and a witness.
 *
 * Several times a second it writes a counter to each of its disks, flushes
 * them, and only then prints the counter on the serial port. After a boot it
 * goes on from what the first disk says. Whatever a move loses, repeats or
 * runs twice shows when the printed lines are laid beside the disks.
 *
 * A disk (offsets in bytes; `sandbox vm` writes the header and the payload):
 *      0        header, text: "berth-witness 1", "vm NAME", "disk vda", ...
 *      4096     the counter, a line of text, in one sector
 *      1 MiB    the ring: a sector for each of the last SLOTS counters
 *      4 MiB    the payload: random, never written again
 *
 * A line is "WORD NUMBER COMPLEMENT"; the two numbers add up to 99999999, so
 * that a line glued together from two halves is known as such. Each line is
 * followed by its twin under another word: a migration splits at most one of
 * them between two hosts' files. Words: boot/from, tick/tock, stop/halt;
 * "fail ..." says what went wrong, "retry ..." what is tried again.
 *
 * Settings come from the kernel's command line: witness_disks,
 * witness_rewrite (MiB), witness_dirty (MiB/s).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
	SECTOR = 512,
	COUNTER = 4096,
	RING = 1 << 20,
	SLOTS = 4096,
	TICK_MS = 125,
	PAGE = 4096,
	PAGES_PER_MIB = 256,
	MAX_DISKS = 8,
	MAX_BUTTONS = 4,
	TOP = 99999999,
};

struct disk {
	char name[8];
	int fd;
};

struct ram {
	uint64_t (*pages)[PAGE / sizeof(uint64_t)];
	size_t count;
	size_t next;
	uint64_t pass;
	size_t per_tick; /* 0: as many as there is time for */
};

static int tty = -1;

static void say(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	int length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (write(tty, text, (size_t)length) == length) {
		tcdrain(tty); /* nothing printed waits in the kernel */
	}
}

static void say_number(const char *word, const char *twin, long number)
{
	say("%s %08ld %08ld\n%s %08ld %08ld\n", word, number, TOP - number, twin, number, TOP - number);
}

static void turn_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;) {
		pause();
	}
}

static void give_up(const char *what, const char *name)
{
	say("fail %s %s: %s\n", what, name, strerror(errno));
	turn_off();
}

static long setting(const char *name, long otherwise)
{
	const char *text = getenv(name);
	return text ? strtol(text, NULL, 10) : otherwise;
}

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void load_modules(void)
{
	char name[128];
	FILE *order = fopen("/modules/order", "re");

	while (order && fgets(name, sizeof(name), order)) {
		char path[160];
		name[strcspn(name, "\n")] = '\0';
		snprintf(path, sizeof(path), "/modules/%s", name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0) {
			say("fail module %s: %s\n", name, strerror(errno));
		}
		close(fd);
	}
	if (order) {
		fclose(order);
	}
}

static void open_tty(void)
{
	struct termios mode;

	tty = open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tcgetattr(tty, &mode) == 0) {
		cfmakeraw(&mode);
		cfsetspeed(&mode, B115200);
		tcsetattr(tty, TCSANOW, &mode);
	}
}

/* Opens the disk at that place, and makes sure that it is the one meant. */
static void open_disk(struct disk *disk, int place)
{
	static _Alignas(PAGE) char header[PAGE];
	char path[128];
	char want[128];

	snprintf(disk->name, sizeof(disk->name), "vd%c", 'a' + place);
	snprintf(path, sizeof(path), "/dev/%s", disk->name);
	for (int tries = 0; tries < 100; tries++) {
		disk->fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
		if (disk->fd >= 0) {
			break;
		}
		usleep(50000);
	}
	if (disk->fd < 0 || pread(disk->fd, header, PAGE, 0) != PAGE) {
		give_up("open", disk->name);
	}
	header[PAGE - 1] = '\0';
	snprintf(want, sizeof(want), "\ndisk %s\n", disk->name);
	if (strncmp(header, "berth-witness 1\n", 16) != 0 || !strstr(header, want)) {
		errno = EINVAL;
		give_up("header of", disk->name);
	}
}

static long read_counter(const struct disk *disk)
{
	static _Alignas(PAGE) char sector[SECTOR];
	long number = -1;
	long complement = -1;

	if (pread(disk->fd, sector, SECTOR, COUNTER) != SECTOR) {
		give_up("read", disk->name);
	}
	sector[SECTOR - 1] = '\0';
	if (sscanf(sector, "%8ld %8ld\n", &number, &complement) != 2 || number + complement != TOP) {
		errno = EINVAL;
		give_up("counter of", disk->name);
	}
	return number;
}

static void write_counter(const struct disk *disk, long number)
{
	static _Alignas(PAGE) char sector[SECTOR];

	memset(sector, 0, SECTOR);
	snprintf(sector, SECTOR, "%08ld %08ld\n", number, TOP - number);
	for (;;) {
		if (pwrite(disk->fd, sector, SECTOR, RING + number % SLOTS * SECTOR) == SECTOR &&
		    pwrite(disk->fd, sector, SECTOR, COUNTER) == SECTOR && fdatasync(disk->fd) == 0) {
			return;
		}
		say("retry write %s: %s\n", disk->name, strerror(errno));
		sleep(1);
	}
}

static void fill_ram(struct ram *ram, long mib)
{
	uint64_t seed = 88172645463325252ULL;

	ram->count = (size_t)mib * PAGES_PER_MIB;
	if (ram->count == 0) {
		return;
	}
	ram->pages = mmap(NULL, ram->count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
	                  -1, 0);
	if (ram->pages == MAP_FAILED) {
		give_up("allocate", "RAM");
	}
	for (size_t page = 0; page < ram->count; page++) {
		for (size_t word = 0; word < PAGE / sizeof(uint64_t); word++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			ram->pages[page][word] = seed;
		}
		ram->pages[page][0] = 0;
		ram->pages[page][1] = page;
	}
}

/* Every page must hold what the pass before left there. */
static void rewrite_ram(struct ram *ram, size_t pages)
{
	for (; pages > 0; pages--) {
		uint64_t *page = ram->pages[ram->next];
		if (page[0] != ram->pass || page[1] != ram->next) {
			say("fail RAM page %zu in pass %llu\n", ram->next, (unsigned long long)ram->pass);
		}
		page[0] = ram->pass + 1;
		page[1] = ram->next;
		if (++ram->next == ram->count) {
			ram->next = 0;
			ram->pass++;
		}
	}
}

/* Waits until that time, busy with the RAM if asked for, and for the power button. */
static bool wait_until(long due, struct ram *ram, struct pollfd *buttons, nfds_t count)
{
	for (;;) {
		long left = due - now_ms();
		bool busy = ram->count > 0 && ram->per_tick == 0;
		if (poll(buttons, count, left < 0 || busy ? 0 : (int)left) > 0) {
			struct input_event event;
			for (nfds_t i = 0; i < count; i++) {
				if (buttons[i].revents && read(buttons[i].fd, &event, sizeof(event)) == sizeof(event) &&
				    event.type == EV_KEY && event.code == KEY_POWER && event.value == 1) {
					return false;
				}
			}
			continue;
		}
		if (left <= 0) {
			return true;
		}
		if (busy) {
			rewrite_ram(ram, PAGES_PER_MIB);
		}
	}
}

static nfds_t open_buttons(struct pollfd *buttons)
{
	nfds_t count = 0;

	for (int i = 0; i < MAX_BUTTONS; i++) {
		char path[32];
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			buttons[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
	return count;
}

int main(void)
{
	struct disk disks[MAX_DISKS] = {0};
	struct pollfd buttons[MAX_BUTTONS];
	struct ram ram = {0};

	mount("dev", "/dev", "devtmpfs", 0, NULL);
	open_tty();
	load_modules();

	long count = setting("witness_disks", 1);
	long dirty = setting("witness_dirty", 0);
	fill_ram(&ram, setting("witness_rewrite", dirty));
	ram.per_tick = (size_t)dirty * PAGES_PER_MIB * TICK_MS / 1000;

	long number = 0;
	for (int i = 0; i < count && i < MAX_DISKS; i++) {
		open_disk(&disks[i], i);
		long found = read_counter(&disks[i]);
		/* Killed between two disks, the later ones are one behind. */
		if (i > 0 && found != number && found != number - 1) {
			say("fail counter of %s: %ld, not %ld\n", disks[i].name, found, number);
		}
		number = i == 0 ? found : number;
	}
	nfds_t button_count = open_buttons(buttons);
	say_number("boot", "from", number);

	long due = now_ms();
	do {
		number++;
		for (int i = 0; i < count && i < MAX_DISKS; i++) {
			write_counter(&disks[i], number);
		}
		say_number("tick", "tock", number);
		rewrite_ram(&ram, ram.per_tick);
		due = due + TICK_MS > now_ms() ? due + TICK_MS : now_ms();
	} while (wait_until(due, &ram, buttons, button_count));
	say_number("stop", "halt", number);
	turn_off();
}
