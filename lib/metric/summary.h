/*
 * summary - what a column's field comes to in one run, and how sure that is.
 *
 * A figure is what the column's aggregate makes of the run's records. Its interval is that of a
 * bootstrap over questions: the 2.5 % and 97.5 % quantiles over SUMMARY_RESAMPLES resamplings.
 */
#ifndef ODESTEER_SUMMARY_H
#define ODESTEER_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metric/column.h"
#include "stream/record.h"

enum { SUMMARY_RESAMPLES = 1000, SUMMARY_SWAPS = 9999 };

struct summary;

/* Of this column; NULL: out of memory. */
struct summary *summary_alloc(const struct column *c);
void summary_free(struct summary *t);
/* Counts a record if it has the column's field (and the label asked for). 0, -1. */
int summary_add(struct summary *t, const struct record *r, struct err *e);

struct figure {
	double value, low, high;
	double p;		/* of a difference, else NaN */
	size_t n;		/* questions; 0: there is no such figure */
};
/*
 * The figure of t; or, unless base is NULL, what t's aggregate makes of both, question by question, of
 * those that both have. The
 * interval is as above; p is how often the difference would be as great, either way, if it
 * were chance which of the two runs a question's records are of: (1 + k) / (1 + SUMMARY_SWAPS) for k of
 * SUMMARY_SWAPS random swaps (a permutation test). 0; -1: out of memory.
 */
int summary_figure(struct summary *t, const struct summary *base, uint64_t seed, struct figure *f);

#endif
