/*
 * barrier - a fitted log-density ratio h(a) = log p+(a)/p-(a), and its file.
 *
 * Source: ODESteer (arXiv 2602.17560), section 4: h is the barrier function.
 */
#ifndef ODESTEER_BARRIER_H
#define ODESTEER_BARRIER_H

#include <stddef.h>

#include "base/err.h"
#include "field/field.h"
#include "stream/stream.h"

struct barrier {
	struct header header;	/* model, block, dim, chain */
	struct field *field;	/* h and its gradient */
	double act_norm;	/* mean |a| over the rows of the fit, the unit of a relative T */
	double prior;		/* share of positives in the fit; NaN: unknown */
	double temperature;	/* by which the held-out log-odds are divided to be calibrated; NaN: unknown */
	double T_auto;		/* the length of -T auto; NaN: none */
	double quantile[FIT_QUANTILES];	/* of the positives' held-out h, 0 %, 1 %, ...; NaN: unknown */
	char digest[9];		/* of the file it was read from: its crc32, hexadecimal */
};

/*
 * Writes b's header and one record: its field, act_norm and T_auto, and what rep reports of the
 * fit by o. To path as sink_open takes it, gzipped or not. Returns 0, or -1 with a message.
 */
int barrier_write(const struct barrier *b, const struct fit_report *rep,
    const struct fit_options *o, const char *path, int gzip, struct err *e);
/* Reads a barrier file ("-": standard input). *b is to be freed with barrier_free. */
int barrier_open(struct barrier **b, const char *path, struct err *e);
void barrier_free(struct barrier *b);	/* NULL is fine */

/*
 * Refuses activations of another model, dim or block than the barrier's: 0, or
 * -1 with a message. digest NULL: the stream knows no model (nothing to check).
 */
int barrier_check(const struct barrier *b, const char *digest, size_t dim, int block,
    struct err *e);
/* The same for the header of a stream of activations, which must be of that one block. */
int barrier_check_header(const struct barrier *b, const struct header *h, struct err *e);
/* Refuses a barrier that has no h: 0, or -1 with a message. */
int barrier_check_h(const struct barrier *b, struct err *e);

#endif
