/*
 * divergence - how far steering moves a model's distribution of the next token.
 *
 * At each token of a completion, p is the distribution that the steered model
 * gives, and q that of the unsteered one after the same text. The
 * Kullback-Leibler divergence of p from q, sum p log(p / q), is in nats.
 */
#ifndef ODESTEER_DIVERGENCE_H
#define ODESTEER_DIVERGENCE_H

#include <stddef.h>

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"
#include "steer/steering.h"

enum { DIVERGENCE_LONGEST = 2048 };	/* tokens of a text */

struct divergence;

/*
 * Opens the model by the path, threads and gpu_layers of o; the caller attaches
 * a steering to it. n is 1, or the number of lengths in the steering's sweep.
 * The sweep's `which' is then divergence_which, and its ctx points to n for as
 * long as the steering is used. `longest' is the most tokens that a completion
 * will have. Returns NULL with a message in e.
 */
struct divergence *divergence_open(const struct lm_options *o, size_t n, size_t longest,
    struct err *e);
void divergence_close(struct divergence *d);	/* closes the model; NULL is fine */
size_t divergence_which(void *n, size_t i);
/* Returns the model, borrowed until divergence_close. */
struct lm *divergence_lm(const struct divergence *d);

/*
 * Sets kl[m][n] at the m tokens of x that text_batch_predicted counts, for each
 * of the n lengths. Returns 0, or -1 with a message in e: the text has more
 * tokens than DIVERGENCE_LONGEST or the model's context, or a divergence is not
 * finite. The message does not name the record's file.
 */
int divergence_measure(struct divergence *d, const struct example *x, double *kl, struct err *e);

#endif
