/*
 * last - the activation of texts' last tokens, many texts at a time.
 *
 * As loglik.h, but for what a model thinks of a text rather than how likely it finds it: texts
 * go into a tree, and the model is computed up to the block that is asked for.
 */
#ifndef ODESTEER_LAST_H
#define ODESTEER_LAST_H

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"

struct last;

/* Opens the model. NULL on failure. */
struct last *last_open(const char *model, int block, int threads, int gpu_layers, struct err *e);
void last_free(struct last *l);		/* NULL is fine; closes the model */
struct lm *last_lm(struct last *l);	/* borrowed until last_free */

/*
 * Adds a text. 1: added, and the next last_decode will put the activation behind the block into
 * act[lm_dim]; x and act are borrowed until then. 0: no room, decode first. -1: error.
 */
int last_add(struct last *l, const struct example *x, float *act, struct err *e);
/* Decodes what was added since the last time. 0, -1. */
int last_decode(struct last *l, struct err *e);

#endif
