#include "model/prefix_tree.h"

#include <stdlib.h>
#include <string.h>

struct node {
	int token, pos;
	int child, next;	/* the first child, and the next one of the parent; -1: none */
	unsigned want;
};

struct prefix_tree {
	struct node *node;
	size_t n_node, max_node, lone;
	int root;		/* the first node of position 0; -1: none */
	int **path;		/* [text][pos] nodes */
	size_t *length;		/* [text] */
	size_t n_text, max_text;
	int *seq;		/* [text] the sequences of one row */
};

struct prefix_tree *
prefix_tree_alloc(size_t texts, size_t rows, size_t rows_lone)
{
	struct prefix_tree *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->max_text = texts;
	t->max_node = rows;
	t->lone = rows_lone;
	t->root = -1;
	t->node = calloc(rows_lone, sizeof *t->node);
	t->path = calloc(texts, sizeof *t->path);
	t->length = calloc(texts, sizeof *t->length);
	t->seq = calloc(texts, sizeof *t->seq);
	if (t->node == NULL || t->path == NULL || t->length == NULL || t->seq == NULL) {
		prefix_tree_free(t);
		return NULL;
	}
	return t;
}

void
prefix_tree_free(struct prefix_tree *t)
{
	if (t == NULL)
		return;
	prefix_tree_clear(t);
	free(t->node);
	free(t->path);
	free(t->length);
	free(t->seq);
	free(t);
}

void
prefix_tree_clear(struct prefix_tree *t)
{
	while (t->n_text > 0)
		free(t->path[--t->n_text]);
	t->n_node = 0;
	t->root = -1;
}

size_t
prefix_tree_texts(const struct prefix_tree *t)
{
	return t->n_text;
}

size_t
prefix_tree_rows(const struct prefix_tree *t)
{
	return t->n_node;
}

/*
 * Returns the node of a token among `first` and its next ones, or -1. A token
 * shares the row of another one only if both are steered, and both end the
 * prompt or come before its end, or neither is steered.
 */
static int
find(const struct prefix_tree *t, int first, int token, unsigned want)
{
	while (first >= 0 && (t->node[first].token != token ||
	    (t->node[first].want ^ want) & (LM_STEER | LM_EARLY)))
		first = t->node[first].next;
	return first;
}

/* Returns how many leading tokens of a text the tree has already. */
static size_t
count_shared(const struct prefix_tree *t, const int *token, const unsigned *want, size_t n)
{
	int at = t->root;
	size_t i;

	for (i = 0; i < n && (at = find(t, at, token[i], want[i])) >= 0; i++)
		at = t->node[at].child;
	return i;
}

int
prefix_tree_add(struct prefix_tree *t, const int *token, const unsigned *want, size_t n)
{
	size_t fresh = n - count_shared(t, token, want, n), i;
	int *path, *head = &t->root;

	if (t->n_text == t->max_text ||
	    t->n_node + fresh > (t->n_text == 0 ? t->lone : t->max_node))
		return 0;
	if ((path = malloc(n * sizeof *path)) == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		int at = find(t, *head, token[i], want[i]);

		if (at < 0) {
			at = (int)t->n_node++;
			t->node[at] = (struct node){ token[i], (int)i, -1, *head, 0 };
			*head = at;
		}
		t->node[at].want |= want[i];
		path[i] = at;
		head = &t->node[at].child;
	}
	t->path[t->n_text] = path;
	t->length[t->n_text++] = n;
	return 1;
}

int
prefix_tree_row(const struct prefix_tree *t, size_t text, size_t pos)
{
	return t->path[text][pos];
}

void
prefix_tree_batch(const struct prefix_tree *t, size_t first, size_t end, struct lm *m)
{
	size_t i, k;

	/* children come after their parents, so positions are in order */
	for (i = first; i < end; i++) {
		size_t pos = (size_t)t->node[i].pos;
		int n = 0;

		for (k = 0; k < t->n_text; k++)
			if (pos < t->length[k] && t->path[k][pos] == (int)i)
				t->seq[n++] = (int)k;
		lm_batch_add(m, t->node[i].token, (int)pos, t->seq, n, t->node[i].want);
	}
}
