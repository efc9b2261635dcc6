/*
 * repe - representation engineering: the first principal component of pos_i - neg_i.
 *
 * Source: Zou et al. 2023. Positives and negatives are paired in their order, what one has
 * more is left out, and the differences are centred, as in the reference (and scikit-learn's
 * PCA). A component has no sign of its own: here positives lie higher on it than negatives.
 * It comes without an h; along it one is estimated (constant.c).
 */
#include <stdlib.h>

#include "field/constant.h"
#include "fit/pca.h"

extern const struct field_type field_repe;

/* v[dim] of the pairs; pos becomes their differences. */
static int
component(double *pos, size_t n_pos, const double *neg, size_t n_neg, size_t dim, double *v, struct err *e)
{
	size_t n = n_pos < n_neg ? n_pos : n_neg, i;

	if (n < 2)
		return err_set(e, "repe needs two positive and two negative activations at least");
	for (i = 0; i < n * dim; i++)
		pos[i] -= neg[i];
	return pca_component(pos, n, dim, v, e);
}

static struct field *
fit(const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct constant *f = constant_alloc(&field_repe, sizeof *f, d->dim, e);
	size_t n_pos, n_neg, i;
	double *pos = pca_rows(d, 1, &n_pos), *neg = pca_rows(d, 0, &n_neg);
	int rc = -1;

	if (f == NULL || pos == NULL || neg == NULL)
		err_memory(e);
	else if (component(pos, n_pos, neg, n_neg, d->dim, f->v, e) == 0)
		rc = constant_along(f, d, o, rep, e);
	free(pos);
	free(neg);
	if (rc != 0) {
		if (f != NULL)
			constant_free(&f->base);
		return NULL;
	}
	/* the regression has found out on which side the positives are */
	if (f->slope < 0) {
		f->slope = -f->slope;
		for (i = 0; i < d->dim; i++)
			f->v[i] = -f->v[i];
	}
	return &f->base;
}

const struct field_type field_repe = {
	.name = "repe",
	.about = "representation engineering: the pairs' first principal component",
	.kind = FIELD_CONSTANT_FLOW,
	.has_h = 1,
	.one_vector = 1,
	.fit = fit,
	.save = constant_save,
	.load = constant_load,
	.free = constant_free,
	.eval = constant_eval,
};
