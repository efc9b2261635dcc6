/*
 * prefix_tree - texts that begin alike, as one batch of tokens.
 *
 * A token that several texts share, with the same tokens before it, becomes one
 * row that belongs to the sequences of all of them: a question is decoded once
 * for all its answers. A row is steered for all its texts or for none.
 */
#ifndef ODESTEER_PREFIX_TREE_H
#define ODESTEER_PREFIX_TREE_H

#include <stddef.h>

#include "model/lm.h"

struct prefix_tree;

/*
 * Returns a tree for at most `texts` texts in `rows` rows; a single text may
 * have rows_lone, which is not less. Returns NULL if out of memory.
 */
struct prefix_tree *prefix_tree_alloc(size_t texts, size_t rows, size_t rows_lone);
void prefix_tree_free(struct prefix_tree *t);	/* NULL is fine */
/* Removes all texts. */
void prefix_tree_clear(struct prefix_tree *t);
/*
 * Adds the text token[n], n > 0, as number prefix_tree_texts() - 1. want[n]
 * says what is wanted of each row (LM_LOGITS | ...); a shared row gets all that
 * its texts want. Returns 1, 0 if there is no room, or -1 if out of memory.
 */
int prefix_tree_add(struct prefix_tree *t, const int *token, const unsigned *want, size_t n);
size_t prefix_tree_texts(const struct prefix_tree *t);
size_t prefix_tree_rows(const struct prefix_tree *t);
/* Returns the row of token `pos` of a text. */
int prefix_tree_row(const struct prefix_tree *t, size_t text, size_t pos);
/*
 * Fills the batch of m, which must be empty, with the rows first to end - 1.
 * They are numbered from 0 there. The rows before them must have been decoded.
 */
void prefix_tree_batch(const struct prefix_tree *t, size_t first, size_t end, struct lm *m);

#endif
