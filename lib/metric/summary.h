/*
 * summary - the figures of one run: what each column of each metric comes to, and how
 * sure that is.
 *
 * A figure is a mean over questions (groups) of the mean over a question's
 * records, or an AUC or a ratio of sums over records. Its interval is the bootstrap's over questions:
 * the 2.5 % and 97.5 % quantiles over SUMMARY_RESAMPLES resamplings.
 */
#ifndef ODESTEER_SUMMARY_H
#define ODESTEER_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metric/metric.h"
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
	size_t n;		/* questions; 0: no record had the field (or an AUC but one label) */
};
/* 0; -1: out of memory. */
int summary_figure(const struct summary *t, uint64_t seed, struct figure *f);

/*
 * A figure less that of another run, question by question: of those that both have. The
 * interval is as above; p is how often the difference would be as great, either way, if it
 * were chance which of the two runs a question's records are of: (1 + k) / (1 + SUMMARY_SWAPS) for k of
 * SUMMARY_SWAPS random swaps (a permutation test).
 */
struct pair {
	double difference, low, high, p;
	size_t n;		/* questions; 0: none, or the figure is an AUC, and is not paired */
};
/* 0; -1: out of memory. */
int summary_pair(const struct summary *base, const struct summary *t, uint64_t seed, struct pair *p);

#endif
