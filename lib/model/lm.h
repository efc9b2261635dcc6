/*
 * lm - a language model: the only file that knows libllama (cvec knows ggml's file format).
 *
 * Loads a GGUF file, turns text into tokens and back, decodes batches of
 * tokens that may belong to many sequences, and lets the caller read (tap) or
 * change (steer) activations: the residual stream after a block, which libllama
 * names l_out-N (0-based) and which is hidden_states[N+1] of the Python
 * library.
 */
#ifndef ODESTEER_LM_H
#define ODESTEER_LM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct lm;

enum { LM_MAX_SEQS = 256 };	/* as libllama has it */

struct lm_options {
	const char *path;	/* GGUF file */
	int threads;		/* > 0 */
	int gpu_layers;		/* >= 0, as many as there are when greater */
	int seqs;		/* sequences decoded together, 1 .. LM_MAX_SEQS */
	int batch;		/* most tokens in one lm_decode */
	int cells;		/* tokens remembered over all sequences, >= batch */
	int outputs;		/* most rows with LM_LOGITS in one lm_decode, <= batch */
};

/* NULL on failure. */
struct lm *lm_open(const struct lm_options *o, struct err *e);
void lm_free(struct lm *m);		/* NULL is fine */

const char *lm_name(const struct lm *m);	/* general.name; borrowed */
/*
 * 16 hexadecimal digits over the file's metadata, tensor bytes and parameter
 * count: equal for copies of one file, not for two quantisations of one model.
 */
const char *lm_digest(const struct lm *m);	/* borrowed */
int lm_dim(const struct lm *m);		/* numbers in an activation */
int lm_blocks(const struct lm *m);		/* transformer blocks */
int lm_vocab(const struct lm *m);		/* numbers in a row of logits */
int lm_context(const struct lm *m);		/* tokens the model was trained for */

/*
 * text[len] to tokens, with what the model puts first (BOS), special tokens
 * recognised. *token is malloc'ed (caller frees). 0 or -1.
 */
int lm_tokenise(const struct lm *m, const char *text, size_t len, int **token, size_t *n,
    struct err *e);
/* The bytes of one token; returns their number (at most size) or -1 when size is too small. */
int lm_piece(const struct lm *m, int token, char *buf, size_t size);
int lm_is_end(const struct lm *m, int token);	/* ends a generation */
/*
 * A prompt through the model's own chat template, up to where the assistant
 * begins; system may be NULL. malloc'ed, caller frees; NULL on failure.
 */
char *lm_chat(const struct lm *m, const char *system, const char *user, struct err *e);

/* What is wanted of a row (token) of the batch. */
enum {
	LM_LOGITS = 1,		/* lm_logits after lm_decode */
	LM_TAP = 2,		/* the tap gets its activation */
	LM_STEER = 4		/* the steering function may change its activation */
};

void lm_batch_clear(struct lm *m);
int lm_batch_size(const struct lm *m);
/*
 * Adds a token at position pos of n_seq sequences; returns its row. The rows of
 * a sequence come in the order of their positions. The caller keeps within
 * batch, outputs and cells.
 */
int lm_batch_add(struct lm *m, int token, int pos, const int *seq, int n_seq, unsigned want);
/* Decodes the batch and clears it. 0 or -1. */
int lm_decode(struct lm *m, struct err *e);
/* The row's logits [lm_vocab], borrowed until the next lm_decode. */
const float *lm_logits(const struct lm *m, int row);

void lm_forget(struct lm *m);			/* every sequence */
void lm_forget_seq(struct lm *m, int seq);	/* one */
/*
 * Lets `to`, of which nothing is remembered, begin with the first n decoded tokens of
 * `from`, n > 0. 1, or 0 where sequences of this model cannot share a beginning.
 */
int lm_share(struct lm *m, int from, int to, int n);
/*
 * Whether a sequence has a state that changes with each token instead of a memory of all. A batch
 * of such a model that gives some sequences more rows than others is decoded in parts.
 */
int lm_is_recurrent(const struct lm *m);

/*
 * tap: called in lm_decode with the activation act[lm_dim] of each row that
 * wants it, for each of the blocks, row by row. With `stop` the rest of the
 * model is not computed: no logits, and lm_decode forgets everything after
 * itself. -1 from the function (with a message) fails lm_decode.
 */
typedef int lm_tap_fn(void *ctx, int block, int row, const float *act, struct err *e);
int lm_tap(struct lm *m, const int *block, size_t n, int stop, lm_tap_fn *fn, void *ctx,
    struct err *e);
/*
 * steer: called in lm_decode once with the activations act[n][lm_dim] of all
 * rows that want it, in the order they were added, after `block`; what it leaves
 * there is what the model goes on with, and what a tap of that block gets. Each
 * block may have its own fn and ctx: the visits come in the order of the blocks,
 * so that a higher one finds what the lower ones led to. A second call for a block
 * replaces the first; fn NULL ends its steering. The function must not call lm.
 * For another steering of the same text, forget first: what was remembered above
 * the block was steered.
 */
typedef int lm_steer_fn(void *ctx, float *act, size_t n, struct err *e);
int lm_steer(struct lm *m, int block, lm_steer_fn *fn, void *ctx, struct err *e);

#endif
