/*
 * repe - representation engineering: the first principal component of the
 * differences pos_i - neg_i.
 *
 * Source: Zou et al. 2023. Positives and negatives are paired in their order,
 * the surplus of one label is ignored, and the differences are centred, as in
 * the reference (and scikit-learn's PCA). The sign of a component is arbitrary;
 * here positives are higher along it. h is fitted along v (constant.h); the
 * source has none.
 */
#include <math.h>
#include <stdlib.h>

#include "field/constant.h"
#include "fit/pca.h"

/* Sets v[dim] to the component. Returns 0, or -1 with a message in e. */
static int
component(double *v, const struct fit_data *d, const struct fit_options *o, struct err *e)
{
	size_t n_pos, n_neg, n, i;
	double *pos = pca_label_rows(d, 1, &n_pos), *neg = pca_label_rows(d, 0, &n_neg);
	int rc = -1;

	(void)o;
	if (pos == NULL || neg == NULL) {
		err_memory(e);
	} else if ((n = n_pos < n_neg ? n_pos : n_neg) < 2) {
		err_set(e, "repe needs two positive and two negative activations at least");
	} else {
		for (i = 0; i < n * d->dim; i++)
			pos[i] -= neg[i];
		rc = pca_component(pos, n, d->dim, v, e);
	}
	free(pos);
	free(neg);
	return rc;
}

static int
fit(struct field *f, const struct fit_data *d, const struct fit_options *o, struct fit_report *rep,
    struct err *e)
{
	double *slope = &((struct constant *)f)->slope;
	size_t i;

	if (constant_fit_along(f, d, o, rep, e) != 0)
		return -1;
	/* the fit of h has shown on which side the positives are */
	for (i = 0; *slope < 0 && i < f->dim; i++)
		f->ratio.coef[i] = -f->ratio.coef[i];
	*slope = fabs(*slope);
	return 0;
}

const struct field_type field_repe = {
	.name = "repe",
	.about = "representation engineering: the pairs' first principal component",
	.kind = FIELD_CONSTANT_FLOW,
	.fit = fit,
	.vector = component,
	CONSTANT_FIELD,
};
