/*
 * Fuzzes npy_open and npy_read: the result is as many rows of finite numbers as the header
 * says, or a message, and a copy of them reads the same. Built like
 * fuzz_stream.c. A useful seed is the output of view --npy.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hold.h"
#include "stream/npy.h"
#include "stream/wire.h"

/* Writes row[dim] as a matrix, or adds it to that. Returns the matrix. */
static struct npy_sink *
write_row(struct npy_sink *k, const struct npy *m, const float *row)
{
	struct err e = { "" };

	if (k == NULL && (k = npy_sink_open(hold_output(), m->dim, m->width == 2, &e)) == NULL)
		broken("a copy can be opened", e.text);
	if (npy_sink_write(k, row, &e) != 0)
		broken("a row can be written", e.text);
	return k;
}

/* Compares the copy with the matrix, which is read again. */
static void
compare(const char *path)
{
	struct err e = { "" };
	struct npy *m = npy_open(path, 1, &e), *copy = npy_open(hold_output(), 0, &e);
	float *a, *b;
	int got;

	if (m == NULL || copy == NULL)
		broken("the matrix and its copy can be opened", e.text);
	if (m->dim != copy->dim || m->rows != copy->rows)
		broken("the copy has the same shape", "");
	a = calloc(m->dim, sizeof *a);
	b = calloc(m->dim, sizeof *b);
	while ((got = npy_read(m, a, &e)) == 1)
		if (npy_read(copy, b, &e) != 1 || memcmp(a, b, m->dim * sizeof *a) != 0)
			broken("the copy has the same numbers", e.text);
	if (got != 0 || npy_read(copy, b, &e) != 0)
		broken("the copy ends where the matrix does", e.text);
	free(a);
	free(b);
	npy_close(m);
	npy_close(copy);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct err e = { "" };
	const char *path = hold(HOLD_INPUT, data, size);
	struct npy *m = npy_open(path, 1, &e);
	struct npy_sink *k = NULL;
	uint64_t n = 0;
	float *row;
	size_t i;
	int got;

	if (m == NULL) {
		if (e.text[0] == '\0')
			broken("a failure has its message", "");
		return 0;
	}
	if (m->dim < 1 || m->dim > WIRE_DIM)
		broken("a row has a length that a stream can have", "");
	/* npy_open has compared the size with the header, unless the file is gzip, so a row is short */
	if (m->rows > 0 && m->dim > size && data[0] != 0x1f)
		broken("a header that promises more than there is is refused", "");
	if ((row = calloc(m->rows > 0 ? m->dim : 1, sizeof *row)) == NULL)
		abort();
	while ((got = npy_read(m, row, &e)) == 1) {
		n++;
		for (i = 0; i < m->dim; i++)
			if (!isfinite(row[i]))
				broken("the numbers are finite", "");
		k = write_row(k, m, row);
	}
	if (got == 0 && n != m->rows)
		broken("there are as many rows as the header says", "");
	if (got < 0 && e.text[0] == '\0')
		broken("a failure has its message", "");
	free(row);
	npy_close(m);
	if (k != NULL && npy_sink_close(k, &e) != 0)
		broken("a copy can be completed", e.text);
	if (k != NULL && got == 0)
		compare(path);
	if (k != NULL)
		unlink(hold_output());
	return 0;
}
