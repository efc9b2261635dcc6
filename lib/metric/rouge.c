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
#include <string.h>

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
 * sentences depends on it. length and left are work space.
 *
 * length[j] is the length of a longest common subsequence of the reference's
 * words so far and the text's first j. A bit of left, for both words, is 1 if
 * that subsequence does without the text's word.
 */
static void
mark_common(const struct ngram *reference, size_t r, size_t r_end, const struct ngram *text,
    size_t t, size_t t_end, unsigned char *mark, uint32_t *length, unsigned char *left)
{
	size_t rows = r_end - r, columns = t_end - t, i, j, k = 0;

	memset(length, 0, (columns + 1) * sizeof *length);
	memset(left, 0, rows * columns / 8 + 1);
	for (i = 0; i < rows; i++) {
		uint32_t before = 0;	/* length[j] without word i */

		for (j = 0; j < columns; j++, k++) {
			uint32_t both = before;

			before = length[j + 1];
			left[k / 8] |= (unsigned char)((length[j] > before) << k % 8);
			if (ngram_same(reference, r + i, text, t + j))
				length[j + 1] = both + 1;
			else if (length[j] > before)
				length[j + 1] = length[j];
		}
	}
	for (i = rows, j = columns; i > 0 && j > 0; ) {
		k = (i - 1) * columns + j - 1;
		if (ngram_same(reference, r + i - 1, text, t + j - 1)) {
			mark[r + --i] = 1;
			j--;
		} else if (left[k / 8] >> k % 8 & 1) {
			j--;
		} else {
			i--;
		}
	}
}

static int
rouge(struct ngram *text, struct ngram *reference, double score[OVERLAP_MOST], struct err *e)
{
	size_t cells = text->n * reference->n, r, r_end, t, t_end;
	unsigned char *mark, *left;
	uint32_t *length;
	long common = -1;

	mark = calloc(reference->n + 1, 1);
	length = malloc((text->n + 1) * sizeof *length);
	left = malloc(cells / 8 + 1);
	if (mark == NULL || length == NULL || left == NULL)
		goto out;
	for (r = 0; r < reference->n; r = r_end) {
		r_end = sentence_end(reference, r);
		for (t = 0; t < text->n; t = t_end) {
			t_end = sentence_end(text, t);
			mark_common(reference, r, r_end, text, t, t_end, mark, length, left);
		}
	}
	/* a word of the text can match only once */
	common = ngram_common(reference, mark, text, 1);
	score[2] = f_measure((double)common, (double)text->n, (double)reference->n);
	if (rouge_n(text, reference, 1, &score[0]) != 0 ||
	    rouge_n(text, reference, 2, &score[1]) != 0)
		common = -1;
out:
	free(mark);
	free(length);
	free(left);
	return common < 0 ? err_memory(e) : 0;
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
