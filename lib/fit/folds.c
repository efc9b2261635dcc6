#include "fit/folds.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <stdlib.h>

/* Returns whether the rows outside a fold have both labels. */
static int
both_labels(const struct fit_data *d, const struct folds *k, unsigned fold)
{
	int seen[2] = { 0, 0 };
	size_t i;

	for (i = 0; i < d->n; i++)
		if (k->of[i] != fold)
			seen[d->label[i]] = 1;
	return seen[0] && seen[1];
}

int
folds_assign(struct folds *k, const struct fit_data *d, const struct fit_options *o)
{
	unsigned n = o->folds < d->n_group ? o->folds : (unsigned)d->n_group, *of_group, f = 0;
	gsl_rng *rng;
	int rc = -1;
	size_t i;

	*k = (struct folds){ 0, NULL };
	if (n == 0)
		return 0;
	of_group = calloc(d->n_group, sizeof *of_group);
	k->of = calloc(d->n, sizeof *k->of);
	rng = gsl_rng_alloc(gsl_rng_mt19937);
	if (of_group == NULL || k->of == NULL || rng == NULL)
		goto out;
	for (i = 0; i < d->n_group; i++)
		of_group[i] = (unsigned)(i % n);
	gsl_rng_set(rng, (unsigned long)o->seed);
	gsl_ran_shuffle(rng, of_group, d->n_group, sizeof *of_group);
	for (i = 0; i < d->n; i++)
		k->of[i] = of_group[d->group[i]];
	while (f < n && both_labels(d, k, f))
		f++;
	k->n = f == n ? n : 0;
	rc = 0;
out:
	free(of_group);
	gsl_rng_free(rng);
	return rc;
}
