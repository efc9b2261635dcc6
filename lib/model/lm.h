/*
 * lm - a language model. Only lm.c and sampler.c call libllama.
 *
 * Loads a GGUF file, turns text into tokens and back, decodes batches of tokens
 * that may belong to many sequences, and lets its user read (tap) and change
 * (steer) activations: the residual stream after a block, which libllama names
 * l_out-N (N from 0 on) and the Python library hidden_states[N + 1].
 */
#ifndef ODESTEER_LM_H
#define ODESTEER_LM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct lm;

enum { LM_MAX_SEQS = 256 };	/* as libllama has it */

struct lm_options {
	const char *path;	/* of a GGUF file */
	int threads;		/* > 0 */
	int gpu_layers;		/* layers on the GPU; more than there are: all */
	int seqs;		/* sequences decoded together, 1 to LM_MAX_SEQS */
	int batch;		/* the most tokens in one lm_decode */
	int cells;		/* the most tokens remembered, of all sequences; >= batch */
	int outputs;		/* the most rows with LM_LOGITS in one lm_decode; <= batch */
	int classifier;		/* it is an encoder for lm_classify, not a decoder */
};

/*
 * Loads a model; the strings of o are not used later. Returns NULL with a
 * message in e if the file cannot be read or holds no model of the kind asked
 * for, or if memory runs out.
 */
struct lm *lm_open(const struct lm_options *o, struct err *e);
void lm_free(struct lm *m);		/* NULL is fine */

/* Properties of the model. Strings are borrowed until lm_free. */
const char *lm_name(const struct lm *m);	/* its general.name */
/*
 * Returns 16 hexadecimal digits that depend on the file's metadata, bytes of
 * tensors and number of parameters. Copies of a file have the same, different
 * quantisations of one model have not.
 */
const char *lm_digest(const struct lm *m);
int lm_dim(const struct lm *m);		/* numbers in an activation */
int lm_blocks(const struct lm *m);		/* transformer blocks */
int lm_vocab(const struct lm *m);		/* numbers in a row of logits */
int lm_context(const struct lm *m);		/* tokens it was trained for */
/*
 * Returns whether a sequence has a state that each token changes, instead of a
 * memory of all its tokens. Such a model decodes a batch in parts if one
 * sequence has more rows in it than another, and cannot be steered then. It
 * does not keep the order of rows if sequences have several each, and cannot
 * give a row to several sequences.
 */
int lm_is_recurrent(const struct lm *m);

/*
 * Turns text[len] into *n tokens, which the caller frees. The model's first
 * token (BOS) is added, and the last one (EOS) only for a classifier; special
 * tokens in the text are recognised. Returns 0 or -1.
 */
int lm_tokenise(const struct lm *m, const char *text, size_t len, int **token, size_t *n,
    struct err *e);
/*
 * Copies a token's bytes to buf[size]. Returns how many, or -1 if they do not
 * fit.
 */
int lm_piece(const struct lm *m, int token, char *buf, size_t size);
/* Returns whether a token ends a text. */
int lm_is_end(const struct lm *m, int token);
/*
 * Puts a prompt, and a system text unless it is NULL, into the model's chat
 * template. The text ends where the answer begins or, if assistant is not NULL,
 * after that answer and the tokens that close it. Returns the text, which the
 * caller frees, or NULL with a message in e.
 */
char *lm_chat(const struct lm *m, const char *system, const char *user, const char *assistant,
    struct err *e);

/* Uses of a row, which is a token of the batch; they can be combined. */
enum {
	LM_LOGITS = 1,		/* its logits, after lm_decode */
	LM_TAP = 2,		/* its activation goes to the tap */
	LM_STEER = 4,		/* its activation goes to the steering function */
	LM_EARLY = 8		/* with LM_STEER: it comes before the prompt's last token */
};

/* Returns how many rows the batch has. */
int lm_batch_size(const struct lm *m);
/*
 * Adds to the batch a token at position pos of the sequences seq[n_seq]. The
 * rows of a sequence must be added in the order of their positions, and keep
 * within batch, outputs and cells. Returns the number of the row.
 */
