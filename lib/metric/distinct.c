/*
 * distinct - the share of a completion's n-grams that are different.
 *
 * Source: Li et al. 2016, the paper's section 6: the number of different
 * n-grams divided by the number of n-grams, for n = 1, 2, 3. Words are
 * separated by white space. The share is 0 for a text of fewer than n words.
 */
#include <stdio.h>

#include "metric/metric.h"
#include "metric/ngram.h"

enum { MOST = 3 };

static void
distinct_close(void *state)
{
	ngram_release(state);
}

static int
distinct_push(void *state, struct record *r, struct sink *out, struct err *e)
{
	struct ngram *w = state;
	const char *text;
	char name[16];
	size_t n, len;

	if (record_get_text(r, "completion", 1, &text, &len, e) != 0)
		return -1;
	if (ngram_read(w, text, len, 0) < 0 || ngram_tokenise_space(w) != 0)
		return err_memory(e);
	for (n = 1; n <= MOST; n++) {
		long different = ngram_distinct(w, n);
		double share = different > 0 ? (double)different / (double)(w->n - n + 1) : 0;

		snprintf(name, sizeof name, "distinct%zu", n);
		if (different < 0 || record_set_num(r, name, share) != 0)
			return err_memory(e);
	}
	return sink_write(out, r, e);
}

static const struct column columns[] = {
	{ "Dist-1", "distinct1", &aggregate_mean, 3, NULL },
	{ "Dist-2", "distinct2", &aggregate_mean, 3, NULL },
	{ "Dist-3", "distinct3", &aggregate_mean, 3, NULL },
	{ .title = NULL }
};

const struct metric metric_distinct = {
	.name = "distinct",
	.about = "share of a completion's 1-, 2- and 3-grams that are different",
	.usage = "score distinct [-vz] [-o file] [file ...]\n",
	.kinds = STREAM_TEXTS,
	.columns = columns,
	.size = sizeof(struct ngram),
	.push = distinct_push,
	.close = distinct_close,
};
