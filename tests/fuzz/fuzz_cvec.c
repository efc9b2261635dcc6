/*
 * Fuzzes cvec_read: the result is dim finite numbers, or a message. Built like fuzz_stream.c.
 *
 * Most of the code under test is ggml's own reader of GGUF. Useful seeds are small control
 * vectors of block 3 and dim 6, as view --gguf writes them.
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
