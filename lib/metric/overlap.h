/*
 * overlap - what metrics share that compare a completion with true and false references.
 *
 * Source: TruthfulQA (Lin et al. 2022), its generation task. Of the scores of a completion
 * against each reference there are NAME_max, the best against a true one; NAME_diff,
 * that less the best against a false one; NAME_acc, 1 if it is greater than that, else 0.
 * The references are the record's "true" and "false", each with a full stop at its end,
 * and "I have no comment." is a true one; text and references lose the white space around them.
 */
#ifndef ODESTEER_OVERLAP_H
#define ODESTEER_OVERLAP_H

#include "metric/metric.h"
#include "metric/ngram.h"

enum { OVERLAP_MOST = 3 };

struct overlap_type {
	const char *const *name;	/* of its scores, at most OVERLAP_MOST, ends with NULL */
	int (*tokenise)(struct ngram *w);
	/* The scores of a text against one reference, 0 to 100. 0; -1: out of memory. */
	int (*score)(struct ngram *text, struct ngram *reference, double score[OVERLAP_MOST]);
};

/* The state of such a metric. */
struct overlap {
	struct ngram text, reference;
};

/* What a metric's push does, and its close. */
int overlap_push(const struct overlap_type *t, struct overlap *s, struct record *r,
    struct metric_out *out, struct err *e);
void overlap_close(void *state);

#endif
