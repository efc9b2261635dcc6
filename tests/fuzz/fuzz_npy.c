/*
 * Fuzzes npy_open and npy_read: the result is as many rows of finite numbers as the header
 * says, or a message. Built like fuzz_stream.c. A useful seed is the output of view --npy.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "hold.h"
#include "stream/npy.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static _Noreturn void
broken(const char *law)
{
	fprintf(stderr, "broken: %s\n", law);
	abort();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct err e = { "" };
	struct npy *m = npy_open(hold(data, size), &e);
	uint64_t n = 0;
	float *row;
	size_t i;
	int got;

	if (m == NULL) {
		if (e.text[0] == '\0')
			broken("a failure has its message");
		return 0;
	}
	if (m->dim < 1 || m->dim > NPY_DIM)
		broken("a row has a length that a stream can have");
	/* npy_open has compared the size with the header, unless the file is gzip, so a row is short */
	if (m->rows > 0 && m->dim > size && data[0] != 0x1f)
		broken("a header that promises more than there is is refused");
	if ((row = calloc(m->rows > 0 ? m->dim : 1, sizeof *row)) == NULL)
		abort();
	while ((got = npy_read(m, row, &e)) == 1) {
		n++;
		for (i = 0; i < m->dim; i++)
			if (!isfinite(row[i]))
				broken("the numbers are finite");
	}
	if (got == 0 && n != m->rows)
		broken("there are as many rows as the header says");
	if (got < 0 && e.text[0] == '\0')
		broken("a failure has its message");
	free(row);
	npy_close(m);
	return 0;
}
