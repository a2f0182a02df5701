#include "state/control.h"

#include "state/arena.h"
#include "state/files.h"
#include "state/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A client says all that it has to say within SILENT_MS, and no more than MOST_REQUESTS. */
enum { MOST_CLIENTS = 32, MOST_REQUESTS = 100, SILENT_MS = 10000, BACKLOG = 16 };

struct client {
	int fd; /* -1: free */
	uint64_t id;
	unsigned int uid;
	unsigned int requests;
	uint64_t since_ms; /* of its last request, or its begin */
	bool waits;        /* for the reply to its request */
	bool has_ended;    /* it says no more */
	size_t length;
	char bytes[CONTROL_LONGEST];
};

struct control {
	struct arena *arena;
	const char *path;
	int listener;
	int epoll;
	uint64_t last_id;
	struct client clients[MOST_CLIENTS];
};

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *control_folder(const char *state)
{
	return text_equal(state, "/var/lib/berth") ? "/run/berth" : state;
}

static int fail(struct error *err, const char *path)
{
	int code = -errno;
	return error_set(err, code, "%s: %s", path, strerror(-code));
}

/* A socket's path has little room; a descriptor of its folder makes any path short. It is to be closed. */
static int address_of(const char *folder, const char *name, struct sockaddr_un *ret_address, struct error *err)
{
	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return fail(err, folder);
	}
	cleanup_arena struct arena *arena = arena_create();
	const char *path = arena_print(arena, "/proc/self/fd/%d/%s", fd, name);
	if (strlen(path) >= sizeof(ret_address->sun_path)) {
		close(fd);
		return error_set(err, -ENAMETOOLONG, "%s/%s: name too long", folder, name);
	}
	memcpy(ret_address->sun_path, path, strlen(path));
	return fd;
}

static int connect_to(const char *folder, const char *name, struct error *err)
{
	struct sockaddr_un address;
	int folder_fd = address_of(folder, name, &address, err);
	if (folder_fd < 0) {
		return folder_fd;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int code = -errno;
		r = error_set(err, code, "%s/%s: %s", folder, name, strerror(-code));
		if (fd >= 0) {
			close(fd);
		}
	}
	close(folder_fd);
	return r;
}

/* Is a process listening there? Then -EADDRINUSE. A socket that nobody listens at any more is removed. */
static int make_room(const char *folder, const char *name, const char *path, struct error *err)
{
	int fd = connect_to(folder, name, NULL);
	if (fd >= 0 || fd == -EAGAIN) {
		if (fd >= 0) {
			close(fd);
		}
		return error_set(err, -EADDRINUSE, "%s: another process listens there", path);
	}
	struct stat info;
	bool is_left = fd == -ECONNREFUSED && lstat(path, &info) == 0 && S_ISSOCK(info.st_mode);
	return is_left && unlink(path) < 0 && errno != ENOENT ? fail(err, path) : 0;
}

static void let_in(const char *path)
{
	const struct group *group = getgrnam("berth");
	bool shared = group != NULL && chown(path, (uid_t)-1, group->gr_gid) == 0;
	if (chmod(path, shared || group == NULL ? 0660 : 0600) < 0) {
		return; /* then it stays the owner's alone */
	}
}

static int listen_at(struct control *control, const char *folder, const char *name, struct error *err)
{
	struct sockaddr_un address;
	control->path = arena_print(control->arena, "%s/%s", folder, name);
	int r = make_room(folder, name, control->path, err);
	int folder_fd = r < 0 ? r : address_of(folder, name, &address, err);
	if (folder_fd < 0) {
		return folder_fd;
	}
	mode_t before = umask(0177);
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener < 0 || bind(control->listener, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		r = fail(err, control->path);
	}
	umask(before);
	close(folder_fd);
	if (r == 0) {
		let_in(control->path);
		r = listen(control->listener, BACKLOG) < 0 ? fail(err, control->path) : 0;
	}
	if (r < 0 && control->listener >= 0) {
		close(control->listener);
		control->listener = -1;
	}
	return r;
}

static void watch(const struct control *control, int fd, uint64_t data, uint32_t events, int what)
{
	struct epoll_event event = {.events = events, .data.u64 = data};
	epoll_ctl(control->epoll, what, fd, &event);
}

