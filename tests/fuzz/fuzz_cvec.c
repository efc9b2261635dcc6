/*
 * Fuzzes cvec_read: the result is dim finite numbers, or a message, and a copy
 * of them reads the same. Built like fuzz_stream.c.
 *
 * Most of the code under test is ggml's own reader of GGUF. Useful seeds are small control
 * vectors of block 3 and dim 6, as view --gguf writes them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hold.h"
#include "model/cvec.h"

enum { BLOCK = 3, DIM = 6 };

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct err e = { "" };
	float v[DIM], again[DIM];
	size_t i;
	int got = cvec_read(hold(HOLD_INPUT, data, size), BLOCK, v, DIM, &e);

	if (got != 0 && e.text[0] == '\0')
		broken("a failure has its message", "");
	if (got != 0)
		return 0;
	for (i = 0; i < DIM; i++)
		if (!isfinite(v[i]))
			broken("the numbers are finite", "");
	if (cvec_write(hold_output(), BLOCK, v, DIM, "made", &e) != 0 ||
	    cvec_read(hold_output(), BLOCK, again, DIM, &e) != 0)
		broken("a copy can be written and read", e.text);
	if (memcmp(v, again, sizeof v) != 0)
		broken("the copy has the same numbers", "");
	unlink(hold_output());
	return 0;
}
