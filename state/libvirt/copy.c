#include "state/libvirt/copy.h"

#include "state/arena.h"
#include "state/digest.h"
#include "state/libvirt/worker.h"
#include "state/text.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { STREAM_BYTES = 256 * 1024, BLOCK_BYTES = 64 * 1024 };

enum { TELL_EVERY_MS = 200, END_WITHIN_MS = 15000 };

static const char CANCELLED[] = "the copy of its disks was cancelled";

/* Read by who waits while the copy goes on; `stop` is set by them. */
struct copy_progress {
	_Atomic uint64_t bytes;
	atomic_bool stop;
};

/*
 * What a stream said, whatever its holes: a digest over the blocks that are not all zero, each with its place. Where a
 * host sees a hole and where it sees zeros may differ; the data is the same.
 */
struct fingerprint {
	struct digest *digest;
	uint64_t offset; /* of the block that is being filled */
	size_t filled;
	unsigned char block[BLOCK_BYTES];
};

static void end_block(struct fingerprint *print)
{
	static const unsigned char zeros[BLOCK_BYTES];
	if (memcmp(print->block, zeros, print->filled) != 0) {
		digest_add_number(print->digest, print->offset);
		digest_add(print->digest, print->block, BLOCK_BYTES);
	}
	print->offset += BLOCK_BYTES;
	print->filled = 0;
	memset(print->block, 0, sizeof(print->block));
}

static void add_data(struct fingerprint *print, const char *bytes, size_t length)
{
	while (length > 0) {
		size_t part = BLOCK_BYTES - print->filled < length ? BLOCK_BYTES - print->filled : length;
		memcpy(print->block + print->filled, bytes, part);
		print->filled += part;
		bytes += part;
		length -= part;
		if (print->filled == BLOCK_BYTES) {
			end_block(print);
		}
	}
}

static void add_hole(struct fingerprint *print, uint64_t length)
{
	uint64_t rest = BLOCK_BYTES - print->filled; /* the block is zeroed behind what fills it */
	if (length < rest) {
		print->filled += (size_t)length;
		return;
	}
	print->filled = BLOCK_BYTES;
	end_block(print);
	length -= rest;
	print->offset += length / BLOCK_BYTES * BLOCK_BYTES;
	print->filled = (size_t)(length % BLOCK_BYTES);
}

/* The length is not part of it: it is compared on its own. */
static const char *end_print(struct fingerprint *print, struct arena *arena)
{
	if (print->filled > 0) {
		end_block(print);
	}
	return digest_end(print->digest, arena);
}

/* A download, and where it goes: to an upload, or nowhere. */
struct pass {
	virStreamPtr in;
	virStreamPtr out; /* NULL: only read */
	struct fingerprint *print;
	struct copy_progress *progress;
	char *buffer;
	uint64_t length;
};

static int send_all(virStreamPtr out, const char *bytes, size_t length)
{
	while (length > 0) {
		int sent = virStreamSend(out, bytes, length);
		if (sent < 0) {
			return -1;
		}
		bytes += sent;
		length -= (size_t)sent;
	}
	return 0;
}

/* 1: there is more; 0: the end; negative: an error of libvirt's. */
static int pump_once(struct pass *pass)
{
	int got = virStreamRecvFlags(pass->in, pass->buffer, STREAM_BYTES, VIR_STREAM_RECV_STOP_AT_HOLE);
	if (got == -3) {
		long long hole = 0;
		if (virStreamRecvHole(pass->in, &hole, 0) < 0 || hole < 0) {
			return -1;
		}
		add_hole(pass->print, (uint64_t)hole);
		pass->length += (uint64_t)hole;
		atomic_fetch_add(&pass->progress->bytes, (uint64_t)hole);
		return pass->out != NULL && virStreamSendHole(pass->out, hole, 0) < 0 ? -1 : 1;
	}
	if (got <= 0) {
		return got;
	}
	add_data(pass->print, pass->buffer, (size_t)got);
	pass->length += (uint64_t)got;
	atomic_fetch_add(&pass->progress->bytes, (uint64_t)got);
	return pass->out != NULL && send_all(pass->out, pass->buffer, (size_t)got) < 0 ? -1 : 1;
}

static int pump(struct pass *pass, struct error *err)
{
	int more = 1;
	while (more == 1) {
		if (atomic_load(&pass->progress->stop)) {
			return error_set(err, -ECANCELED, "%s", CANCELLED);
		}
		more = pump_once(pass);
	}
	if (more < 0) {
		return libvirt_error(err, "copy");
	}
	bool finished = virStreamFinish(pass->in) == 0;
	finished = (pass->out == NULL || virStreamFinish(pass->out) == 0) && finished;
	return finished ? 0 : libvirt_error(err, "end of the copy");
}

static void close_stream(virStreamPtr stream, bool aborted)
{
	if (stream != NULL) {
		if (aborted) {
			virStreamAbort(stream);
		}
		virStreamFree(stream);
	}
}

/* Reads the volume of `from` to its end, into the one of `to` if there is one. */
static int read_volume(struct arena *arena, virStorageVolPtr from, virStorageVolPtr to, struct copy_progress *progress,
                       const char **ret_print, uint64_t *ret_length, struct error *err)
{
	struct fingerprint *print = arena_alloc(arena, sizeof(*print));
	print->digest = digest_create(arena);
	struct pass pass = {
	        .print = print,
	        .progress = progress,
	        .buffer = arena_alloc(arena, STREAM_BYTES),
	        .in = virStreamNew(virStorageVolGetConnect(from), 0),
	        .out = to == NULL ? NULL : virStreamNew(virStorageVolGetConnect(to), 0),
	};
	int r = 0;
	if (pass.in == NULL || (to != NULL && pass.out == NULL) ||
	    virStorageVolDownload(from, pass.in, 0, 0, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM) < 0 ||
	    (to != NULL && virStorageVolUpload(to, pass.out, 0, 0, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM) < 0)) {
		r = libvirt_error(err, "copy");
	} else {
		r = pump(&pass, err);
	}
	close_stream(pass.in, r < 0);
	close_stream(pass.out, r < 0);
	if (r == 0) {
		*ret_print = end_print(print, arena);
		*ret_length = pass.length;
	}
	return r;
}

