/*
 * Fuzzes barrier_open. A barrier that it accepts must also survive being used and saved. Built
 * like fuzz_stream.c.
 *
 * A useful seed is a small barrier: view --pack of a few made activations, then
 * fitbarrier -p paper --components 8.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "flow/flow.h"
#include "hold.h"

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

/* Saves a field, loads it and saves it again: both times it gives the same bytes. */
static void
save_again(const struct field *f)
{
	struct record *r = record_alloc();
	struct buf saved[2] = { { 0 }, { 0 } };
	struct field *copy = NULL;
	struct err e = { "" };
	int k;

	for (k = 0; k < 2; k++) {
		record_clear(r);
		if (field_save(k == 0 ? f : copy, r) != 0 || record_to_wire(r, &saved[k]) != 0)
			broken("a field can be saved", "");
		if (k == 0 && (copy = field_load(r, f->dim, &e)) == NULL)
			broken("what was saved can be loaded", e.text);
	}
	if (saved[0].len != saved[1].len || memcmp(saved[0].p, saved[1].p, saved[0].len) != 0)
		broken("what was loaded is saved as before", "");
	field_free(copy);
	free(saved[0].p);
	free(saved[1].p);
	record_free(r);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct barrier *b = NULL;
	struct err e = { "" };

	if (barrier_open(&b, hold(HOLD_INPUT, data, size), NULL, &e) != 0) {
		if (e.text[0] == '\0')
			broken("a failure has its message", "");
		return 0;
	}
	/* a barrier of any size may be valid, but only small ones are fast enough to use here */
	if (b->field->dim <= MOST) {
		save_again(b->field);
		follow(b, "euler");
		if (b->field->type->kind != FIELD_MAP)
			follow(b, "rkf45");
	}
	barrier_free(b);
	return 0;
}
