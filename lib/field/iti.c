/*
 * iti - inference-time intervention: along the weights of a logistic
 * regression.
 *
 * Source: Li et al. 2023, in the form of the paper's section on baselines: on
 * the activations of a whole block, not standardised, instead of selected
 * attention heads, and with a vector of length one.
 */
#include "field/constant.h"

extern const struct field_type field_iti;

static struct field *
fit(const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct fit_options own = *o;

	own.loss = LOSS_LOGISTIC;
	return constant_fit(&field_iti, d, &own, rep, e);
}

const struct field_type field_iti = {
	.name = "iti",
	.about = "inference-time intervention: a logistic regression's weights",
	.kind = FIELD_UNIT_FLOW,
	.uses = FIELD_USES_C,
	.fit = fit,
	CONSTANT_FIELD,
};
