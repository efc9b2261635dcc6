#include "fit/folds.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <stdlib.h>

void
folds_release(struct folds *k)
{
	free(k->of);
	free(k->out);
}

static int
both_labels(const struct fit_data *d, const unsigned char *out)
{
	int seen[2] = { 0, 0 };
	size_t i;

	for (i = 0; i < d->n; i++)
		if (!out[i])
			seen[d->label[i]] = 1;
	return seen[0] && seen[1];
}

int
folds_deal(struct folds *k, const struct fit_data *d, const struct fit_options *o)
{
	unsigned *fold = NULL, f;
	gsl_rng *rng = NULL;
	int rc = -1;
	size_t i;

	*k = (struct folds){ .n = o->folds < d->n_group ? o->folds : (unsigned)d->n_group };
	if (o->folds == 0)
		return 0;
	fold = calloc(d->n_group, sizeof *fold);
	k->of = calloc(d->n, sizeof *k->of);
	k->out = calloc(k->n, d->n);
	if (fold == NULL || k->of == NULL || k->out == NULL || (rng = gsl_rng_alloc(gsl_rng_mt19937)) == NULL)
		goto out;
	for (i = 0; i < d->n_group; i++)
		fold[i] = (unsigned)(i % k->n);
	gsl_rng_set(rng, (unsigned long)o->seed);
	gsl_ran_shuffle(rng, fold, d->n_group, sizeof *fold);
	for (i = 0; i < d->n; i++) {
		k->of[i] = fold[d->group[i]];
		k->out[k->of[i] * d->n + i] = 1;
	}
	rc = 1;
	for (f = 0; f < k->n; f++)
		if (!both_labels(d, k->out + f * d->n))
			rc = 0;
out:
	free(fold);
	if (rng != NULL)
		gsl_rng_free(rng);
	return rc;
}
