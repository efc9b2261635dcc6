/*
 * repe - representation engineering: the first principal component of the
 * differences pos_i - neg_i.
 *
 * Source: Zou et al. 2023. Positives and negatives are paired in their order,
 * the surplus of one label is ignored, and the differences are centred, as in
 * the reference (and scikit-learn's PCA). The sign of a component is arbitrary;
 * here it is that of the difference of the means along it. h is fitted along v
 * (constant.h); the source has none.
 */
#include <stdlib.h>

#include "base/dot.h"
#include "field/constant.h"
#include "fit/pca.h"

/* Sets v[dim] to the component. Returns 0, or -1 with a message in e. */
static int
component(double *v, const struct fit_data *d, const struct fit_options *o, struct err *e)
{
	size_t n_pos, n_neg, n, i;
	double *pos = pca_label_rows(d, 1, &n_pos), *neg = pca_label_rows(d, 0, &n_neg);
	double *difference = calloc(d->dim, sizeof *difference), sign;
	struct err ignored;
	int rc = -1;

	(void)o;
	if (pos == NULL || neg == NULL || difference == NULL) {
		err_memory(e);
	} else if ((n = n_pos < n_neg ? n_pos : n_neg) < 2) {
		err_set(e, "repe needs two positive and two negative activations at least");
	} else {
		for (i = 0; i < n * d->dim; i++)
			pos[i] -= neg[i];
		rc = pca_component(pos, n, d->dim, v, e);
		/* the means may be equal */
		(void)fit_mean_difference(d, difference, &ignored);
		sign = dot(v, difference, d->dim) < 0 ? -1 : 1;
		for (i = 0; i < d->dim; i++)
			v[i] *= sign;
	}
	free(pos);
	free(neg);
	free(difference);
	return rc;
}

const struct field_type field_repe = {
	.name = "repe",
	.about = "representation engineering: the pairs' first principal component",
	.kind = FIELD_CONSTANT_FLOW,
	.fit = constant_fit_along,
	.vector = component,
	CONSTANT_FIELD,
};
