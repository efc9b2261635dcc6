/*
 * loglik - log-likelihoods of completions given prompts, many at a time.
 */
#ifndef ODESTEER_LOGLIK_H
#define ODESTEER_LOGLIK_H

#include <stddef.h>

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"

struct loglik;

/*
 * Opens a model, which may then be steered at the rows that predict a token of
 * a completion. Returns NULL on failure.
 */
struct loglik *loglik_open(const char *model, int threads, int gpu_layers, struct err *e);
void loglik_free(struct loglik *l);		/* closes the model; NULL is fine */
/* Returns the model, borrowed until loglik_free. */
struct lm *loglik_lm(struct loglik *l);
/*
 * Returns how many tokens of the completion have a prediction: all, except the
 * first token of a text that has nothing before it.
 */
size_t loglik_tokens(const struct example *x);
/*
 * Adds the text x, which must have at least one such token. The next
 * loglik_decode sets *sum to the sum of their log-probabilities, in nats; both
 * are borrowed until then. Returns 1, 0 if there is no room before
 * loglik_decode, or -1 on error.
 */
int loglik_add(struct loglik *l, const struct example *x, double *sum, struct err *e);
/* Decodes the texts added since the last call. Returns 0 or -1. */
int loglik_decode(struct loglik *l, struct err *e);

#endif
