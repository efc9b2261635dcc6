#include "metric/summary.h"

#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "stream/groups.h"

struct summary {
	const struct column *column;
	struct groups *names;		/* of questions */
	struct sample sample;
	size_t room, room_record;	/* of the sample's arrays */
};

struct summary *
summary_alloc(const struct column *c)
{
	struct summary *t = calloc(1, sizeof *t);

	if (t == NULL || (t->names = groups_alloc()) == NULL) {
		free(t);
		return NULL;
	}
	t->column = c;
	return t;
}

int
summary_add(struct summary *t, const struct record *r, struct err *e)
{
	const struct column *c = t->column;
	struct sample *s = &t->sample;
	struct reading v = { 0, 1, 0 };
	struct sample_record *record;
	struct question *question;
	size_t number = 0;
	int got = record_get_num(r, c->field, &v.value);

	if (got <= 0)
		return got < 0 ? err_set(e, "field '%s' is not a number", c->field) : 0;
	if (c->aggregate->read != NULL && (got = c->aggregate->read(c, r, &v, e)) <= 0)
		return got;
	if ((got = groups_add_record(t->names, r, &number, e)) < 0)
		return -1;
	if (got == 1) {
		question = array_grow(s->question, s->n + 1, &t->room, sizeof *question);
		if (question == NULL)
			return err_memory(e);
		s->question = question;
		question[s->n++] = (struct question){ .greatest = v.value };
	}
	question = &s->question[number];
	question->sum[v.label] += v.value;
	question->count[v.label] += v.count;
	question->greatest = fmax(question->greatest, v.value);
	if (c->aggregate->question != NULL)
		return 0;
	record = array_grow(s->record, s->n_record + 1, &t->room_record, sizeof *record);
	if (record == NULL)
		return err_memory(e);
	s->record = record;
	record[s->n_record++] = (struct sample_record){ v.value, v.label, number };
	return 0;
}

/*
 * A figure of one run (pair is NULL) or of two, over n questions, and the
 * questions' weights.
 */
struct estimate {
	const struct aggregate *aggregate;
	struct sample sample;			/* of one run, the questions that count; or */
	struct question *question;		/* room for those of the sample */
	struct question_pair *pair;		/* [n] of two runs */
	size_t n;
	gsl_rng *rng;
	double *weight;				/* [n] */
	double *resampled;			/* [SUMMARY_RESAMPLES] its values */
};

/* Returns the figure with the present weights. */
static double
value(const struct estimate *x)
{
	return x->pair == NULL ? x->aggregate->figure(&x->sample, x->weight) :
	    x->aggregate->compare(x->pair, x->weight, x->n);
}

/* Sets the interval of f. */
static void
bootstrap(const struct estimate *x, struct figure *f)
{
	size_t i, k, n = 0;

	for (k = 0; k < SUMMARY_RESAMPLES; k++) {
		memset(x->weight, 0, x->n * sizeof *x->weight);
		for (i = 0; i < x->n; i++)
			x->weight[gsl_rng_uniform_int(x->rng, x->n)]++;
		x->resampled[n] = value(x);
		/* a resampling that has only one label has no AUC */
		n += !isnan(x->resampled[n]);
	}
	gsl_sort(x->resampled, 1, n);
	f->low = gsl_stats_quantile_from_sorted_data(x->resampled, 1, n, 0.025);
	f->high = gsl_stats_quantile_from_sorted_data(x->resampled, 1, n, 0.975);
}

/* Sets p of f, whose value is the difference without any exchange. */
static void
permutation_test(const struct estimate *x, struct figure *f)
{
	unsigned long bits = 0;
	size_t i, k, as_great = 0;

	for (k = 0; k < SUMMARY_SWAPS; k++) {
		for (i = 0; i < x->n; i++, bits >>= 1) {
			if (i % 32 == 0)
				bits = gsl_rng_get(x->rng);
			x->weight[i] = 1 - 2 * (double)(bits & 1);
		}
		/* a value that differs only by rounding is as great */
		as_great += fabs(value(x)) >= fabs(f->value) * (1 - 1e-9);
	}
	f->p = (1 + (double)as_great) / (1 + SUMMARY_SWAPS);
}

static int
by_value(const void *a, const void *b)
{
	const struct sample_record *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->question < y->question ? -1 : x->question > y->question;
}

/* Sets *q to question i of t, with its value. Returns whether it counts. */
static int
get_question(const struct summary *t, size_t i, struct question *q)
{
	*q = t->sample.question[i];
	q->value = t->column->aggregate->question(q);
	return !isnan(q->value);
}

/*
 * Sets x->sample and x->n to the questions of t that count, if questions have
 * values; else to all, with the records in ascending order.
 */
static void
choose_questions(struct estimate *x, const struct summary *t)
{
	size_t i;

	x->sample = t->sample;
	if (x->aggregate->question == NULL && x->sample.n > 0)
		qsort(x->sample.record, x->sample.n_record, sizeof *x->sample.record, by_value);
	if (x->aggregate->question != NULL) {
		x->sample.question = x->question;
		for (i = x->sample.n = 0; i < t->sample.n; i++)
			x->sample.n += (size_t)get_question(t, i, &x->question[x->sample.n]);
	}
	x->n = x->sample.n;
}

/* Sets x->pair and x->n to the questions that count in both. */
static void
pair_questions(struct estimate *x, const struct summary *base, const struct summary *t)
{
	size_t i, j;

	for (i = x->n = 0; i < t->sample.n; i++) {
		struct question_pair *q = &x->pair[x->n];

		if (groups_find(base->names, groups_text(t->names, i), &j) &&
		    get_question(base, j, &q->run[0]) && get_question(t, i, &q->run[1])) {
			q->difference = q->run[1].value - q->run[0].value;
			x->n++;
		}
	}
}

int
summary_figure(struct summary *t, const struct summary *base, uint64_t seed, struct figure *f)
{
	struct estimate x = { .aggregate = t->column->aggregate };
	size_t i, room = t->sample.n + 1;
	int rc = -1;

	*f = (struct figure){ NAN, NAN, NAN, NAN, 0 };
	if (base == NULL ? x.aggregate->figure == NULL : x.aggregate->compare == NULL)
		return 0;
	x.rng = gsl_rng_alloc(gsl_rng_mt19937);
	x.weight = calloc(room, sizeof *x.weight);
	x.question = calloc(room, sizeof *x.question);
	x.resampled = calloc(SUMMARY_RESAMPLES, sizeof *x.resampled);
	if (x.rng == NULL || x.weight == NULL || x.resampled == NULL || x.question == NULL ||
	    (base != NULL && (x.pair = calloc(room, sizeof *x.pair)) == NULL))
		goto out;
	rc = 0;
	gsl_rng_set(x.rng, (unsigned long)seed);
	if (base != NULL)
		pair_questions(&x, base, t);
	else
		choose_questions(&x, t);
	for (i = 0; i < x.n; i++)
		x.weight[i] = 1;
	if (x.n == 0 || isnan(f->value = value(&x)))
		goto out;
	f->n = x.n;
	if (!x.aggregate->no_interval)
		bootstrap(&x, f);
	if (base != NULL && x.aggregate->figure != NULL)
		permutation_test(&x, f);
out:
	if (x.rng != NULL)
		gsl_rng_free(x.rng);
	free(x.weight);
	free(x.resampled);
	free(x.question);
	free(x.pair);
	return rc;
}
