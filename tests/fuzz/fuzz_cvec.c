/*
 * cvec_read on any bytes: dim finite numbers come out, or a message. Built as fuzz_stream.c is.
 *
 * Most of what is looked at is ggml's own reader of GGUF. Seeds worth having are small control
 * vectors of block 3 and dim 6, such as view --gguf writes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "hold.h"
#include "model/cvec.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { BLOCK = 3, DIM = 6 };

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct err e = { "" };
	float v[DIM];
	size_t i;
	int got = cvec_read(hold(data, size), BLOCK, v, DIM, &e);

	if (got != 0 && e.text[0] == '\0') {
		fprintf(stderr, "broken: a failure has its message\n");
		abort();
	}
	for (i = 0; got == 0 && i < DIM; i++)
		if (!isfinite(v[i])) {
			fprintf(stderr, "broken: number %zu is not finite\n", i + 1);
			abort();
		}
	return 0;
}
