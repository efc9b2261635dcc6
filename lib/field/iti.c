/*
 * iti - inference-time intervention: along the weights of a logistic regression.
 *
 * Source: Li et al. 2023, as the paper's section on baselines has it: on the activations
 * as they are, of a whole block instead of the most telling attention heads, and the vector of
 * length one.
 */
#include "field/constant.h"

extern const struct field_type field_iti;

static struct field *
fit(const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct constant *f = constant_alloc(&field_iti, sizeof *f, d->dim, e);
	struct fit_options own = *o;

	if (f == NULL)
		return NULL;
	own.loss = LOSS_LOGISTIC;
	if (constant_regress(f, d, &own, rep, e) == 0)
		return &f->base;
	constant_free(&f->base);
	return NULL;
}

const struct field_type field_iti = {
	.name = "iti",
	.about = "inference-time intervention: a logistic regression's weights",
	.kind = FIELD_UNIT_FLOW,
	.has_h = 1,
	.one_vector = 1,
	.uses = FIELD_USES_C,
	.fit = fit,
	.save = constant_save,
	.load = constant_load,
	.free = constant_free,
	.eval = constant_eval,
};