/* Everything that the thread of a copy touches: it may be left behind. */
struct copy_call {
	const char *to_uri;
	const char *path;
	bool compares; /* instead of copying */
	struct copy_progress progress;
	atomic_bool begun;
};

static int compare(struct arena *arena, virStorageVolPtr source, virStorageVolPtr target, struct copy_call *data,
                   struct error *err)
{
	const char *prints[2] = {"", ""};
	uint64_t lengths[2] = {0, 0};
	int r = read_volume(arena, target, NULL, &data->progress, &prints[1], &lengths[1], err);
	if (r == 0) {
		r = read_volume(arena, source, NULL, &data->progress, &prints[0], &lengths[0], err);
	}
	if (r == 0 && (!text_equal(prints[0], prints[1]) || lengths[0] != lengths[1])) {
		r = error_set(err, -EIO, "%s: the copy differs from its source", data->path);
	}
	return r;
}

static int work_on_volumes(struct arena *arena, virConnectPtr from, virConnectPtr to, struct copy_call *data,
                           struct error *err)
{
	const char *print = "";
	uint64_t length = 0;
	virStorageVolPtr source = virStorageVolLookupByPath(from, data->path);
	virStorageVolPtr target = source == NULL ? NULL : virStorageVolLookupByPath(to, data->path);
	int r = target == NULL ? libvirt_error(err, NULL) : 0;
	if (r == 0) {
		r = data->compares ? compare(arena, source, target, data, err)
		                   : read_volume(arena, source, target, &data->progress, &print, &length, err);
	}
	if (source != NULL) {
		virStorageVolFree(source);
	}
	if (target != NULL) {
		virStorageVolFree(target);
	}
	return r;
}

static int run_copy(struct call *call, virConnectPtr from, struct error *err)
{
	struct copy_call *data = call_data(call);
	virConnectPtr to = worker_connect(data->to_uri, err);
	if (to == NULL) {
		return -ENOTCONN;
	}
	int r = -ECANCELED;
	if (call_begin(call)) {
		atomic_store(&data->begun, true);
		r = work_on_volumes(call_arena(call), from, to, data, err);
	}
	virConnectClose(to);
	return r;
}

static int attend(struct call *call, const struct disk *disk, unsigned int deadline_ms, const struct watcher *watcher,
                  struct error *err)
{
	struct copy_call *data = call_data(call);
	struct transfer transfer = {.disk_total = data->compares ? disk->size * 2 : disk->size};
	uint64_t asked_ms = 0; /* how long it has been asked to end */
	while (!call_is_over(call)) {
		if (call_wait(call, TELL_EVERY_MS, NULL) != -ETIMEDOUT) {
			continue;
		}
		transfer.ms += TELL_EVERY_MS;
		if (!atomic_load(&data->begun) && transfer.ms > deadline_ms && call_give_up(call)) {
			return error_set(err, -ETIMEDOUT, "no connection to both hosts within %u s",
			                 deadline_ms / 1000);
		}
		uint64_t bytes = atomic_load(&data->progress.bytes);
		transfer.disk_remaining = bytes < transfer.disk_total ? transfer.disk_total - bytes : 0;
		if (watcher != NULL && !watcher->tell(watcher->data, &transfer)) {
			atomic_store(&data->progress.stop, true);
		}
		asked_ms += atomic_load(&data->progress.stop) ? TELL_EVERY_MS : 0;
		if (!atomic_load(&data->begun) && asked_ms > 0 && call_give_up(call)) {
			return error_set(err, -ECANCELED, "%s", CANCELLED);
		}
		if (asked_ms > END_WITHIN_MS) { /* a stream that hangs; should it go on, it ends at the next piece */
			call_give_up(call);
			return error_set(err, -ECANCELED, "%s, but does not end yet", CANCELLED);
		}
	}
	return call_wait(call, 0, err);
}

static int work(const char *from_uri, const char *to_uri, const struct disk *disk, bool compares,
                unsigned int deadline_ms, const struct watcher *watcher, uint64_t *ret_bytes, struct error *err)
{
	struct call *call = call_create(run_copy, sizeof(struct copy_call), true);
	struct copy_call *data = call_data(call);
	data->to_uri = arena_copy(call_arena(call), to_uri);
	data->path = arena_copy(call_arena(call), disk->source);
	data->compares = compares;
	struct worker *worker = worker_create(from_uri);
	worker_start(worker, call);
	int r = attend(call, disk, deadline_ms, watcher, err);
	if (r == 0) {
		*ret_bytes = atomic_load(&data->progress.bytes);
	}
	worker_release(worker);
	call_release(call);
	return r;
}

int copy_between(const char *from_uri, const char *to_uri, const struct disk *disk, unsigned int deadline_ms,
                 const struct watcher *watcher, uint64_t *ret_bytes, struct error *err)
{
	return work(from_uri, to_uri, disk, false, deadline_ms, watcher, ret_bytes, err);
}

int copy_compare(const char *from_uri, const char *to_uri, const struct disk *disk, unsigned int deadline_ms,
                 const struct watcher *watcher, struct error *err)
{
	uint64_t bytes = 0;
	return work(from_uri, to_uri, disk, true, deadline_ms, watcher, &bytes, err);
}
