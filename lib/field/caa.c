/*
 * caa - contrastive activation addition: v = mean(positives) - mean(negatives).
 *
 * Source: Rimsky et al. 2024. v keeps its length, so that T = 1 goes from the one mean to
 * the other. It comes without an h; along it one is estimated (constant.c).
 */
#include "field/constant.h"

extern const struct field_type field_caa;

static struct field *
fit(const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct constant *f = constant_alloc(&field_caa, sizeof *f, d->dim, e);
	size_t n[2], i, j;

	if (f == NULL)
		return NULL;
	for (n[0] = n[1] = i = 0; i < d->n; i++)
		n[d->label[i] != 0]++;
	for (i = 0; i < d->n; i++) {
		double share = d->label[i] ? 1 / (double)n[1] : -1 / (double)n[0];

		for (j = 0; j < d->dim; j++)
			f->v[j] += share * (double)d->act[i * d->dim + j];
	}
	if (constant_along(f, d, o, rep, e) == 0)
		return &f->base;
	constant_free(&f->base);
	return NULL;
}

const struct field_type field_caa = {
	.name = "caa",
	.about = "contrastive activation addition: the difference of the means",
	.kind = FIELD_CONSTANT_FLOW,
	.has_h = 1,
	.one_vector = 1,
	.fit = fit,
	.save = constant_save,
	.load = constant_load,
	.free = constant_free,
	.eval = constant_eval,
};