int lm_batch_add(struct lm *m, int token, int pos, const int *seq, int n_seq, unsigned want);
/* Decodes the batch and clears it. Returns 0 or -1. */
int lm_decode(struct lm *m, struct err *e);
/* Returns the logits[lm_vocab] of a row, borrowed until the next lm_decode. */
const float *lm_logits(const struct lm *m, int row);

/*
 * The next three functions are for models that were opened as a classifier.
 * Such a model must not be used with a batch, or with any function below them.
 */
/* Returns the number of classes, at least 1. */
int lm_classes(const struct lm *m);
/*
 * Returns the name of class i, from 0, borrowed until lm_free, or NULL if the
 * model does not name it.
 */
const char *lm_class_name(const struct lm *m, int i);
/*
 * Reads token[n], the tokens of one text as lm_tokenise returns them, with n
 * from 1 to the smaller of `batch` and lm_context. Sets logit[lm_classes] to
 * the outputs of the model, which may be infinite or NaN. Returns 0, or -1 with
 * a message in e.
 */
int lm_classify(struct lm *m, const int *token, size_t n, float *logit, struct err *e);

/* Forget what was decoded of all sequences, or of one. */
void lm_forget(struct lm *m);
void lm_forget_seq(struct lm *m, int seq);
/*
 * Makes the first n > 0 decoded tokens of one sequence, none of them steered,
 * the beginning of another one, `to`, of which nothing is remembered. Returns
 * 1, or 0 if sequences of this model cannot share a beginning.
 */
int lm_share(struct lm *m, int from, int to, int n);

/*
 * What lm_tap calls the activation after the model's final norm, from which the
 * logits are computed.
 */
enum { LM_FINAL_NORM = 1 << 20 };
/*
 * Has lm_decode call fn for each of the n blocks with the activation
 * act[lm_dim] of every row with LM_TAP, one after another. If fn returns -1,
 * with a message in e, so does lm_decode. The model is not computed beyond the
 * last of these blocks: there are no logits, and lm_decode ends with lm_forget.
 * Replaces an earlier tap; n = 0 ends it. Returns 0 or -1.
 */
typedef int lm_tap_fn(void *ctx, int block, int row, const float *act, struct err *e);
int lm_tap(struct lm *m, const int *block, size_t n, lm_tap_fn *fn, void *ctx, struct err *e);
/*
 * A row with LM_STEER. Those of a sequence without LM_EARLY have consecutive
 * positions. If a row belongs to several sequences, `at' is the same in all of
 * them.
 */
struct lm_steered {
	const int *seq;		/* [n_seq] its sequences, borrowed until fn returns */
	int n_seq;
	int pos;		/* its position in the text */
	/* 0: the prompt's last token, 1: the next one; -1: an LM_EARLY one */
	int at;
};
/*
 * Has lm_decode call fn after a block with all rows row[n] with LM_STEER, in
 * the order in which they were added, and their activations act[n][lm_dim]. The
 * model, and a tap of this block, go on with what fn leaves there. fn must not
 * call lm. If it returns -1, with a message in e, so does lm_decode.
 *
 * Each block may have its own fn and ctx, and a higher one sees what the lower
 * ones have led to. A second call for a block replaces the first; fn = NULL
 * ends its steering. Call lm_forget before a text is steered differently,
 * because what is remembered above the block was steered.
 *
 * Returns 0, or -1 with a message in e if the model has no such block or does
 * not name its output. LM_FINAL_NORM cannot be steered.
 */
typedef int lm_steer_fn(void *ctx, float *act, const struct lm_steered *row, size_t n,
    struct err *e);
int lm_steer(struct lm *m, int block, lm_steer_fn *fn, void *ctx, struct err *e);
/*
 * Asks for LM_STEER | LM_EARLY of all tokens before the last one of a prompt,
 * and returns whether that was asked for. They do not reach the steering of the
 * last block, after which nothing reads them.
 */
void lm_steer_prompts(struct lm *m);
int lm_steers_prompts(const struct lm *m);
/* Returns whether steering changed a row of the last lm_decode. */
int lm_moved(const struct lm *m, int row);

#endif
