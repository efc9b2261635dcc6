#include "model/prefix_tree.h"

#include <stdlib.h>
#include <string.h>

struct node {
	int token, pos;
	int child, next;	/* first child, next child of the same parent; -1: none */
	int texts;		/* how many */
	unsigned want;
};

struct prefix_tree {
	struct node *node;
	size_t n_node, max_node, lone;
	int root;		/* first node of position 0, -1: none */
	int **path;		/* [text][pos] node */
	size_t *length;		/* [text] */
	size_t n_text, max_text;
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
	t->node = calloc(rows > rows_lone ? rows : rows_lone, sizeof *t->node);
	t->path = calloc(texts, sizeof *t->path);
	t->length = calloc(texts, sizeof *t->length);
	if (t->node == NULL || t->path == NULL || t->length == NULL) {
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

/* The node of `token` among the children that begin at `first`. */
static int
find(const struct prefix_tree *t, int first, int token)
{
	while (first >= 0 && t->node[first].token != token)
		first = t->node[first].next;
	return first;
}

size_t
prefix_tree_shared(const struct prefix_tree *t, const int *token, size_t n)
{
	int at = t->root;
	size_t i;

	for (i = 0; i < n && (at = find(t, at, token[i])) >= 0; i++)
		at = t->node[at].child;
	return i;
}

int
prefix_tree_add(struct prefix_tree *t, const int *token, const unsigned *want, size_t n)
{
	size_t fresh = n - prefix_tree_shared(t, token, n), i;
	int *path, *head = &t->root;

	if (t->n_text == t->max_text ||
	    t->n_node + fresh > (t->n_text == 0 && t->lone > t->max_node ? t->lone : t->max_node))
		return 0;
	if ((path = malloc(n * sizeof *path)) == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		int at = find(t, *head, token[i]);

		if (at < 0) {
			at = (int)t->n_node++;
			t->node[at] = (struct node){ token[i], (int)i, -1, *head, 0, 0 };
			*head = at;
		}
		t->node[at].want |= want[i];
		t->node[at].texts++;
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

int
prefix_tree_batch(const struct prefix_tree *t, struct lm *m, struct err *e)
{
	size_t total = 0, i, p;
	int **seq, *all;

	for (i = 0; i < t->n_text; i++)
		total += t->length[i];
	seq = malloc((t->n_node + 1) * sizeof *seq);
	all = malloc((total + 1) * sizeof *all);
	if (seq == NULL || all == NULL) {
		free(seq);
		free(all);
		return err_memory(e);
	}
	for (i = 0, p = 0; i < t->n_node; p += (size_t)t->node[i++].texts)
		seq[i] = all + p;
	/* fill every node's list of sequences; seq[] runs ahead to its end */
	for (i = 0; i < t->n_text; i++)
		for (p = 0; p < t->length[i]; p++)
			*seq[t->path[i][p]]++ = (int)i;
	lm_batch_clear(m);
	/* a node is made after its parent, so positions come in order */
	for (i = 0; i < t->n_node; i++)
		lm_batch_add(m, t->node[i].token, t->node[i].pos, seq[i] - t->node[i].texts,
		    t->node[i].texts, t->node[i].want);
	free(seq);
	free(all);
	return 0;
}