int control_open(const char *folder, const char *id, struct control **ret_control, struct error *err)
{
	struct arena *arena = arena_create();
	struct control *control = arena_alloc(arena, sizeof(*control));
	control->arena = arena;
	control->listener = -1;
	control->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < MOST_CLIENTS; i++) {
		control->clients[i].fd = -1;
	}
	int r = control->epoll < 0 ? fail(err, "epoll") : 0;
	if (r == 0 && mkdir(folder, 0755) < 0 && errno != EEXIST) {
		r = fail(err, folder);
	}
	if (r == 0) {
		r = listen_at(control, folder, "control", err);
	}
	if (r == -EADDRINUSE) {
		r = listen_at(control, folder, arena_print(arena, "control-%s", id), err);
	}
	if (r < 0) {
		control_close(control);
		return r;
	}
	watch(control, control->listener, 0, EPOLLIN, EPOLL_CTL_ADD);
	*ret_control = control;
	return 0;
}

static void drop(struct client *client)
{
	if (client->fd >= 0) {
		close(client->fd);
		client->fd = -1;
	}
}

void control_close(struct control *control)
{
	if (control == NULL) {
		return;
	}
	for (size_t i = 0; i < MOST_CLIENTS; i++) {
		drop(&control->clients[i]);
	}
	if (control->listener >= 0) {
		unlink(control->path);
		close(control->listener);
	}
	if (control->epoll >= 0) {
		close(control->epoll);
	}
	arena_destroy(control->arena);
}

const char *control_path(const struct control *control)
{
	return control->path;
}

int control_fd(const struct control *control)
{
	return control->epoll;
}

/* A free place, or that of the one that has been silent longest; those that wait for a reply go last. */
static struct client *find_place(struct control *control)
{
	struct client *best = NULL;
	for (size_t i = 0; i < MOST_CLIENTS; i++) {
		struct client *client = &control->clients[i];
		if (client->fd < 0) {
			return client;
		}
		if (best == NULL || (best->waits && !client->waits) ||
		    (best->waits == client->waits && client->since_ms < best->since_ms)) {
			best = client;
		}
	}
	drop(best);
	return best;
}

static void read_some(struct client *client)
{
	ssize_t got = read(client->fd, client->bytes + client->length, sizeof(client->bytes) - client->length);
	if (got > 0) {
		client->length += (size_t)got;
	} else if (got == 0) {
		client->has_ended = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		drop(client);
	}
}

static void accept_clients(struct control *control)
{
	for (int i = 0; i < MOST_CLIENTS; i++) {
		int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			return;
		}
		struct ucred peer = {.uid = (uid_t)-1};
		socklen_t size = sizeof(peer);
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
		struct client *client = find_place(control);
		memset(client, 0, sizeof(*client));
		client->fd = fd;
		client->id = ++control->last_id;
		client->uid = peer.uid;
		client->since_ms = now_ms();
		watch(control, fd, client->id, EPOLLIN, EPOLL_CTL_ADD);
		read_some(client);
	}
}

static struct client *find_client(struct control *control, uint64_t id)
{
	for (size_t i = 0; i < MOST_CLIENTS; i++) {
		if (control->clients[i].fd >= 0 && control->clients[i].id == id) {
			return &control->clients[i];
		}
	}
	return NULL;
}

/* All that can be taken now without waiting. */
static void take_events(struct control *control)
{
	struct epoll_event events[MOST_CLIENTS + 1];
	int count = epoll_wait(control->epoll, events, MOST_CLIENTS + 1, 0);
	for (int i = 0; i < count; i++) {
		struct client *client = find_client(control, events[i].data.u64);
		if (events[i].data.u64 == 0) {
			accept_clients(control);
		} else if (client != NULL && client->waits) {
			drop(client); /* only its end is told then */
		} else if (client != NULL && !client->has_ended && client->length < sizeof(client->bytes)) {
			read_some(client);
		}
	}
}

