/*
 * rouge - ROUGE-1, -2 and -L of a completion against true and false references.
 *
 * Source: Lin 2004, as TruthfulQA computes it: the F-measures of rouge_score's
 * rouge1, rouge2 and rougeLsum without stemming, times 100. rougeLsum counts
 * the union of the longest common subsequences over pairs of sentences; for
 * texts of one sentence it is plain ROUGE-L.
 */
#include <stdint.h>
#include <stdlib.h>

#include "metric/overlap.h"

static double
f_measure(double common, double n_text, double n_reference)
{
	double precision, recall;

	if (common == 0)
		return 0;
	precision = common / n_text;
	recall = common / n_reference;
	return 100 * 2 * precision * recall / (precision + recall);
}

/* Sets *score to ROUGE-n. Returns 0, or -1 if memory runs out. */
static int
rouge_n(struct ngram *text, struct ngram *reference, size_t n, double *score)
{
	long common = ngram_common(text, NULL, reference, n);

	/* if no n-gram is common, the other two numbers do not matter */
	*score = f_measure((double)common, (double)text->n - (double)n + 1,
	    (double)reference->n - (double)n + 1);
	return common < 0 ? -1 : 0;
}

/* Returns the end of the sentence that begins with word i. */
static size_t
sentence_end(const struct ngram *w, size_t i)
{
	size_t end = i;

	while (end < w->n && w->word[end].sentence == w->word[i].sentence)
		end++;
	return end;
}

/*
 * Sets mark[i] for the words i of the reference's sentence [r, r_end) that are
 * in a longest common subsequence with the text's sentence [t, t_end). If there
 * are several, takes the one that rouge_score finds, because the union over
 * sentences depends on it. length is work space.
 */
static void
mark_common(const struct ngram *reference, size_t r, size_t r_end, const struct ngram *text,
    size_t t, size_t t_end, uint32_t *mark, uint32_t *length)
{
	size_t rows = r_end - r, columns = t_end - t, i, j;

#define LENGTH(i, j) length[(i) * (columns + 1) + (j)]
	for (j = 0; j <= columns; j++)
		LENGTH(0, j) = 0;
	for (i = 1; i <= rows; i++) {
		LENGTH(i, 0) = 0;
		for (j = 1; j <= columns; j++)
			if (ngram_same(reference, r + i - 1, text, t + j - 1))
				LENGTH(i, j) = LENGTH(i - 1, j - 1) + 1;
			else if (LENGTH(i - 1, j) > LENGTH(i, j - 1))
				LENGTH(i, j) = LENGTH(i - 1, j);
			else
				LENGTH(i, j) = LENGTH(i, j - 1);
	}
	for (i = rows, j = columns; i > 0 && j > 0; )
		if (ngram_same(reference, r + i - 1, text, t + j - 1)) {
			mark[r + --i] = 1;
			j--;
		} else if (LENGTH(i, j - 1) > LENGTH(i - 1, j)) {
			j--;
		} else {
			i--;
		}
#undef LENGTH
}

static int
rouge(struct ngram *text, struct ngram *reference, double score[OVERLAP_MOST])
{
	/* marks of the reference's words, and work space after them */
	uint32_t *mark = calloc(reference->n + (reference->n + 1) * (text->n + 1), sizeof *mark);
	size_t r, r_end, t, t_end;
	long common;

	if (mark == NULL)
		return -1;
	for (r = 0; r < reference->n; r = r_end) {
		r_end = sentence_end(reference, r);
		for (t = 0; t < text->n; t = t_end) {
			t_end = sentence_end(text, t);
			mark_common(reference, r, r_end, text, t, t_end, mark, mark + reference->n);
		}
	}
	/* a word of the text can match only once */
	common = ngram_common(reference, mark, text, 1);
	free(mark);
	score[2] = f_measure((double)common, (double)text->n, (double)reference->n);
	return common < 0 || rouge_n(text, reference, 1, &score[0]) != 0 ||
	    rouge_n(text, reference, 2, &score[1]) != 0 ? -1 : 0;
}

static const char *const names[] = { "rouge1", "rouge2", "rougeL", NULL };
static const struct overlap_type type = { names, ngram_tokenise_plain, rouge };

static int
rouge_push(void *state, struct record *r, struct sink *out, struct err *e)
{
	return overlap_push(&type, state, r, out, e);
}

static const struct column columns[] = {
	{ "ROUGE-1", "rouge1_max", &aggregate_mean, 2, NULL },
	{ "ROUGE-1 diff", "rouge1_diff", &aggregate_mean, 2, NULL },
	{ "ROUGE-1 acc", "rouge1_acc", &aggregate_mean, 3, NULL },
	{ "ROUGE-2", "rouge2_max", &aggregate_mean, 2, NULL },
	{ "ROUGE-2 diff", "rouge2_diff", &aggregate_mean, 2, NULL },
	{ "ROUGE-2 acc", "rouge2_acc", &aggregate_mean, 3, NULL },
	{ "ROUGE-L", "rougeL_max", &aggregate_mean, 2, NULL },
	{ "ROUGE-L diff", "rougeL_diff", &aggregate_mean, 2, NULL },
	{ "ROUGE-L acc", "rougeL_acc", &aggregate_mean, 3, NULL },
	{ .title = NULL }
};

const struct metric metric_rouge = {
	.name = "rouge",
	.about = "ROUGE-1, -2, -L of a completion against true and false references",
	.usage = "score rouge [-vz] [-o file] [file ...]\n",
	.kinds = STREAM_TEXTS,
	.columns = columns,
	.size = sizeof(struct overlap),
	.push = rouge_push,
	.close = overlap_close,
};
