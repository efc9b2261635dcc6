/*
 * linear - a linear classifier: h(y) = w . y + c + log((1 - pi) / pi).
 *
 * It is the baseline of the nonlinear methods: what they gain over it, they
 * gain by being nonlinear.
 */
#include "field/constant.h"

const struct field_type field_linear = {
	.name = "linear",
	.about = "logistic regression, or a linear support vector machine",
	.kind = FIELD_UNIT_FLOW,
	.uses = FIELD_USES_C | FIELD_USES_LOSS | FIELD_USES_STANDARDISE,
	.fit = constant_fit,
	CONSTANT_FIELD,
};
