/*
 * text_batch - texts that a model of their own reads together.
 *
 * What last_token and loglik share. Texts go into a prefix tree, so that a beginning they have in
 * common is decoded once, until there is no more room; then all are decoded.
 */
#ifndef ODESTEER_TEXT_BATCH_H
#define ODESTEER_TEXT_BATCH_H

#include <stddef.h>

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"
#include "model/prefix_tree.h"

enum {
	TEXT_BATCH_ROWS = 512,		/* rows of several texts at most */
	TEXT_BATCH_CONTEXT = 2048,	/* longest text, in tokens */
	TEXT_BATCH_TEXTS = 64
};

struct text_batch {
	struct lm *lm;
	struct prefix_tree *tree;
	size_t longest;			/* TEXT_BATCH_CONTEXT, or what the model was trained for if that is less */
	const struct example *x[TEXT_BATCH_TEXTS];	/* the texts of the tree */
};

/*
 * Opens the model, with at most `rows` rows in one lm_decode, all of which may have logits. 0, or -1 with a
 * message; b is to be released either way.
 */
int text_batch_open(struct text_batch *b, const char *model, int rows, int threads, int gpu_layers, struct err *e);
void text_batch_release(struct text_batch *b);

/*
 * Adds the first n tokens of x, which is borrowed until text_batch_clear, and what is wanted (LM_LOGITS | ...) of
 * each. 1: added; 0: no room, decode and clear first; -1: error.
 */
int text_batch_add(struct text_batch *b, const struct example *x, size_t n, const unsigned *want, struct err *e);
/* Forgets all texts. */
void text_batch_clear(struct text_batch *b);

#endif
