/* pairs - pairs of a positive and a negative activation, for training. */
#ifndef ODESTEER_PAIRS_H
#define ODESTEER_PAIRS_H

#include <stddef.h>

#include "base/err.h"
#include "fit/data.h"

struct pair {
	size_t positive, negative;	/* rows of the activations */
};

struct pairs {
	struct pair *pair;	/* [n], those of the fit first; the caller frees it */
	size_t n, n_fit;
};

/*
 * Sets pairs to each positive with each negative of its group. If less than
 * half of the groups have both labels, pairs are the first positive and the
 * first negative, the second ones, and so on, without the surplus of one label.
 * Rows with held[i] != 0 and the others (train_split) are paired separately,
 * and both have pairs. Returns 0, or -1 with a message in e.
 */
int pairs_make(struct pairs *p, const struct fit_data *d, const int *held, struct err *e);

#endif
