/*
 * iti - inference-time intervention: along the weights of a logistic
 * regression.
 *
 * Source: Li et al. 2023, in the form of the paper's section on baselines: on
 * the activations of a whole block, not standardised, instead of selected
 * attention heads, and with a vector of length one.
 */
#include "field/constant.h"

const struct field_type field_iti = {
	.name = "iti",
	.about = "inference-time intervention: a logistic regression's weights",
	.kind = FIELD_UNIT_FLOW,
	.uses = FIELD_USES_C,
	.fit = constant_fit,
	CONSTANT_FIELD,
};
