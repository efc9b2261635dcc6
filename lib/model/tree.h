/*
 * tree - texts that begin alike, laid out as one batch of tokens.
 *
 * A token that several texts share (same tokens before it) becomes one row that
 * belongs to all their sequences: the question is decoded once for all its answers.
 */
#ifndef ODESTEER_TREE_H
#define ODESTEER_TREE_H

#include <stddef.h>

#include "model/lm.h"

struct tree;

/* For at most `texts` texts and `rows` rows; rows_lone for a tree of a single text. NULL: out of memory. */
struct tree *tree_alloc(size_t texts, size_t rows, size_t rows_lone);
void tree_free(struct tree *t);
void tree_clear(struct tree *t);
size_t tree_texts(const struct tree *t);
size_t tree_rows(const struct tree *t);

/*
 * Adds token[n], n > 0, and what is wanted (LM_LOGITS | ...) of each of its
 * rows; wants of a shared row add up. 1: added as text number tree_texts() - 1;
 * 0: no room, decode and clear first; -1: out of memory.
 */
int tree_add(struct tree *t, const int *token, const unsigned *want, size_t n);
/* How many tokens of the text tree_add would share with what is there. */
size_t tree_shared(const struct tree *t, const int *token, size_t n);
/* The row of token `pos` of text `text`. */
int tree_row(const struct tree *t, size_t text, size_t pos);

/* Puts all rows into the model's (empty) batch: row numbers are those of tree_row. 0, -1. */
int tree_batch(const struct tree *t, struct lm *m, struct err *e);

#endif
