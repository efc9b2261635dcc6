/*
 * barrier - a fitted log-density ratio h(a) = log p+(a)/p-(a), its file, and
 * the flow along its gradient.
 *
 * Source: ODESteer (arXiv 2602.17560), section 4: h is the barrier function, v =
 * grad h / (|grad h| + 1e-10) the unit vector field, da/dt = v(a), t in [0, T].
 */
#ifndef ODESTEER_BARRIER_H
#define ODESTEER_BARRIER_H

#include <stddef.h>

#include "err.h"
#include "field.h"
#include "solver.h"
#include "stream.h"

struct barrier {
	struct header header;	/* model, block, dim, chain */
	struct field *field;	/* h and its gradient */
	double act_norm;	/* mean |a| over the rows of the fit, the unit of a relative T */
	char digest[9];		/* of the file it was read from: its crc32, hexadecimal */
};

/* Reads a barrier file ("-": standard input). *b is to be freed with barrier_free. */
int barrier_open(struct barrier **b, const char *path, struct err *e);
void barrier_free(struct barrier *b);	/* NULL is fine */

/*
 * Refuses activations of another model, dim or block than the barrier's: 0, or
 * -1 with a message. digest NULL: the stream knows no model (nothing to check).
 */
int barrier_check(const struct barrier *b, const char *digest, size_t dim, int block, struct err *e);
/* The same for the header of a stream of activations, which must be of that one block. */
int barrier_check_header(const struct barrier *b, const struct header *h, struct err *e);

/* T as users write it: "5" activation units, "0.03r" times the mean activation norm of the fit. */
struct strength {
	double value;
	int relative;
};
/* 0; -1: not a number, negative, or not finite */
int strength_parse(struct strength *s, const char *text);

/*
 * A flow: a barrier, how far to follow it, and the memory to do so for at most
 * `rows` activations at a time (no allocation happens in flow_apply).
 * The barrier and the solver are borrowed. NULL: out of memory.
 */
struct flow;
struct flow *flow_alloc(const struct barrier *b, struct strength T, unsigned steps,
    const struct solver *solver, size_t rows);
void flow_free(struct flow *f);
double flow_length(const struct flow *f);	/* T in activation units */
/*
 * Moves act[n][dim], n <= rows, along the field in place. h_before and h_after
 * ([n], either may be NULL) get h at both ends. 0, or -1 (the row's number in
 * the message) when a result is not finite.
 */
int flow_apply(struct flow *f, float *act, size_t n, double *h_before, double *h_after, struct err *e);

#endif
