/*
 * decoder - prompts to completions, many at a time.
 *
 * Keeps up to `seqs` texts in the model together; one that ends makes room for
 * the next. Completions come out in the order the prompts went in. A text's
 * random numbers hang on the seed and its id alone, not on its neighbours.
 */
#ifndef ODESTEER_DECODER_H
#define ODESTEER_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"
#include "model/sampler.h"
#include "stream/record.h"

struct decoder_options {
	struct sampling sampling;
	double repetition_penalty;	/* 1: none; over prompt and completion, as the Python library has it */
	int no_repeat_ngram;		/* no n-gram of this length twice; 0: allowed */
	int max_tokens;			/* new tokens, > 0 */
	const char *const *stop;	/* a completion ends before any of these; borrowed */
	size_t n_stop;
	uint64_t seed;
	int seqs, cells, batch;		/* as the model was opened */
	unsigned want;			/* of the rows that choose a token, besides LM_LOGITS: LM_STEER */
};

/*
 * Gets every finished record, in order, with the fields "completion",
 * "tokens" (how many were generated) and "finish": "eos", "stop" or "length".
 */
typedef int decoder_fn(void *ctx, struct record *r, struct err *e);

struct decoder;

struct decoder *decoder_alloc(struct lm *m, const struct decoder_options *o, decoder_fn *fn, void *ctx);
void decoder_free(struct decoder *d);
/*
 * Takes a prompt; decodes until there is room for it. r is copied. The prompt
 * and max_tokens together must fit into cells. 0 or -1.
 */
int decoder_push(struct decoder *d, const struct record *r, const struct example *x, struct err *e);
int decoder_busy(const struct decoder *d);	/* has a text not ended yet? */
/* Decodes one token of every text that has not ended. 0 or -1. */
int decoder_step(struct decoder *d, struct err *e);
/*
 * For the function given to lm_steer: the record of the text that the i-th of the
 * activations before it is of (borrowed), and the token's position in that text.
 */
const struct record *decoder_row(const struct decoder *d, size_t i, int *pos);
uint64_t decoder_tokens(const struct decoder *d);	/* generated so far */

#endif
