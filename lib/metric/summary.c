#include "metric/summary.h"

#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/auc.h"
#include "stream/groups.h"

struct summary {
	const struct column *c;
	struct groups *names;		/* of questions */
	size_t n, room;			/* questions */
	double *sum;			/* [n] over a question's records */
	double *count;			/* [n] its records, or the sum of what AGG_EXP_RATIO divides by */
	/* of an AUC, every record */
	size_t n_item, room_item;
	double *score;
	int *label;
	size_t *group;
};

struct summary *
summary_alloc(const struct column *c)
{
	struct summary *t = calloc(1, sizeof *t);

	if (t == NULL || (t->names = groups_alloc()) == NULL) {
		free(t);
		return NULL;
	}
	t->c = c;
	return t;
}

void
summary_free(struct summary *t)
{
	if (t == NULL)
		return;
	groups_free(t->names);
	free(t->sum);
	free(t->count);
	free(t->score);
	free(t->label);
	free(t->group);
	free(t);
}

/* realloc of one array among several: the old one stays on failure */
static int
grow(void *array, size_t n, size_t size)
{
	void *old, *p;

	memcpy(&old, array, sizeof old);
	if ((p = realloc(old, n * size)) == NULL)
		return -1;
	memcpy(array, &p, sizeof p);
	return 0;
}

/* The question a record is of, by number; -1. */
static int
find_group(struct summary *t, const struct record *r, size_t *number, struct err *e)
{
	int got = groups_group(t->names, r, number, e);

	if (got <= 0)
		return got;
	if (t->n == t->room) {
		size_t room = t->room > 0 ? 2 * t->room : 256;

		if (grow(&t->sum, room, sizeof *t->sum) != 0 || grow(&t->count, room, sizeof *t->count) != 0)
			return err_memory(e);
		t->room = room;
	}
	t->sum[t->n] = t->count[t->n] = 0;
	t->n++;
	return 0;
}

static int
add_item(struct summary *t, double v, int label, size_t group, struct err *e)
{
	if (t->n_item == t->room_item) {
		size_t room = t->room_item > 0 ? 2 * t->room_item : 1024;

		if (grow(&t->score, room, sizeof *t->score) != 0 ||
		    grow(&t->label, room, sizeof *t->label) != 0 ||
		    grow(&t->group, room, sizeof *t->group) != 0)
			return err_memory(e);
		t->room_item = room;
	}
	t->score[t->n_item] = v;
	t->label[t->n_item] = label;
	t->group[t->n_item++] = group;
	return 0;
}

int
summary_add(struct summary *t, const struct record *r, struct err *e)
{
	enum aggregate how = t->c->how;
	int64_t label = 0;
	size_t group = 0;
	double v, count = 1;
	int got = record_get_num(r, t->c->field, &v);

	if (got <= 0)
		return got < 0 ? err_set(e, "field '%s' is not a number", t->c->field) : 0;
	if (how == AGG_EXP_RATIO) {
		if (record_get_num(r, t->c->per, &count) != 1 || count <= 0)
			return err_set(e, "field '%s' is not a number above 0", t->c->per);
		/* then none of the ratios of sums is too great either */
		if (!isfinite(exp(v / count)))
			return err_set(e, "exp(%s / %s) is not finite", t->c->field, t->c->per);
	} else if (how == AGG_BOTH) {
		if ((got = record_get_num(r, t->c->per, &count)) <= 0)
			return got < 0 ? err_set(e, "field '%s' is not a number", t->c->per) : 0;
		v = v != 0 && count != 0;
		count = 1;
	} else if (how != AGG_MEAN) {
		/* a run without labels has no such figure */
		if ((got = record_get_int(r, "label", &label)) == 0)
			return 0;
		if (got < 0 || label < 0 || label > 1)
			return err_set(e, "field 'label' is not 0 or 1");
		if (how != AGG_AUC && label != (how == AGG_MEAN_POSITIVE))
			return 0;
	}
	if (find_group(t, r, &group, e) != 0)
		return -1;
	t->sum[group] += v;
	t->count[group] += count;
	return how == AGG_AUC ? add_item(t, v, (int)label, group, e) : 0;
}

/* The figure when question i counts weight[i] times; item_weight is room for an AUC's. */
static double
value(const struct summary *t, const double *weight, double *item_weight)
{
	double sum = 0, total = 0;
	size_t i;

	if (t->c->how == AGG_AUC) {
		for (i = 0; i < t->n_item; i++)
			item_weight[i] = weight[t->group[i]];
		return auc(t->score, t->label, item_weight, t->n_item);
	}
	for (i = 0; i < t->n; i++) {
		if (t->c->how == AGG_EXP_RATIO) {
			sum += weight[i] * t->sum[i];
			total += weight[i] * t->count[i];
		} else {
			sum += weight[i] * t->sum[i] / t->count[i];
			total += weight[i];
		}
	}
	return t->c->how == AGG_EXP_RATIO ? exp(sum / total) : sum / total;
}

/* The 2.5 % and 97.5 % quantiles of sample[n], which is sorted by this. */
static void
interval(double *sample, size_t n, double *low, double *high)
{
	gsl_sort(sample, 1, n);
	*low = gsl_stats_quantile_from_sorted_data(sample, 1, n, 0.025);
	*high = gsl_stats_quantile_from_sorted_data(sample, 1, n, 0.975);
}

