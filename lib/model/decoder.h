/*
 * decoder - completes prompts, many at a time.
 *
 * Up to `seqs` texts are decoded together; when one ends, the next prompt takes
 * its place. Completions are delivered in the order of their prompts. A text's
 * random numbers depend only on the seed, its id and the number of its sample,
 * not on its neighbours.
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
	const struct lm_options *room;	/* seqs, cells and batch of the model; borrowed */
	struct sampling sampling;
	double repetition_penalty;	/* of tokens of prompt and completion; 1: none */
	int no_repeat_ngram;		/* no n-gram of this length twice; 0: any may repeat */
	int max_tokens;			/* new tokens of a text, > 0 */
	const char *const *stop;	/* [n_stop] a text ends before any of these; borrowed */
	size_t n_stop;
	uint64_t seed;
	/* LM_STEER: of rows that choose a token (lm_steers_prompts: all); 0 */
	unsigned want;
};

/*
 * Takes a finished record, whose "completion", "tokens" (how many were
 * generated) and "finish" ("eos", "stop" or "length") are set, and with
 * LM_STEER "moved": how many of the rows that chose a token steering changed.
 * Returns 0, or -1 with a message in e, which ends the decoding.
 */
typedef int decoder_fn(void *ctx, struct record *r, struct err *e);

struct decoder;

/* Returns a decoder of m that gives records to fn, or NULL if out of memory. */
struct decoder *decoder_alloc(struct lm *m, const struct decoder_options *o, decoder_fn *fn,
    void *ctx);
void decoder_free(struct decoder *d);		/* NULL is fine */
/*
 * Adds a prompt, the tokens of x, and a copy of its record; decodes others
 * until there is room. The prompt and max_tokens must fit into cells. `sample`
 * tells completions of one prompt apart: each has its own random numbers.
 * Returns 0 or -1.
 */
int decoder_push(struct decoder *d, const struct record *r, const struct example *x, int sample,
    struct err *e);
/* Returns whether a text has not ended yet. */
int decoder_busy(const struct decoder *d);
/* Decodes a token of every such text. Returns 0 or -1. */
int decoder_step(struct decoder *d, struct err *e);
/* Returns how many tokens were generated so far. */
uint64_t decoder_tokens(const struct decoder *d);
/*
 * Tells an lm_steer_fn whose its activation i is. Returns the record of the
 * text, borrowed, and sets *pos to the token's position in the text.
 */
const struct record *decoder_row(const struct decoder *d, size_t i, int *pos);

#endif
