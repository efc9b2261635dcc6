/*
 * caa - contrastive activation addition: v = mean(positives) - mean(negatives).
 *
 * Source: Rimsky et al. 2024. v keeps its length, so that T = 1 goes from one
 * mean to the other. h is fitted along v (constant.h); the source has none.
 */
#include "field/constant.h"

/* Adds the difference of the means to v[dim]. Returns 0, or -1 if it is 0. */
static int
difference(double *v, const struct fit_data *d, const struct fit_options *o, struct err *e)
{
	(void)o;
	return fit_mean_difference(d, v, e);
}

const struct field_type field_caa = {
	.name = "caa",
	.about = "contrastive activation addition: the difference of the means",
	.kind = FIELD_CONSTANT_FLOW,
	.fit = constant_fit_along,
	.vector = difference,
	CONSTANT_FIELD,
};
