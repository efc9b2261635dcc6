/*
 * folds - divides the groups of a fit's rows into folds, whose rows are held
 * out together.
 */
#ifndef ODESTEER_FOLDS_H
#define ODESTEER_FOLDS_H

#include "fit/data.h"

struct folds {
	unsigned n;
	unsigned *of;	/* [d->n] the fold of each row */
};

/*
 * Divides the groups of d at random, by o->seed, into o->folds folds of equal
 * size, or as many as there are groups. Returns 1; 0 if o->folds is 0, or if
 * the rows outside a fold have one label only; or -1 if out of memory.
 * folds_release frees k->of in any case.
 */
int folds_assign(struct folds *k, const struct fit_data *d, const struct fit_options *o);
void folds_release(struct folds *k);

#endif
