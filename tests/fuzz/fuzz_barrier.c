/*
 * Fuzzes barrier_open. A barrier that it accepts must also survive being used. Built like
 * fuzz_stream.c.
 *
 * A useful seed is a small barrier: view --pack of a few made activations, then
 * fitbarrier --components 8.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow/flow.h"
#include "hold.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { ROWS = 2, MOST = 4096 };

/* Moves two activations along the flow, or maps them: the result is finite, or there is a message. */
static void
follow(const struct barrier *b, const char *solver)
{
	struct flow_result result[ROWS];
	struct flow_options o;
	struct flow *f;
	size_t dim = b->field->dim, i;
	float *act = calloc(ROWS * dim, sizeof *act);
	struct err e = { "" };
	int got;

	flow_options_default(&o);
	o.T = (struct strength){ STRENGTH_LENGTH, 0.2385 };
	o.steps = 2;
	o.solver = solver_find(solver);
	o.tolerance = 1e-2;
	if (act == NULL || (f = flow_alloc(b, &o, &e)) == NULL)
		abort();
	for (i = 0; i < ROWS * dim; i++)
		act[i] = (float)sin((double)i);
	got = flow_apply(f, act, ROWS, result, 1, &e);
	if (got != 0 && (e.text[0] == '\0' || flow_failed(f) >= ROWS))
		abort();
	for (i = 0; got == 0 && i < ROWS * dim; i++)
		if (!isfinite(act[i]))
			abort();
	free(act);
	flow_free(f);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct barrier *b = NULL;
	struct err e = { "" };

	if (barrier_open(&b, hold(data, size), NULL, &e) != 0) {
		if (e.text[0] == '\0') {
			fprintf(stderr, "broken: a failure has its message\n");
			abort();
		}
		return 0;
	}
	/* a barrier of any size may be valid, but only small ones are fast enough to use here */
	if (b->field->dim <= MOST) {
		follow(b, "euler");
		if (b->field->type->kind != FIELD_MAP)
			follow(b, "rkf45");
	}
	barrier_free(b);
	return 0;
}
