/*
 * barrier - a fitted log-density ratio h(a) = log p+(a) / p-(a), and its file.
 *
 * Source: ODESteer (arXiv 2602.17560), section 4, calls h the barrier function.
 */
#ifndef ODESTEER_BARRIER_H
#define ODESTEER_BARRIER_H

#include <stddef.h>

#include "base/err.h"
#include "field/field.h"
#include "stream/stream.h"

enum { BARRIER_CURVE = 8 };

/*
 * The mean divergence of a steered model's next tokens (steer/divergence.h), in
 * nats, after a flow of length T, or the share T of a map. Both are positive,
 * and T rises. T[0] is 0 if there is no curve.
 */
struct barrier_curve {
	double T[BARRIER_CURVE], kl[BARRIER_CURVE];
};

/* NaN stands for figures that the file does not have. */
struct barrier {
	struct header header;	/* model, block, dim, chain */
	struct field *field;
	double act_norm;	/* mean |a| of the fit, the unit of a relative T */
	double prior;		/* fraction of positives in the fit */
	double temperature;	/* log-odds over it are calibrated on held-out groups */
	double T_auto;		/* length of -T auto */
	struct barrier_curve curve;
	double quantile[FIT_QUANTILES];	/* of the positives' held-out h: 0 %, 1 %, ... */
	char digest[9];		/* crc32 of the file, in hexadecimal */
};

/*
 * Writes a barrier file: b's header, field, act_norm, T_auto and curve, and the
 * figures that rep reports of the fit with options o. path and gzip are as in
 * sink_open. Returns 0, or -1 with a message in e.
 */
int barrier_write(const struct barrier *b, const struct fit_report *rep,
    const struct fit_options *o, const char *path, int gzip, struct err *e);
/*
 * Reads a barrier file ("-": standard input) and sets *b, which barrier_free
 * frees. If h is not NULL, it first checks that the barrier fits h, a header
 * with one block, before it allocates what the record asks for. Returns 0, or
 * -1 with a message in e.
 */
int barrier_open(struct barrier **b, const char *path, const struct header *h, struct err *e);
void barrier_free(struct barrier *b);	/* NULL is fine */

/*
 * Checks that activations of this model, dim and block fit b. digest is the
 * model's; NULL: unknown, and not checked. Returns 0, or -1 with a message in
 * e.
 */
int barrier_check(const struct barrier *b, const char *digest, size_t dim, int block,
    struct err *e);
/*
 * Returns the log-odds of label 1 that h gives under the prior of b's fit:
 * h - log((1 - prior) / prior).
 */
double barrier_log_odds(const struct barrier *b, double h);
/* Returns log-odds divided by b's temperature, or unchanged without one. */
double barrier_calibrate(const struct barrier *b, double odds);
/* Checks that b has an h. Returns 0, or -1 with a message in e. */
int barrier_check_h(const struct barrier *b, struct err *e);

#endif
