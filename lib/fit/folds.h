/*
 * folds - groups of rows dealt into folds by a seed: a fold's rows are held out together.
 */
#ifndef ODESTEER_FOLDS_H
#define ODESTEER_FOLDS_H

#include "fit/data.h"

/* The folds: which one each row is in, and each one's mask of rows left out. */
struct folds {
	unsigned n;
	unsigned *of;			/* [d->n] */
	unsigned char *out;		/* [n][d->n] */
};

/* Deals the groups: 1; 0: a fold leaves one label only, or none is asked for; -1: out of memory. */
int folds_deal(struct folds *k, const struct fit_data *d, const struct fit_options *o);
void folds_release(struct folds *k);

#endif
