/*
 * prefix_tree - texts that begin alike, laid out as one batch of tokens.
 *
 * A token that several texts share (same tokens before it) becomes one row that
 * belongs to all their sequences: the question is decoded once for all its answers.
 */
#ifndef ODESTEER_PREFIX_TREE_H
#define ODESTEER_PREFIX_TREE_H

#include <stddef.h>

#include "model/lm.h"

struct prefix_tree;

/* For at most `texts` texts and `rows` rows; rows_lone for a tree of a single text. NULL: out of memory. */
struct prefix_tree *prefix_tree_alloc(size_t texts, size_t rows, size_t rows_lone);
void prefix_tree_free(struct prefix_tree *t);
void prefix_tree_clear(struct prefix_tree *t);
size_t prefix_tree_texts(const struct prefix_tree *t);
size_t prefix_tree_rows(const struct prefix_tree *t);

/*
 * Adds token[n], n > 0, and what is wanted (LM_LOGITS | ...) of each of its
 * rows; wants of a shared row add up. 1: added as text number prefix_tree_texts() - 1;
 * 0: no room, decode and clear first; -1: out of memory.
 */
int prefix_tree_add(struct prefix_tree *t, const int *token, const unsigned *want, size_t n);
/* The row of token `pos` of text `text`. */
int prefix_tree_row(const struct prefix_tree *t, size_t text, size_t pos);

/*
 * Makes the rows from `first` to before `end` the model's batch, in which they are numbered from 0 on. What comes
 * before them must have been decoded.
 */
void prefix_tree_batch(const struct prefix_tree *t, size_t first, size_t end, struct lm *m);

#endif
