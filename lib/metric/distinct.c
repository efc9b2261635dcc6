/*
 * distinct - how many different n-grams a completion has.
 *
 * Source: Li et al. 2016, the paper's section 6: distinct n-grams over n-grams of
 * a text, n = 1, 2, 3, of words between white space. A text of fewer than n
 * words has none: 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"

enum { MOST = 3 };

static const char space[] = " \t\r\n\v\f";

/* A word in its text. */
struct word {
	const char *s;
	size_t len;
};

struct distinct {
	struct word *word;
	const struct word **at;		/* n-grams by their first word, to be sorted */
	size_t room;
};

static void
distinct_close(void *state)
{
	struct distinct *s = state;

	free(s->word);
	free(s->at);
	free(s);
}

static void *
distinct_open(const struct metric_options *o, struct header *h, struct err *e)
{
	struct distinct *s = calloc(1, sizeof *s);

	(void)o, (void)h;
	if (s == NULL)
		err_memory(e);
	return s;
}

/* Splits text into s->word; the number of words, or -1. */
static long
split(struct distinct *s, const char *text)
{
	size_t n = 0;

	for (text += strspn(text, space); *text != '\0'; text += strspn(text, space)) {
		if (n == s->room) {
			size_t room = s->room > 0 ? 2 * s->room : 256;
			struct word *word = realloc(s->word, room * sizeof *word);

			if (word == NULL)
				return -1;
			s->word = word;
			free(s->at);
			if ((s->at = calloc(room, sizeof *s->at)) == NULL)
				return -1;
			s->room = room;
		}
		s->word[n].s = text;
		s->word[n].len = strcspn(text, space);
		text += s->word[n++].len;
	}
	return (long)n;
}

static int
compare(const void *a, const void *b, void *n)
{
	const struct word *x = *(const struct word *const *)a, *y = *(const struct word *const *)b;
	size_t i;

	for (i = 0; i < *(size_t *)n; i++) {
		size_t len = x[i].len < y[i].len ? x[i].len : y[i].len;
		int c = memcmp(x[i].s, y[i].s, len);

		if (c == 0)
			c = (x[i].len > y[i].len) - (x[i].len < y[i].len);
		if (c != 0)
			return c;
	}
	return 0;
}

static double
ratio(struct distinct *s, size_t words, size_t n)
{
	size_t grams = words >= n ? words - n + 1 : 0, different = 0, i;

	if (grams == 0)
		return 0;
	for (i = 0; i < grams; i++)
		s->at[i] = &s->word[i];
	qsort_r(s->at, grams, sizeof *s->at, compare, &n);
	for (i = 0; i < grams; i++)
		different += i == 0 || compare(&s->at[i - 1], &s->at[i], &n) != 0;
	return (double)different / (double)grams;
}

static int
distinct_push(void *state, struct record *r, struct metric_out *out, struct err *e)
{
	struct distinct *s = state;
	double value[MOST];
	const char *text;
	char name[16];
	size_t n;
	long words;

	if (record_get_str(r, "completion", &text, NULL) != 1)
		return err_set(e, "field 'completion' is missing or not a string");
	if ((words = split(s, text)) < 0)
		return err_memory(e);
	for (n = 1; n <= MOST; n++)
		value[n - 1] = ratio(s, (size_t)words, n);
	for (n = 1; n <= MOST; n++) {
		snprintf(name, sizeof name, "distinct%zu", n);
		if (record_set_num(r, name, value[n - 1]) != 0)
			return err_memory(e);
	}
	return out->emit(out, r, e);
}

static int
distinct_flush(void *state, struct metric_out *out, struct err *e)
{
	(void)state, (void)out, (void)e;
	return 0;
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
	.letters = "",
	.kinds = 1u << STREAM_EXAMPLES | 1u << STREAM_COMPLETIONS,
	.columns = columns,
	.open = distinct_open,
	.push = distinct_push,
	.flush = distinct_flush,
	.close = distinct_close,
};
