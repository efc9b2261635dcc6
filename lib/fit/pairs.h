/* pairs - pairs of a positive and a negative activation, for training. */
#ifndef ODESTEER_PAIRS_H
#define ODESTEER_PAIRS_H

#include <stddef.h>

#include "base/err.h"
#include "fit/data.h"

/*
 * See PAIR_ALL. More would make an epoch of hpr take minutes. TruthfulQA's 817
 * questions have 10,891.
 */
enum { PAIRS_MOST = 1 << 16 };

enum pairing {
	/*
	 * Each positive with each negative of its group. If that makes more
	 * than PAIRS_MOST pairs, PAIR_IN_ORDER. If fewer than half of the
	 * groups have both labels, PAIR_IN_ORDER with all rows as one group.
	 */
	PAIR_ALL,
	/*
	 * The first positive of a group with its first negative, the second
	 * ones, and so on, without the surplus of one label.
	 */
	PAIR_IN_ORDER,
	PAIR_FIRST	/* the first positive of a group with its first negative */
};

struct pair {
	size_t positive, negative;	/* rows of the activations */
};

struct pairs {
	struct pair *pair;	/* [n], those of the fit first; the caller frees it */
	size_t n, n_fit;
};

/*
 * Sets p to pairs of the rows of d. Rows with held[i] != 0 and the others are
 * paired separately. Returns 0, or -1 if out of memory.
 */
int pairs_make(struct pairs *p, const struct fit_data *d, const int *held, enum pairing how);
/*
 * Sets p to pairs, holding out the first part of the groups (train_hold_out)
 * that has a pair while the others have two, the least batch with a variance.
 * Returns 0, or -1 with a message in e: out of memory, or there is no
 * such part.
 */
int pairs_split(struct pairs *p, const struct fit_data *d, const struct fit_options *o,
    enum pairing how, struct err *e);

#endif
