/*
 * last_token - the activation of texts' last tokens, many texts at a time.
 *
 * As loglik.h, but for what a model thinks of a text rather than how likely it finds it: texts
 * go into a tree, and the model is computed up to the block that is asked for.
 */
#ifndef ODESTEER_LAST_TOKEN_H
#define ODESTEER_LAST_TOKEN_H

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"

struct last_token;

/* Opens the model. NULL on failure. */
struct last_token *last_token_open(const char *model, int block, int threads, int gpu_layers, struct err *e);
void last_token_free(struct last_token *l);		/* NULL is fine; closes the model */
struct lm *last_token_lm(struct last_token *l);	/* borrowed until last_token_free */

/*
 * Adds a text. 1: added, and the next last_token_decode will put the activation behind the block into
 * act[lm_dim]; x and act are borrowed until then. 0: no room, decode first. -1: error.
 */
int last_token_add(struct last_token *l, const struct example *x, float *act, struct err *e);
/* Decodes what was added since the last time. 0, -1. */
int last_token_decode(struct last_token *l, struct err *e);

#endif
