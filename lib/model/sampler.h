/*
 * sampler - chooses the next token by a row of logits[lm_vocab].
 */
#ifndef ODESTEER_SAMPLER_H
#define ODESTEER_SAMPLER_H

#include <stdint.h>

#include "model/lm.h"

struct sampling {
	double temperature;	/* 0: the likeliest token */
	int top_k;		/* choose among the k likeliest tokens; 0: all */
	double top_p;		/* choose among the likeliest, up to this probability; 1: all */
};

struct sampler;

/*
 * Returns a sampler with random numbers of its own, or NULL if out of memory.
 */
struct sampler *sampler_alloc(const struct lm *m, const struct sampling *o, uint64_t seed);
void sampler_free(struct sampler *s);		/* NULL is fine */
/* Returns the chosen token. */
int sampler_pick(struct sampler *s, const float *logits);

#endif
