/* Writing a stream: odesteer-stream(5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "output.h"
#include "wire.h"

struct sink {
	gzFile out;			/* plain or gzip */
	struct output file;
	struct buf b;			/* one object */
	uint64_t count;
	uint32_t crc;
	struct record *end;		/* the end record's counters */
};

static int
fail(const struct sink *k, struct err *e)
{
	int code;
	const char *why = gzerror(k->out, &code);

	return err_set(e, "cannot write '%s': %s", k->file.name, code == Z_ERRNO ? strerror(errno) : why);
}

/* Writes what is in k->b as one object. */
static int
put(struct sink *k, struct err *e)
{
	k->crc = (uint32_t)crc32(k->crc, k->b.p, (uInt)k->b.len);
	if (gzwrite(k->out, k->b.p, (unsigned)k->b.len) != (int)k->b.len)
		return fail(k, e);
	k->b.len = 0;
	return 0;
}

struct sink *
sink_open(const char *path, int gzip, const struct header *h, struct err *e)
{
	struct sink *k = calloc(1, sizeof *k);
	struct record *r = record_alloc();
	int fd = -1;

	if (k == NULL || r == NULL || (k->end = record_alloc()) == NULL)
		goto memory;
	/* the first fields; counters come behind them, the values at the end */
	if (record_set_str(k->end, WIRE_RESERVED, "end", strlen("end")) != 0 ||
	    record_set_int(k->end, "count", 0) != 0 || record_set_int(k->end, "crc32", 0) != 0)
		goto memory;
	k->crc = (uint32_t)crc32(0, NULL, 0);
	if ((fd = output_open(&k->file, path, e)) < 0)
		goto fail;
	/* T: transparent, no gzip */
	if ((k->out = gzdopen(fd, gzip ? "wb" : "wbT")) == NULL) {
		close(fd);
		goto memory;
	}
	if (header_to_record(h, r) != 0 || record_to_wire(r, &k->b) != 0)
		goto memory;
	if (put(k, e) != 0)
		goto fail;
	record_free(r);
	return k;
memory:
	err_memory(e);
fail:
	record_free(r);
	sink_abort(k);
	return NULL;
}

int
sink_write(struct sink *k, const struct record *r, struct err *e)
{
	if (record_to_wire(r, &k->b) != 0)
		return err_memory(e);
	if (k->b.len > WIRE_LIMIT)
		return err_set(e, "cannot write '%s': a record is bigger than %d MiB", k->file.name, WIRE_LIMIT >> 20);
	k->count++;
	return put(k, e);
}

int
sink_counter(struct sink *k, const char *name, uint64_t v, struct err *e)
{
	return record_set_int(k->end, name, (int64_t)v) != 0 ? err_memory(e) : 0;
}

int
sink_number(struct sink *k, const char *name, double v, struct err *e)
{
	return record_set_num(k->end, name, v) != 0 ? err_memory(e) : 0;
}

int
sink_flush(struct sink *k, struct err *e)
{
	return gzflush(k->out, Z_SYNC_FLUSH) != Z_OK ? fail(k, e) : 0;
}

static int
put_end(struct sink *k, struct err *e)
{
	if (record_set_int(k->end, "count", (int64_t)k->count) != 0 ||
	    record_set_int(k->end, "crc32", k->crc) != 0 || record_to_wire(k->end, &k->b) != 0)
		return err_memory(e);
	return put(k, e);
}

int
sink_close(struct sink *k, struct err *e)
{
	int rc;

	if (put_end(k, e) != 0)
		goto fail;
	rc = gzclose_w(k->out);
	k->out = NULL;
	if (rc != Z_OK) {
		err_set(e, "cannot write '%s': %s", k->file.name, rc == Z_ERRNO ? strerror(errno) : "out of memory");
		goto fail;
	}
	if (output_commit(&k->file, e) != 0)
		goto fail;
	sink_abort(k);
	return 0;
fail:
	sink_abort(k);
	return -1;
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
