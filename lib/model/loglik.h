/*
 * loglik - how likely a model finds completions, many texts at a time.
 *
 * Texts go into a tree (prefix_tree.h), so that a prompt is decoded once for all its
 * completions; when there is no more room, the tree is decoded and every text
 * in it gets its sum of log-probabilities.
 */
#ifndef ODESTEER_LOGLIK_H
#define ODESTEER_LOGLIK_H

#include <stddef.h>

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"

struct loglik;

/* Opens the model, which may then be steered at the rows that predict. NULL on failure. */
struct loglik *loglik_open(const char *model, int threads, int gpu_layers, struct err *e);
void loglik_free(struct loglik *l);		/* NULL is fine; closes the model */
struct lm *loglik_lm(struct loglik *l);		/* borrowed until loglik_free */

/*
 * The tokens of the completion that have a prediction: all of them, but for the
 * first where no token is before it.
 */
size_t loglik_tokens(const struct example *x);
/*
 * Adds a text with at least one such token. 1: added, and the next loglik_decode
 * will put the sum of the log-probabilities (nats) of these tokens into *sum; x
 * and sum are borrowed until then. 0: no room, decode first. -1: error.
 */
int loglik_add(struct loglik *l, const struct example *x, double *sum, struct err *e);
/* Decodes what was added since the last time. 0, -1. */
int loglik_decode(struct loglik *l, struct err *e);

#endif
