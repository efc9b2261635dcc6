/*
 * folds - divides the rows of a fit into folds, each of which is held out from
 * one fit. Rows of one group are in the same fold.
 */
#ifndef ODESTEER_FOLDS_H
#define ODESTEER_FOLDS_H

#include "fit/data.h"

struct folds {
	unsigned n;	/* 0: nothing can be held out */
	unsigned *of;	/* [d->n], the fold of each row, 0 to n - 1; the caller frees it */
};

/*
 * Divides the groups of d at random, by o->seed, into o->folds folds, or into
 * d->n_group if that is less. Sets k->n to 0 if o->folds is 0 or the rows
 * outside a fold have one label only; k->of is set in the latter case, too.
 * Returns 0, or -1 if out of memory; k->of is to be freed in any case.
 */
int folds_assign(struct folds *k, const struct fit_data *d, const struct fit_options *o);

#endif
