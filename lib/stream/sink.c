#include "stream/sink.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "stream/output.h"
#include "stream/wire.h"

struct sink {
	gzFile out;			/* plain or gzip; NULL: memory is used */
	struct buf *memory;
	struct output file;
	struct buf b;			/* the object being written */
	uint64_t count;
	uint32_t crc;
	struct record *end;		/* the end record */
	int ending, failed;
};

/* Sets the rest of a message: where that went wrong. Always returns -1. */
static int
refuse(const struct sink *k, struct err *e)
{
	if (k->ending)
		err_prefix(e, "end record: ");
	else if (k->count > 0)
		err_prefix(e, "record %llu: ", (unsigned long long)k->count);
	else
		err_prefix(e, "header: ");
	return k->file.name != NULL ? err_prefix(e, "cannot write '%s': ", k->file.name) : -1;
}

/* Writes the object in k->b, if the stream's reader would not refuse it. */
static int
write_object(struct sink *k, struct err *e)
{
	struct walk w = { 0 };

	k->failed = 1;
	if (walk_run(&w, k->b.p, k->b.len, e) != 1)
		return refuse(k, e);
	k->crc = (uint32_t)crc32(k->crc, k->b.p, (uInt)k->b.len);
	if (k->memory != NULL) {
		if (buf_append(k->memory, k->b.p, k->b.len) != 0)
			return err_memory(e);
	} else if (gzwrite(k->out, k->b.p, (unsigned)k->b.len) != (int)k->b.len) {
		return output_fail(&k->file, e);
	}
	k->b.len = 0;
	k->failed = 0;
	return 0;
}

static struct sink *
sink_alloc(struct buf *memory, struct err *e)
{
	struct sink *k = calloc(1, sizeof *k);

	/* these come before any counter; sink_close sets their values */
	if (k != NULL && (k->end = record_alloc()) != NULL &&
	    record_set_str(k->end, WIRE_RESERVED, "end", strlen("end")) == 0 &&
	    record_set_int(k->end, "count", 0) == 0 && record_set_int(k->end, "crc32", 0) == 0) {
		k->memory = memory;
		k->crc = (uint32_t)crc32(0, NULL, 0);
		return k;
	}
	sink_abort(k);
	err_memory(e);
	return NULL;
}

static int
write_header(struct sink *k, const struct header *h, struct err *e)
{
	struct record *r;
	int bad;

	if (h->n_chain > WIRE_LINKS) {
		err_set(e, "its chain has %zu links, more than %d", h->n_chain, WIRE_LINKS);
		return refuse(k, e);
	}
	r = record_alloc();
	bad = r == NULL || header_to_record(h, r) != 0 || record_to_wire(r, &k->b) != 0;

	record_free(r);
	return bad ? err_memory(e) : write_object(k, e);
}

struct sink *
sink_open(const char *path, int gzip, const struct header *h, struct err *e)
{
	struct sink *k = sink_alloc(NULL, e);
	int fd = k != NULL ? output_open(&k->file, path, e) : -1;

	if (fd < 0)
		goto fail;
	/* T: not gzip */
	if ((k->out = gzdopen(fd, gzip ? "wb" : "wbT")) == NULL) {
		close(fd);
		err_memory(e);
		goto fail;
	}
	if (write_header(k, h, e) == 0)
		return k;
fail:
	sink_abort(k);
	return NULL;
}

struct sink *
sink_open_memory(struct buf *to, const struct header *h, struct err *e)
{
	struct sink *k = sink_alloc(to, e);

	if (k != NULL && write_header(k, h, e) == 0)
		return k;
	sink_abort(k);
	return NULL;
}

int
sink_write(struct sink *k, const struct record *r, struct err *e)
{
	if (record_to_wire(r, &k->b) != 0)
		return err_memory(e);
	k->count++;
	if (record_size(r) > WIRE_FIELDS) {
		k->failed = 1;
		err_set(e, "it has %zu fields, more than %d", record_size(r), WIRE_FIELDS);
		return refuse(k, e);
	}
	return write_object(k, e);
}

int
sink_failed(const struct sink *k)
{
	return k->failed;
}

int
sink_set_int(struct sink *k, const char *name, uint64_t v, struct err *e)
{
	return record_set_int(k->end, name, (int64_t)v) != 0 ? err_memory(e) : 0;
}

int
sink_set_num(struct sink *k, const char *name, double v, struct err *e)
{
	return record_set_num(k->end, name, v) != 0 ? err_memory(e) : 0;
}

int
sink_flush(struct sink *k, struct err *e)
{
	return k->out != NULL && gzflush(k->out, Z_SYNC_FLUSH) != Z_OK ?
	    output_fail(&k->file, e) : 0;
}

static int
write_end(struct sink *k, struct err *e)
{
	k->ending = 1;
	if (record_set_int(k->end, "count", (int64_t)k->count) != 0 ||
	    record_set_int(k->end, "crc32", k->crc) != 0 || record_to_wire(k->end, &k->b) != 0)
		return err_memory(e);
	return write_object(k, e);
}

int
sink_close(struct sink *k, struct err *e)
{
	int rc = write_end(k, e), closed;

	if (rc == 0 && k->out != NULL) {
		closed = gzclose_w(k->out);
		k->out = NULL;
		if (closed != Z_OK)
			rc = output_fail(&k->file, e);
	}
	if (rc == 0)
		rc = output_commit(&k->file, e);
	sink_abort(k);
	return rc;
}

void
sink_abort(struct sink *k)
{
	if (k == NULL)
		return;
	if (k->out != NULL)
		gzclose_w(k->out);
	output_release(&k->file);
	free(k->b.p);
	record_free(k->end);
	free(k);
}
