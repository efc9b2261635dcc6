/*
 * sampler - picks the next token from a row of logits[lm_vocab].
 */
#ifndef ODESTEER_SAMPLER_H
#define ODESTEER_SAMPLER_H

#include <stdint.h>

#include "model/lm.h"

struct sampler;
struct sampling {
	double temperature;	/* 0: greedy */
	int top_k;		/* 0: all */
	double top_p;		/* 1: all */
};
struct sampler *sampler_alloc(const struct lm *m, const struct sampling *s, uint64_t seed);
void sampler_free(struct sampler *s);
int sampler_pick(struct sampler *s, const float *logits);

#endif