int
summary_figure(const struct summary *t, uint64_t seed, struct figure *f)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	double *weight = calloc(t->n + 1, sizeof *weight), *item = calloc(t->n_item + 1, sizeof *item);
	double *sample = calloc(SUMMARY_RESAMPLES, sizeof *sample);
	size_t i, k, n = 0;
	int rc = -1;

	*f = (struct figure){ NAN, NAN, NAN, 0 };
	if (rng == NULL || weight == NULL || item == NULL || sample == NULL)
		goto out;
	rc = 0;
	for (i = 0; i < t->n; i++)
		weight[i] = 1;
	if (t->n == 0 || isnan(f->value = value(t, weight, item)))
		goto out;
	f->n = t->n;
	gsl_rng_set(rng, (unsigned long)seed);
	for (k = 0; k < SUMMARY_RESAMPLES; k++) {
		memset(weight, 0, t->n * sizeof *weight);
		for (i = 0; i < t->n; i++)
			weight[gsl_rng_uniform_int(rng, t->n)]++;
		sample[n] = value(t, weight, item);
		/* a resampling with one label only has no AUC */
		n += !isnan(sample[n]);
	}
	interval(sample, n, &f->low, &f->high);
out:
	if (rng != NULL)
		gsl_rng_free(rng);
	free(weight);
	free(item);
	free(sample);
	return rc;
}

/* A question of two runs: of means, how far they are apart; of ratios, sum and count of the one and the other. */
struct both {
	double apart, sum[2], count[2];
};

/* The second run's figure less the first one's; question i counts w[i] times (NULL: once). */
static double
difference(enum aggregate how, const struct both *q, const double *w, size_t n)
{
	double sum[2] = { 0 }, count[2] = { 0 }, apart = 0, total = 0;
	size_t i, k;

	for (i = 0; i < n; i++) {
		double times = w != NULL ? w[i] : 1;

		apart += times * q[i].apart;
		total += times;
		for (k = 0; how == AGG_EXP_RATIO && k < 2; k++) {
			sum[k] += times * q[i].sum[k];
			count[k] += times * q[i].count[k];
		}
	}
	return how == AGG_EXP_RATIO ? exp(sum[1] / count[1]) - exp(sum[0] / count[0]) : apart / total;
}

/* The same with each question's two sides swapped or not, by chance. */
static double
swapped(enum aggregate how, const struct both *q, size_t n, gsl_rng *rng)
{
	double sum[2] = { 0 }, count[2] = { 0 }, apart = 0;
	unsigned long bits = 0;
	size_t i, k;

	for (i = 0; i < n; i++, bits >>= 1) {
		if (i % 32 == 0)
			bits = gsl_rng_get(rng);
		/* no branch, which nobody could foresee */
		apart += q[i].apart * (1 - 2 * (double)(bits & 1));
		for (k = 0; how == AGG_EXP_RATIO && k < 2; k++) {
			sum[k ^ (bits & 1)] += q[i].sum[k];
			count[k ^ (bits & 1)] += q[i].count[k];
		}
	}
	return how == AGG_EXP_RATIO ? exp(sum[1] / count[1]) - exp(sum[0] / count[0]) : apart / (double)n;
}

int
summary_pair(const struct summary *base, const struct summary *t, uint64_t seed, struct pair *p)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct both *q = calloc(t->n + 1, sizeof *q);
	double *weight = calloc(t->n + 1, sizeof *weight), *sample = calloc(SUMMARY_RESAMPLES, sizeof *sample);
	size_t i, j, k, n = 0, as_great = 0;
	int rc = -1;

	*p = (struct pair){ NAN, NAN, NAN, NAN, 0 };
	if (rng == NULL || q == NULL || weight == NULL || sample == NULL)
		goto out;
	rc = 0;
	for (i = 0; i < t->n && t->c->how != AGG_AUC; i++)
		if (groups_find(base->names, groups_text(t->names, i), &j))
			q[n++] = (struct both){ t->sum[i] / t->count[i] - base->sum[j] / base->count[j],
			    { base->sum[j], t->sum[i] }, { base->count[j], t->count[i] } };
	if ((p->n = n) == 0)
		goto out;
	p->difference = difference(t->c->how, q, NULL, n);
	gsl_rng_set(rng, (unsigned long)seed);
	for (k = 0; k < SUMMARY_RESAMPLES; k++) {
		memset(weight, 0, n * sizeof *weight);
		for (i = 0; i < n; i++)
			weight[gsl_rng_uniform_int(rng, n)]++;
		sample[k] = difference(t->c->how, q, weight, n);
	}
	interval(sample, SUMMARY_RESAMPLES, &p->low, &p->high);
	/* what is equal but for rounding is as great */
	for (k = 0; k < SUMMARY_SWAPS; k++)
		as_great += fabs(swapped(t->c->how, q, n, rng)) >= fabs(p->difference) * (1 - 1e-9);
	p->p = (1 + (double)as_great) / (1 + SUMMARY_SWAPS);
out:
	if (rng != NULL)
		gsl_rng_free(rng);
	free(q);
	free(weight);
	free(sample);
	return rc;
}
