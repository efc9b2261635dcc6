/*
 * text_batch - texts that are decoded together by a model opened for them.
 *
 * What last_token and loglik share: texts go into a prefix tree until it is
 * full, and are then decoded.
 */
#ifndef ODESTEER_TEXT_BATCH_H
#define ODESTEER_TEXT_BATCH_H

#include <stddef.h>

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"
#include "model/prefix_tree.h"

enum {
	TEXT_BATCH_ROWS = 512,		/* rows of several texts */
	TEXT_BATCH_CONTEXT = 2048,	/* tokens of a text */
	TEXT_BATCH_TEXTS = 64
};

struct text_batch {
	struct lm *lm;
	struct prefix_tree *tree;
	size_t longest;		/* TEXT_BATCH_CONTEXT, or less if the model was trained for less */
	const struct example *x[TEXT_BATCH_TEXTS];	/* the tree's texts */
};

/*
 * Opens the model, to decode at most `rows` rows at a time, all with logits.
 * Returns 0 or -1. b is all zero before, and to be released in both cases.
 */
int text_batch_open(struct text_batch *b, const char *model, int rows, int threads,
    int gpu_layers, struct err *e);
void text_batch_release(struct text_batch *b);
/*
 * Adds the first n tokens of x, which is borrowed until text_batch_clear.
 * want[n] is that of prefix_tree_add. Returns 1, 0 if there is no room before
 * text_batch_clear, or -1 on error.
 */
int text_batch_add(struct text_batch *b, const struct example *x, size_t n, const unsigned *want,
    struct err *e);
/* Removes all texts, also from the model's memory. */
void text_batch_clear(struct text_batch *b);

#endif