void control_reply(struct control *control, uint64_t id, const struct control_reply *reply)
{
	cleanup_arena struct arena *arena = arena_create();
	struct client *client = find_client(control, id);
	if (client == NULL) {
		return;
	}
	const char *line = control_write_reply(arena, reply);
	ssize_t sent = send(client->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent != (ssize_t)strlen(line) || client->has_ended || ++client->requests == MOST_REQUESTS) {
		drop(client);
		return;
	}
	client->waits = false;
	client->since_ms = now_ms();
	watch(control, client->fd, client->id, EPOLLIN, EPOLL_CTL_MOD);
}

/* The length of the line that the client has said, 0: none yet. The end of what it says ends a line as well. */
static size_t line_of(const struct client *client)
{
	const char *end = memchr(client->bytes, '\n', client->length);
	if (end != NULL) {
		return (size_t)(end - client->bytes) + 1;
	}
	return client->has_ended ? client->length : 0;
}

static void refuse(struct control *control, struct client *client, const char *why)
{
	const struct control_reply reply = {.result = CONTROL_REFUSED, .text = why};
	control_reply(control, client->id, &reply);
}

/* Takes a request of this client's, if it has said one. */
static bool take_from(struct control *control, struct client *client, struct arena *arena,
                      struct control_request *ret_request)
{
	size_t length = line_of(client);
	if (length == 0 && client->length == sizeof(client->bytes)) {
		refuse(control, client, "a request is at most 4096 bytes long");
		drop(client);
	} else if (length == 0 && (client->has_ended || now_ms() - client->since_ms > SILENT_MS)) {
		drop(client);
	}
	if (client->fd < 0 || length == 0) {
		return false;
	}
	struct error err = {{0}};
	const char *line = arena_copy_n(arena, client->bytes, length);
	memmove(client->bytes, client->bytes + length, client->length - length);
	client->length -= length;
	if (control_read_request(arena, line, length, ret_request, &err) < 0) {
		refuse(control, client, err.message);
		return false;
	}
	client->waits = true;
	ret_request->client = client->id;
	ret_request->uid = client->uid;
	watch(control, client->fd, client->id, 0, EPOLL_CTL_MOD);
	return true;
}

bool control_take(struct control *control, struct arena *arena, struct control_request *ret_request)
{
	take_events(control);
	for (size_t i = 0; i < MOST_CLIENTS; i++) {
		struct client *client = &control->clients[i];
		if (client->fd >= 0 && !client->waits && take_from(control, client, arena, ret_request)) {
			return true;
		}
	}
	return false;
}

static int wait_for(int fd, short events, uint64_t end_ms)
{
	uint64_t now = now_ms();
	struct pollfd poll_fd = {.fd = fd, .events = events};
	return now < end_ms && poll(&poll_fd, 1, (int)(end_ms - now)) > 0 ? 0 : -ETIMEDOUT;
}

static int read_line(struct arena *arena, int fd, uint64_t end_ms, struct control_reply *ret_reply, struct error *err)
{
	char bytes[CONTROL_LONGEST];
	size_t length = 0;
	while (length < sizeof(bytes) && memchr(bytes, '\n', length) == NULL) {
		if (wait_for(fd, POLLIN, end_ms) < 0) {
			return error_set(err, -ETIMEDOUT, "berth does not answer");
		}
		ssize_t got = read(fd, bytes + length, sizeof(bytes) - length);
		if (got <= 0) {
			return error_set(err, -EPIPE, "berth has ended without an answer");
		}
		length += (size_t)got;
	}
	return control_read_reply(arena, bytes, length, ret_reply, err);
}

int control_ask(struct arena *arena, const char *folder, const char *id, const struct control_request *request,
                unsigned int timeout_ms, struct control_reply *ret_reply, struct error *err)
{
	uint64_t end_ms = now_ms() + timeout_ms;
	int fd = id == NULL ? -ENOENT : connect_to(folder, arena_print(arena, "control-%s", id), NULL);
	if (fd < 0) {
		fd = connect_to(folder, "control", err);
	}
	if (fd < 0) {
		return fd;
	}
	const char *line = control_write_request(arena, request);
	int r = 0;
	if (strlen(line) > CONTROL_LONGEST) {
		r = error_set(err, -EMSGSIZE, "that is too long");
	} else if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line)) {
		r = fail(err, folder);
	} else {
		r = read_line(arena, fd, end_ms, ret_reply, err);
	}
	close(fd);
	return r;
}
