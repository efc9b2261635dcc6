/*
 * text_batch - texts that a model reads together: how likely each completion
 * is, or the activation of each text's last token.
 *
 * Texts that begin alike share that beginning.
 */
#ifndef ODESTEER_TEXT_BATCH_H
#define ODESTEER_TEXT_BATCH_H

#include <stddef.h>

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"

struct text_batch;

/*
 * Opens the model by the path, threads and gpu_layers of o: to compute
 * log-likelihoods, for which it may then be steered at the rows that predict a
 * token of a completion, and those before them if lm_steers_prompts; or if
 * block >= 0 activations after that block, which may be LM_FINAL_NORM, and
 * beyond which it is not computed. Returns NULL on failure.
 */
struct text_batch *text_batch_open(const struct lm_options *o, int block, struct err *e);
void text_batch_free(struct text_batch *b);	/* closes the model; NULL is fine */
/* Returns the model, borrowed until text_batch_free. */
struct lm *text_batch_lm(const struct text_batch *b);
/* Returns the most tokens that a text may have. */
size_t text_batch_longest(const struct text_batch *b);
/*
 * Returns how many tokens of the completion have a prediction: all, except the
 * first token of a text that has nothing before it.
 */
size_t text_batch_predicted(const struct example *x);
/*
 * Adds the text x. The next text_batch_decode sets *loglik to the sum of the
 * log-probabilities, in nats, of the tokens that have a prediction, of which
 * there must be one, or sets act[lm_dim]. All three are borrowed until then.
 * Returns 1, 0 if there is no room before text_batch_decode, or -1 on error.
 */
int text_batch_add(struct text_batch *b, const struct example *x, double *loglik, float *act,
    struct err *e);
/* Decodes the texts added since the last call. Returns 0 or -1. */
int text_batch_decode(struct text_batch *b, struct err *e);

#endif
