#include "stream/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { SIZE = 65536 };

struct input {
	int fd;			/* -1: source is used */
	input_source_fn *source;
	void *ctx;
	int gzip;		/* whether it is gzip; -1: not known yet */
	int inside;		/* a gzip member has begun and not ended */
	int pending;		/* zlib may have more output than there was room for */
	size_t pos, len;	/* raw[pos] to raw[len - 1] were not used yet */
	z_stream z;
	char name[512];
	unsigned char raw[SIZE];
};

struct input *
input_open_source(input_source_fn *fn, void *ctx, const char *name, struct err *e)
{
	struct input *in = calloc(1, sizeof *in);

	if (in == NULL) {
		err_memory(e);
		return NULL;
	}
	in->gzip = in->fd = -1;
	in->source = fn;
	in->ctx = ctx;
	snprintf(in->name, sizeof in->name, "%s", name);
	return in;
}

struct input *
input_open(const char *path, struct err *e)
{
	struct input *in = input_open_source(NULL, NULL, "standard input", e);

	if (in == NULL)
		return NULL;
	in->fd = STDIN_FILENO;
	if (strcmp(path, "-") == 0)
		return in;
	snprintf(in->name, sizeof in->name, "'%s'", path);
	if ((in->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		err_set(e, "cannot open %s: %s", in->name, strerror(errno));
		free(in);
		return NULL;
	}
	return in;
}

const char *
input_name(const struct input *in)
{
	return in->name;
}

void
input_close(struct input *in)
{
	if (in == NULL)
		return;
	if (in->gzip == 1)
		inflateEnd(&in->z);
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	free(in);
}

int
input_wait(const struct input *in, int ms)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };
	int got;

	/* a regular file is always ready, and so is one with an error */
	do
		got = poll(&p, 1, ms);
	while (got < 0 && errno == EINTR);
	return got > 0;
}

/* Reads raw bytes. Returns their number, 0 at the end, -1 or INPUT_LATER. */
static ssize_t
fill(struct input *in, int wait, struct err *e)
{
	ssize_t n;

	if (!wait && !input_wait(in, 0))
		return INPUT_LATER;
	if (in->pos > 0) {
		memmove(in->raw, in->raw + in->pos, in->len - in->pos);
		in->len -= in->pos;
		in->pos = 0;
	}
	if (in->source != NULL) {
		if ((n = in->source(in->ctx, in->raw + in->len, SIZE - in->len, e)) > 0)
			in->len += (size_t)n;
		return n;
	}
	do
		n = read(in->fd, in->raw + in->len, SIZE - in->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, "cannot read %s: %s", in->name, strerror(errno));
	in->len += (size_t)n;
	return n;
}

/* Sets in->gzip by the first two bytes. Returns 0, -1 or INPUT_LATER. */
static int
detect_gzip(struct input *in, int wait, struct err *e)
{
	ssize_t n = 1;

	while (in->len < 2 && n > 0)
		if ((n = fill(in, wait, e)) < 0)
			return (int)n;
	in->gzip = in->len >= 2 && in->raw[0] == 0x1f && in->raw[1] == 0x8b;
	/* 16: gzip, not zlib */
	if (in->gzip && inflateInit2(&in->z, MAX_WBITS + 16) != Z_OK) {
		in->gzip = 0;
		return err_memory(e);
	}
	in->inside = in->gzip;
	return 0;
}

static ssize_t
read_gzip(struct input *in, void *p, size_t n, int wait, struct err *e)
{
	in->z.next_out = p;
	in->z.avail_out = n > SIZE ? SIZE : (uInt)n;
	n = in->z.avail_out;
	while (in->z.avail_out == n) {
		int rc;

		if (in->pos == in->len && !in->pending) {
			ssize_t got = fill(in, wait, e);

			if (got < 0)
				return got;
			if (got == 0)
				return in->inside ?
				    err_set(e, "%s is a truncated gzip file", in->name) : 0;
		}
		/* one member may follow another */
		if (!in->inside && inflateReset(&in->z) != Z_OK)
			return err_memory(e);
		in->inside = 1;
		in->z.next_in = in->raw + in->pos;
		in->z.avail_in = (uInt)(in->len - in->pos);
		rc = inflate(&in->z, Z_NO_FLUSH);
		in->pos = in->len - in->z.avail_in;
		in->pending = rc == Z_OK && in->z.avail_out == 0;
		if (rc == Z_STREAM_END)
			in->inside = 0;
		else if (rc == Z_MEM_ERROR)
			return err_memory(e);
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			return err_set(e, "%s is a damaged gzip file: %s", in->name,
			    in->z.msg != NULL ? in->z.msg : "no reason given");
	}
	return (ssize_t)(n - in->z.avail_out);
}

ssize_t
input_read(struct input *in, void *p, size_t n, int wait, struct err *e)
{
	int rc;

	if (in->gzip < 0 && (rc = detect_gzip(in, wait, e)) != 0)
		return rc;
	if (in->gzip)
		return read_gzip(in, p, n, wait, e);
	if (in->pos == in->len) {
		ssize_t got = fill(in, wait, e);

		if (got <= 0)
			return got;
	}
	if (n > in->len - in->pos)
		n = in->len - in->pos;
	memcpy(p, in->raw + in->pos, n);
	in->pos += n;
	return (ssize_t)n;
}

ssize_t
input_read_all(struct input *in, void *p, size_t n, struct err *e)
{
	size_t len = 0;
	ssize_t got = 1;

	while (len < n && got > 0) {
		if ((got = input_read(in, (char *)p + len, n - len, 1, e)) < 0)
			return -1;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

int
input_size(const struct input *in, uint64_t *size)
{
	struct stat st;

	if (in->gzip || fstat(in->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	*size = (uint64_t)st.st_size;
	return 1;
}
