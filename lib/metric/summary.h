/*
 * summary - the figure of one column in one run, with its 95 % interval.
 *
 * The interval is a bootstrap over questions: the 2.5 % and 97.5 % quantiles of
 * the figure in SUMMARY_RESAMPLES resamplings of the questions. An aggregate
 * that resampling biases has none.
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

/*
 * Returns an empty summary of column c, which it borrows, or NULL if out of
 * memory. A report keeps its summaries until it ends: nothing frees them.
 */
struct summary *summary_alloc(const struct column *c);
/*
 * Adds a record; one without the column's field does not count. Returns 0, or
 * -1 with a message in e.
 */
int summary_add(struct summary *t, const struct record *r, struct err *e);

struct figure {
	double value, low, high;	/* low and high: the interval; NaN: there is none */
	double p;			/* of a difference; else NaN */
	size_t n;			/* questions; 0: there is no figure */
};
/*
 * Computes the figure of t. If base is not NULL, computes instead what the
 * column's aggregate says of t in comparison with base, over the questions that
 * both have: the difference of their figures, paired by question, or for
 * aggregate_win the share of wins. seed determines the random numbers.
 *
 * p of a difference is that of a permutation test: (1 + k) / (1 +
 * SUMMARY_SWAPS) if k of SUMMARY_SWAPS random exchanges of a question's two
 * runs give a difference at least as great in absolute value. Returns 0, or -1
 * if memory runs out.
 */
int summary_figure(struct summary *t, const struct summary *base, uint64_t seed,
    struct figure *f);

#endif
